"""The kit's listening page: everything in the kit on one HTML page that works from a memory stick, without scripts."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from channels.radio.air import marked, radiotexts, sms
from channels.radio.bulletin import Bulletin, Office
from channels.radio.frames import frame
from channels.radio.page_words import PAGE, PageWords
from channels.radio.script import moment

PAPER = ("readme", "script", "loudspeaker", "questions", "poster")
SOUND = ("mp3", "opus", "amr", "loudspeaker_mp3", "loop", "wav", "mp2", "flac", "stem")  # what most need first
SHEETS = (
    "script_text",
    "rds",
    "aprs",
    "winlink",
    "sms",
    "setup",
    "receipt",
    "cap",
    "rdxml",
    "m3u8",
    "xspf",
    "manifest",
)
BROWSERS = {".mp3", ".ogg", ".wav", ".flac", ".m4a"}  # that a browser plays; the others are only offered


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One file of the kit as the page shows it; 0 seconds and None are not known."""

    path: str  # below the kit's folder, with forward slashes
    size: int = 0
    seconds: float = 0.0
    lufs: float | None = None
    peak: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the page shows beside the bulletin's words; `pieces` by role, as the kit names them."""

    script: str  # as it is read, once
    pieces: Mapping[str, Piece]
    captions: str = ""  # WebVTT
    alt: str = ""  # what the card shows, in words
    read_back: str = ""
    voice: str = ""  # "espeak-ng id", a person's name; empty: text only
    synthetic: bool = True
    missing: tuple[str, ...] = ()


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def page(bulletin: Bulletin, office: Office, shown: Shown) -> str:
    """Render the page: one file, relative links only, nothing from elsewhere, the same bytes for the same kit."""
    words = _words(bulletin, office)
    frames = frame(bulletin.language, office.language)
    return _TEMPLATES.get_template("listening.html").render(
        w=words,
        language=bulletin.language if bulletin.language.lower().partition("-")[0] in PAGE else words.tag,
        bulletin=bulletin,
        who=bulletin.about.agency or office.title,
        headline=marked(bulletin.headline, bulletin),
        mode=frames.modes.get(bulletin.mode, ""),
        until=moment("{clock} {zone}, {date}", frames, bulletin.expires, office.zone) if bulletin.timed else "",
        sounds=_listed(SOUND, shown.pieces, words),
        paper=_listed(PAPER, shown.pieces, words),
        sheets=_listed(SHEETS, shown.pieces, words),
        card=shown.pieces.get("card"),
        track=_embedded(shown.captions),
        shown=shown,
        sms=sms(bulletin).strip(),
        radiotexts=radiotexts(bulletin, office).texts,
        read_back=_web(shown.read_back),
        link=_web(bulletin.link),
        href=quote,
    )


def _listed(roles: tuple[str, ...], pieces: Mapping[str, Piece], words: PageWords) -> list[dict[str, object]]:
    return [
        {"role": role, "piece": pieces[role], "title": words.titles[role], "use": words.uses.get(role, ""),
         "plays": Path(pieces[role].path).suffix in BROWSERS, "figures": _figures(pieces[role], words)}
        for role in roles if role in pieces
    ]  # fmt: skip


def _figures(piece: Piece, words: PageWords) -> str:
    told = [f"{piece.path.rpartition('.')[2].upper()}", _size(piece.size)]
    if piece.seconds:
        whole = round(piece.seconds)
        told.append(words.length.format(minutes=whole // 60, seconds=whole % 60))
    told += [f"{piece.lufs:.1f} LUFS"] if piece.lufs is not None else []
    told += [f"{piece.peak:.1f} dBTP"] if piece.peak is not None else []
    return ", ".join(filter(None, told))


def _size(octets: int) -> str:
    if octets >= 1_000_000:
        return f"{octets / 1_000_000:.1f} MB"
    return f"{max(1, round(octets / 1000))} kB" if octets else ""


def _embedded(captions: str) -> str:
    """Carry captions within the page: a browser loads no track from beside a page on a memory stick."""
    if not captions:
        return ""
    return "data:text/vtt;base64," + base64.b64encode(captions.encode("utf-8", "replace")).decode("ascii")


def _web(link: str) -> str:
    """Pass on a link to the web and nothing else: an alert of others could carry a script."""
    return link if urlsplit(link).scheme in {"http", "https"} else ""


def _words(bulletin: Bulletin, office: Office) -> PageWords:
    tags = (tag.lower().partition("-")[0] for tag in (bulletin.language, office.language, "id"))
    return next(PAGE[tag] for tag in tags if tag in PAGE)
