"""Reads the setting of a radio account: the folder, who speaks, and what of the office's goes into a kit."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

from channels.contract import Misconfigured
from channels.radio.bulletin import Office
from channels.radio.seal import BadKey, Sealer
from channels.radio.stages import Stage

SETTINGS = {
    "title", "base", "language", "zone", "code", "kentongan", "lexicon", "key", "rivers", "recordings", "smtp", "kit",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What an office may give its kits beside the words; nothing of it is needed."""

    lexicon: Path | None = None  # its own names
    key: Path | None = None  # signs the sums
    rivers: Path | None = None  # GeoJSON drawn on the map
    recordings: Path | None = None  # voices of people
    smtp: str | None = field(default=None, repr=False)  # sends kits to stations that take letters
    most: Stage = Stage.NEURAL  # how far kits are made; a better voice only where it is installed


def read(url: str) -> tuple[Path, Office, Means]:
    """Read file:///folder?title=&base=&language=&zone=...; Misconfigured says in one sentence which part is wrong."""
    parts = urlsplit(url)
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    if parts.scheme != "file" or parts.netloc or not parts.path.strip("/"):
        raise Misconfigured("radio: give a folder as file:///absolute/path")
    if unknown := query.keys() - SETTINGS:
        raise Misconfigured(f"radio: unknown setting {sorted(unknown)[0]}; known are {sorted(SETTINGS)}")
    return Path(unquote(parts.path)), _office(query), _means(query)


def _office(query: dict[str, str]) -> Office:
    if not query.get("title"):
        raise Misconfigured("radio: title is missing; it is the agency named on air")
    base = urlsplit(query.get("base", ""))
    if base.scheme not in {"http", "https"} or not base.netloc:
        raise Misconfigured("radio: base must be the http(s) address the folder is served at")
    zone = query.get("zone", "Asia/Jakarta")
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        raise Misconfigured(f"radio: zone {zone!r} is not a time zone; try Asia/Pontianak") from None
    return Office(
        title=query["title"],
        base=query["base"].rstrip("/"),
        language=query.get("language", "id"),
        zone=zone,
        code=query.get("code") or code_of(query["title"]),
        kentongan=query.get("kentongan", ""),
    )


def code_of(title: str) -> str:
    """Make a code of an agency's name: BPBD Kubu Raya is BPBD-KR."""
    words = [word for word in title.split() if word[:1].isalnum()]
    if not words:
        return "CRISIS"
    rest = "".join(word[0] for word in words[1:]).upper()
    return "-".join(filter(None, (words[0].upper()[:12], rest[:8])))


def _means(query: dict[str, str]) -> Means:
    most = query.get("kit", "neural").upper()
    if most not in Stage.__members__:
        raise Misconfigured(f"radio: kit must be one of {', '.join(stage.lower() for stage in Stage.__members__)}")
    return Means(
        lexicon=_file(query, "lexicon"),
        key=_key(query),
        rivers=_file(query, "rivers"),
        recordings=Path(query["recordings"]) if query.get("recordings") else None,
        smtp=query.get("smtp"),
        most=Stage[most],
    )


def _file(query: dict[str, str], name: str) -> Path | None:
    if not query.get(name):
        return None
    path = Path(query[name])
    if not path.is_file():
        raise Misconfigured(f"radio: {name}={path} is no file")
    return path


def _key(query: dict[str, str]) -> Path | None:
    path = _file(query, "key")
    if path:
        try:
            Sealer.load(path)
        except BadKey as error:
            raise Misconfigured(f"radio: {error}") from None
    return path
