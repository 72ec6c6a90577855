"""What a station's machines and desk need beside the audio: RDXML, set-up sheet, receipt and playlists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from channels.radio.air import marked, plain, readable
from channels.radio.bulletin import Bulletin, Office
from channels.radio.frames import frame
from channels.radio.script import moment
from channels.radio.setup_words import PIECES, RECEIPT, SETUP

T = TypeVar("T")

GROUP = "ALERT"  # of a station that has said nothing
TITLE, DESCRIPTION = 190, 64  # characters Rivendell keeps (lib/rdcart.cpp, rdcut.cpp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What is agreed with a station, and where it finds our feed and key; empty is not agreed."""

    group: str = GROUP  # Rivendell's
    cart: int | None = None
    feed: str = ""
    key: str = ""  # the office's public key, base64
    read_back: str = ""  # the link for "aired at, by whom"
    ref: str = ""  # by which the office knows what a receipt is of


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One audio file of a playlist; `path` is relative, with forward slashes."""

    path: str
    title: str
    seconds: float = 0.0  # 0: not known


def rivendell(bulletin: Bulletin, office: Office, agreed: Agreed, *, seconds: float, out_cue: str) -> bytes:
    """Describe the cart and its only cut as RDXML, for `rdimport --xml`, times by the office's clock.

    Rivendell reads it line by line and not as XML (lib/rdcart.cpp, readXml): one element a line, ASCII, no entities.
    It must hold a cut: rdimport takes the second record it reads. A file of the WAV's name, ending .xml.
    """
    who = bulletin.about.agency or office.title
    cart = [("type", "audio"), ("groupName", agreed.group), ("title", _title(bulletin, TITLE))]
    cart += [("artist", who), ("client", who), ("agency", who), ("userDefined", bulletin.id)]
    number = [("number", str(agreed.cart))] if agreed.cart else []
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<cart>", *_elements(number + cart, 2)]
    lines += ["  <cutList>", "    <cut>"]
    lines += _elements(_cut(bulletin, office, round(seconds * 1000), out_cue), 6)
    return "\n".join([*lines, "    </cut>", "  </cutList>", "</cart>", ""]).encode("ascii")


def station_setup(bulletin: Bulletin, office: Office, agreed: Agreed, names: Mapping[str, str]) -> str:
    """Tell a station's engineer how to air this kit with Rivendell, Liquidsoap or by hand, and how to check it; CRLF.

    `names` gives the paths of the roles wav, mp3, stem and script, as far as the kit has them.
    """
    words, about = _words(PIECES, bulletin, office), bulletin.about
    by_hand = f"rdimport --xml --to-cart={agreed.cart or 'N'} --delete-cuts --normalization-level=0"
    filled = {
        **_shared(bulletin, office, words),
        **{role: names.get(role) or words["none"] for role in ("wav", "mp3", "stem", "script")},
        "group": agreed.group, "cart": agreed.cart or words["no_cart"], "zone": office.zone,
        "cart_reuse": words["cart_reuse"] if agreed.cart else "", "by_hand": f"{by_hand} {agreed.group} WAV",
        "feed": agreed.feed or words["unknown"], "read_back": agreed.read_back or words["unknown"],
        "signature": words["signed"].format(key=agreed.key) if agreed.key else words["unsigned"],
        "check": about.check or words["unknown"],
    }  # fmt: skip
    return _filled(_words(SETUP, bulletin, office), filled)


def receipt(bulletin: Bulletin, office: Office, agreed: Agreed) -> str:
    """Make the form on which a station writes when it aired, by whom and how often; CRLF."""
    words = _words(PIECES, bulletin, office)
    code = agreed.ref or bulletin.about.code or bulletin.id
    filled = {**_shared(bulletin, office, words), "code": code, "link": agreed.read_back or words["unknown"]}
    return _filled(_words(RECEIPT, bulletin, office), filled)


def m3u8(tracks: Sequence[Track], title: str) -> str:
    """List audio as extended M3U in UTF-8 with relative paths; an unknown length is -1, as players expect."""
    lines = ["#EXTM3U", f"#PLAYLIST:{_line(title)}"]
    for track in tracks:
        length = round(track.seconds) if track.seconds > 0 else -1
        lines += [f"#EXTINF:{length},{_line(track.title)}", track.path]
    return "\n".join([*lines, ""])


def xspf(tracks: Sequence[Track], title: str, creator: str) -> bytes:
    """List audio as XSPF 1 with relative locations and lengths in milliseconds."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<playlist version="1" xmlns="http://xspf.org/ns/0/">']
    lines += [f"  <title>{_xml(title)}</title>", f"  <creator>{_xml(creator)}</creator>", "  <trackList>"]
    for track in tracks:
        lines += ["    <track>", f"      <location>{escape(quote(track.path))}</location>"]
        lines += [f"      <title>{_xml(track.title)}</title>"]
        lines += [f"      <duration>{round(track.seconds * 1000)}</duration>"] if track.seconds > 0 else []
        lines += ["    </track>"]
    return "\n".join([*lines, "  </trackList>", "</playlist>", ""]).encode("utf-8", "replace")


def _cut(bulletin: Bulletin, office: Office, length: int, out_cue: str) -> list[tuple[str, str]]:
    def local(at: datetime) -> str:
        return at.astimezone(ZoneInfo(office.zone)).strftime("%Y-%m-%dT%H:%M:%S")

    return [
        ("cutNumber", "1"), ("evergreen", "false"), ("description", _title(bulletin, DESCRIPTION)),
        ("outcue", out_cue[:DESCRIPTION]),
        ("length", str(length)), ("originName", office.title), ("originDatetime", local(bulletin.sent)),
        ("startDatetime", local(bulletin.sent)), ("endDatetime", local(bulletin.expires)),
        ("weight", "1"), ("startPoint", "0"), ("endPoint", str(length)),
    ]  # fmt: skip


def _title(bulletin: Bulletin, most: int) -> str:
    """Give the headline in ASCII, or the alert's identifier where its script has no ASCII."""
    return marked(plain(bulletin.headline) if readable(bulletin.headline) else bulletin.id, bulletin)[:most]


def _elements(pairs: Sequence[tuple[str, str]], indent: int) -> list[str]:
    # `contains("<title>")` is how Rivendell finds an element, so a value may never look like one.
    bare = [(name, " ".join(plain(value).replace("&", "+").replace("<", "(").replace(">", ")").split()))
            for name, value in pairs]  # fmt: skip
    return [f"{' ' * indent}<{name}>{value}</{name}>" for name, value in bare if value]


def _shared(bulletin: Bulletin, office: Office, words: Mapping[str, str]) -> dict[str, str]:
    frames = frame(bulletin.language, office.language)
    mode = frames.modes.get(bulletin.mode, "")
    held = words["until"] if bulletin.timed else words["open"]
    return {
        "title": office.title,
        "mode": f"\n*** {mode.upper()} ***\n" if mode else "",
        "headline": marked(bulletin.headline, bulletin),
        "until": moment(held, frames, bulletin.expires, office.zone),
        "contact": bulletin.about.contact or words["unknown"],
        "id": bulletin.id,
    }


def _filled(text: str, filled: Mapping[str, object]) -> str:
    """Fill a sheet in one pass, so that braces in an alert's words stay words; CRLF, for Notepad of any age."""
    return text.format_map(filled).replace("\r\n", "\n").replace("\n", "\r\n")


def _words(tables: Mapping[str, T], bulletin: Bulletin, office: Office) -> T:
    tags = (tag.lower().partition("-")[0] for tag in (bulletin.language, office.language, "id"))
    return next(tables[tag] for tag in tags if tag in tables)


def _line(text: str) -> str:
    return " ".join(text.split())


def _xml(text: str) -> str:
    return escape(_line(text))
