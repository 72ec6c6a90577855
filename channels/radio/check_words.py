"""Checks of a kit's words and paper: script, captions, texts for operators, tagged PDF, card."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from itertools import pairwise

from channels.radio.air import APRS_TEXT, PS, RADIOTEXT, WINLINK, sent
from channels.radio.findings import Row, judged, skipped
from channels.radio.frames import Frame, frame, marker
from channels.radio.opened import Opened

PAPER = ("readme", "script", "loudspeaker", "questions", "poster")
CARD = (1080, 1350)
TAGGED = (b"/StructTreeRoot", b"/MarkInfo", b"/Lang")
RULE = re.compile(r"^-{10,}$", re.MULTILINE)
CUE = re.compile(r"^(?:(\d+):)?(\d\d):(\d\d)\.(\d{3}) --> (?:(\d+):)?(\d\d):(\d\d)\.(\d{3})(?: .*)?$")
BULLETIN = re.compile(rf"^:BLN([1-9])[A-Z0-9 ]{{5}}:([^|~{{]{{1,{APRS_TEXT}}})$")
ZONES = (7, 8, 9)  # WIB, WITA, WIT
LARGEST_PDF = 64 << 20
LARGEST_OBJECTS = 64 << 20  # of all compressed object streams of a PDF; more is a bomb
SLACK = 0.5  # s that captions may run on after the sound
OPENING, ENDING = 4, 3  # lines


def script(kit: Opened) -> Iterator[Row]:
    """The script says who speaks first, then until when, and ends plainly; a drill says so first and last."""
    found = kit.of("script_text")
    if not found:
        yield skipped("script", "there is no script as text", wanted="a script")
        return
    lines, words = _reading(kit.text(found[0][0])), frame(kit.said.language)
    wrong = list(_misordered(kit, lines, words))
    yield judged("script order", wrong, good=f"{len(lines)} lines", wanted="who says it first, the end last")
    if word := words.mode_words.get(kit.said.mode, ""):
        ends = (lines[:1], lines[-2:])
        wrong = [] if all(any(word in line.lower() for line in part) for part in ends) else [f"{word!r} is not said"]
        yield judged("mode in script", wrong, good=word, wanted=f"{word!r} in the first and the last lines")
    if not kit.said.ends:
        yield _expiry(kit, lines)


def captions(kit: Opened) -> Iterator[Row]:
    """Captions parse, go forward in time and end with the sound."""
    for path, _ in kit.of("captions"):
        wrong = list(_untimely(kit.text(path), _longest(kit)))
        yield judged("captions", wrong, good=path, wanted="WebVTT whose times go forward and end with the sound")


def aprs(kit: Opened) -> Iterator[Row]:
    """Every bulletin is one that APRS carries, numbered from 1, and marked in a drill."""
    for path, _ in kit.of("aprs"):
        lines = sent(kit.text(path))
        matches = [BULLETIN.match(line) for line in lines]
        wrong = [f"{line[:90]!r} is no bulletin" for line, match in zip(lines, matches, strict=True) if not match]
        wrong += [f"{line!r} is not ASCII" for line in lines if not line.isascii()]
        numbers = [int(match[1]) for match in matches if match]
        wrong += [] if numbers == list(range(1, len(numbers) + 1)) else ["they are not numbered from 1"]
        wrong += [f"{line!r} lacks its mode" for line in _unmarked(kit, [line[11:] for line in lines])]
        yield judged(
            "APRS", wrong, good=f"{len(lines)} bulletins", wanted=f"BLN1-9, 9 + {APRS_TEXT} characters of ASCII"
        )


def rds(kit: Opened) -> Iterator[Row]:
    """RadioTexts and names keep to their lengths, and a drill is marked in each."""
    for path, _ in kit.of("rds"):
        lines = sent(kit.read(path).decode("ascii", "replace"))
        texts = [line[3:] for line in lines if line.startswith("RT=")]
        names = [line[3:] for line in lines if line.startswith("PS=")]
        wrong = [f"{text!r} has {len(text)} characters" for text in texts if len(text) > RADIOTEXT]
        wrong += [f"name {name!r} has not {PS} characters" for name in names if len(name) != PS]
        wrong += [f"{text!r} lacks its mode" for text in _unmarked(kit, [*texts, *names])]
        wrong += ["TA is asked for in a drill"] if kit.said.mode != "Actual" and "TA=1" in lines else []
        wrong += ["it is not ASCII"] if any("\ufffd" in line for line in lines) else []
        yield judged("RDS", wrong, good=f"{len(texts)} texts", wanted=f"RT of {RADIOTEXT}, PS of {PS} characters")


def texts(kit: Opened) -> Iterator[Row]:
    """SMS and Winlink say something, carry the mode of a drill, and Winlink keeps to 5 KB."""
    for path, listed in kit.of("sms", "winlink"):
        told = sent(kit.text(path))
        wrong = [] if told else [f"{path} is empty"]
        wrong += [f"{path} lacks its mode"] if told and all(_unmarked(kit, [line]) for line in told) else []
        wrong += [f"{path} has {listed.size} octets"] if listed.role == "winlink" and listed.size > WINLINK else []
        yield judged(listed.role, wrong, good=f"{listed.size} octets", wanted="a text with its mode, of a fitting size")


def paper(kit: Opened) -> Iterator[Row]:
    """Every PDF is tagged and names its language."""
    for path, listed in kit.of(*PAPER):
        content = kit.read(path, LARGEST_PDF)
        if not content.startswith(b"%PDF-") or b"%%EOF" not in content[-1024:]:
            wrong = [f"{path} is not a whole PDF"]
        else:
            whole = content + b"".join(_inflated(content))
            wrong = [f"{path} lacks {mark.decode()}" for mark in TAGGED if mark not in whole]
        yield judged(f"paper: {listed.role}", wrong, good=path, wanted="a tagged PDF that names its language")


def card(kit: Opened) -> Iterator[Row]:
    """The card is a PNG of 1080 by 1350, with words for those who do not see it."""
    for path, _ in kit.of("card"):
        head = kit.read(path, LARGEST_PDF)[:24]
        plain = len(head) == 24 and head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR"
        size = struct.unpack(">II", head[16:24]) if plain else None
        wrong = [] if size == CARD else [f"{path} is {'x'.join(map(str, size)) if size else 'no PNG'}"]
        wrong += [] if any(kit.text(alt).strip() for alt, _ in kit.of("alt")) else ["it has no words beside it"]
        yield judged("card", wrong, good=path, wanted="a PNG of 1080x1350 with alternative text")


def cap(kit: Opened) -> Iterator[Row]:
    """The CAP alert in the kit is the one the manifest names."""
    for path, _ in kit.of("cap"):
        wrong = [] if kit.said.id in kit.text(path) else [f"{path} does not name {kit.said.id}"]
        yield judged("CAP", wrong, good=kit.said.id, wanted="the alert this kit was made of")


def _reading(text: str) -> list[str]:
    """Take what is read from the announcer's sheet: what stands between its rules, or all."""
    parts = RULE.split(text.replace("\r\n", "\n"))
    body = parts[1] if len(parts) >= 3 else text
    return [line.strip() for line in body.splitlines() if line.strip()]


def _misordered(kit: Opened, lines: list[str], words: Frame) -> Iterator[str]:
    if not lines:
        yield "it is empty"
        return
    # The mode and "an update" may come before; the mode again after the end.
    first, last = " ".join(lines[:OPENING]).lower(), [line.lower() for line in lines[-ENDING:]]
    if kit.said.agency.lower() not in first and words.issued.partition("{")[0].strip().lower() not in first:
        yield "who says it does not come first"
    if not any(line.startswith((words.end.lower(), *words.ends)) for line in last):
        yield f"it does not end with {words.end!r}"


def _expiry(kit: Opened, lines: list[str]) -> Row:
    """Until when is said, by the clock of the manifest or of an Indonesian zone."""
    until, words = kit.said.valid_until, frame(kit.said.language)
    zones = [until.tzinfo, *(timezone(timedelta(hours=hours)) for hours in ZONES)]
    clocks = {datetime.strftime(until.astimezone(zone), words.clock) for zone in zones}
    spoken = [line for line in lines if any(clock in line for clock in clocks)]
    wanted = "until when it holds, in the script"
    if spoken:
        return judged("script says until when", [], good=spoken[-1], wanted=wanted)
    if not any(words.until.split("{")[0].strip().lower() in line.lower() for line in lines):
        return skipped("script says until when", "it names no end: the alert may have none", wanted=wanted)
    return judged("script says until when", ["it names another time than the manifest"], good="", wanted=wanted)


def _untimely(text: str, seconds: float) -> Iterator[str]:
    lines = text.replace("\r\n", "\n").split("\n")
    if not lines[0].lstrip("\ufeff").startswith("WEBVTT"):
        yield "it does not begin with WEBVTT"
    cues = [match for line in lines if "-->" in line and (match := CUE.match(line))]
    if len(cues) != sum("-->" in line for line in lines) or not cues:
        yield "it has no cues, or times that cannot be read"
        return
    times = [(_seconds(*match.groups()[:4]), _seconds(*match.groups()[4:])) for match in cues]
    yield from (f"the cue at {start:.1f} s ends before it begins" for start, end in times if end <= start)
    yield from (f"the cue at {b:.1f} s stands after {a:.1f} s" for (a, _), (b, _) in pairwise(times) if b < a)
    if seconds and times[-1][1] > seconds + SLACK:
        yield f"they end at {times[-1][1]:.1f} s, the sound at {seconds:.1f} s"


def _seconds(hours: str | None, minutes: str, seconds: str, thousandths: str) -> float:
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + int(thousandths) / 1000


def _longest(kit: Opened) -> float:
    found = [listed.seconds for _, listed in kit.of("wav", "mp3", "mp2", "flac", "opus") if listed.seconds]
    return max(found, default=0.0)


def _unmarked(kit: Opened, texts: list[str]) -> list[str]:
    mark = marker(kit.said.mode, kit.said.language).rstrip("_")
    return [text for text in texts if mark and mark not in text.upper()]


def _inflated(content: bytes) -> Iterator[bytes]:
    """Give what a PDF keeps in compressed object streams (ISO 32000-1, 7.5.7)."""
    left = LARGEST_OBJECTS
    for match in re.finditer(rb"/Type\s*/ObjStm.{0,300}?stream\r?\n", content, re.DOTALL):
        try:
            found = zlib.decompressobj().decompress(memoryview(content)[match.end() :], left)
        except zlib.error:
            continue
        yield found
        left -= len(found)
        if left <= 0:
            return


WORDS: Mapping[str, Callable[[Opened], Iterator[Row]]] = {
    "script": script,
    "captions": captions,
    "APRS": aprs,
    "RDS": rds,
    "texts": texts,
    "paper": paper,
    "card": card,
    "CAP": cap,
}
