"""What the demonstration leaves behind for people to look at: the public page, the CAP files, the radio folder."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from deploy.demo_desk import Desk, until

STYLE = re.compile(r'<link rel="stylesheet" href="([^"]+)">')
KEPT = "demo-out"
SPOKEN = ("first", "whole")  # how far a kit is


def empty(folder: Path) -> Path:
    """Make the folder, without anything of an earlier demonstration in it."""
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("radio", "cap", "page"):
        (folder / part).mkdir(parents=True)
    return folder


async def keep_pages(desk: Desk, folder: Path, name: str, alert_id: int) -> str:
    """Keep the page of exercises, the alert's own page and its CAP file as they are now; give the CAP file."""
    for path, kept in (("/exercise?lang=id", f"{name}.html"), (f"/a/{alert_id}?lang=en", f"{name}-alert-en.html")):
        (folder / "page" / kept).write_text(await _whole(desk, path), encoding="utf-8")
    cap = await desk.page(f"/a/{alert_id}.xml")
    (folder / "cap" / f"{name}.xml").write_text(cap, encoding="utf-8")
    return cap


async def _whole(desk: Desk, path: str) -> str:
    """Fetch a page with its style sheet written into it, so that it looks the same without the service."""
    page = await desk.page(path)
    for link in STYLE.findall(page):
        style = await desk.page(link)
        page = page.replace(f'<link rel="stylesheet" href="{link}">', f"<style>{style}</style>")
    return page


async def keep_radio(radio: Path, folder: Path, name: str, identifier: str, languages: int = 2) -> list[dict[str, Any]]:
    """Wait until an alert has sound in each language, keep the folder a station sees then; give its bulletins."""

    async def spoken() -> list[dict[str, Any]]:
        found = [one for one in _bulletins(radio) if one["id"] == identifier]
        settled = len(found) == languages and all(one["reached"] in SPOKEN for one in found)
        return found if settled else []

    bulletins: list[dict[str, Any]] = await until(f"the spoken bulletin of {name}", spoken, within=90)
    shutil.copytree(radio, folder / "radio" / name, ignore=shutil.ignore_patterns(".*"))
    return bulletins


def _bulletins(radio: Path) -> list[dict[str, Any]]:
    found = []
    for path in radio.glob("*/bulletin.json"):
        try:
            found.append(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            continue  # it was replaced while we looked
    return found
