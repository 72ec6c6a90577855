"""The door of radio stations: the feed, and every file of the kits in force; what has left is told to be gone."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from crisis.web.auth import officer_of
from crisis.web.house import HOUSE
from crisis.web.pages import SAFE, is_drill, refuse

RADIO_FOLDER = web.AppKey("radio_folder", Path)
RADIO_DRILL_FOLDER = web.AppKey("radio_drill_folder", Path)

STATE, AIRED = "bulletin.json", "aired"  # what the folder keeps for itself
TOLD = ("id", "language", "mode", "headline", "sent", "expires", "reached", "voice", "seconds", "missing")
KINDS = {
    ".mp3": "audio/mpeg", ".mp2": "audio/mpeg", ".wav": "audio/wav", ".flac": "audio/flac", ".ogg": "audio/ogg",
    ".amr": "audio/amr", ".txt": "text/plain", ".html": "text/html", ".vtt": "text/vtt", ".pdf": "application/pdf",
    ".png": "image/png", ".xml": "application/xml", ".json": "application/json", ".zip": "application/zip",
    ".m3u8": "application/vnd.apple.mpegurl", ".xspf": "application/xspf+xml", ".minisig": "text/plain",
    "": "text/plain",
}  # fmt: skip
TEXTS = {"text/plain", "text/html", "text/vtt", "application/xml", "application/json", "application/rss+xml"}
NAME = re.compile(r"[\w-][\w.+-]{0,199}", re.ASCII)  # no dot in front: what is being made is hidden so; disks take 255
# A kit's page carries its own style, and its captions within it; still no script, and nothing from elsewhere.
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; media-src 'self' data:; base-uri 'none'"


def add(app: web.Application) -> None:
    """Add the door; app[RADIO_FOLDER] and app[RADIO_DRILL_FOLDER] are the folders there are."""
    app.router.add_get("/radio/{path:.+}", give)
    app.router.add_get("/exercise/radio/{path:.+}", give)
    app.router.add_get("/api/v1/kits", in_force)


async def in_force(request: web.Request) -> web.Response:
    """GET /api/v1/kits: the kits that stand in the radio folders, how far each is made, and what it lacks."""
    await officer_of(request)
    folders = [request.app[key] for key in (RADIO_FOLDER, RADIO_DRILL_FOLDER) if key in request.app]
    found = await asyncio.to_thread(lambda: [told for folder in folders for told in _standing(folder)])
    return web.json_response({"kits": found})


def _standing(folder: Path) -> Iterator[dict[str, Any]]:
    for state in sorted(folder.glob(f"*/{STATE}")):
        try:
            told = json.loads(state.read_bytes())
            yield {"place": state.parent.name} | {name: told[name] for name in TOLD}
        except (OSError, ValueError, KeyError, TypeError):  # it is being replaced, or a hand was at it
            continue


async def give(request: web.Request) -> web.StreamResponse:
    """Serve the feed and the kits in force; 410 for what was in force and is no more, 404 for all else."""
    key = RADIO_DRILL_FOLDER if is_drill(request) else RADIO_FOLDER
    folder: Any = request.app.get(key)
    parts = request.match_info["path"].split("/")
    path = _in_force(folder, parts) if folder else None
    over = folder is not None and await asyncio.to_thread(_is_over, folder, parts[0], request.app[HOUSE].now())
    if path is None or over or not await asyncio.to_thread(path.is_file):
        gone = over or (folder is not None and await asyncio.to_thread(_has_left, folder, parts[0]))
        return refuse(request, 410 if gone else 404, "no_file", drill=is_drill(request))
    kind = "application/rss+xml" if parts == ["feed.xml"] else KINDS[path.suffix]
    headers = {**SAFE, "Content-Type": kind + ("; charset=utf-8" if kind in TEXTS else "")}
    headers["Cache-Control"] = "public, max-age=30"
    if kind == "text/html":
        headers["Content-Security-Policy"] = PAGE_POLICY
    return web.FileResponse(path, headers=headers)


def _in_force(folder: Path, parts: list[str]) -> Path | None:
    """Find a file a station may fetch: the feed, a kit's ZIP, or a file of a kit; no way out of the folder."""
    if not 1 <= len(parts) <= 3 or parts[0] == AIRED or not all(map(NAME.fullmatch, parts)):
        return None
    path = folder.joinpath(*parts)
    if path.name == STATE or path.suffix not in KINDS or not path.resolve().is_relative_to(folder.resolve()):
        return None
    at_top = parts == ["feed.xml"] or path.suffix == ".zip"
    return path if (len(parts) == 1) == at_top else None


def _is_over(folder: Path, place: str, now: datetime) -> bool:
    """Tell whether a kit that still stands there has expired: who takes it out may be busy or away."""
    name = place.removesuffix(".zip")
    if not NAME.fullmatch(name):
        return False
    try:
        return datetime.fromisoformat(json.loads((folder / name / STATE).read_bytes())["expires"]) <= now
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _has_left(folder: Path, place: str) -> bool:
    """Tell whether a kit stood in this place once and none does now."""
    name = place.removesuffix(".zip")
    if not NAME.fullmatch(name) or (folder / name / STATE).exists():
        return False
    return any((folder / AIRED).glob(f"{name}-*"))
