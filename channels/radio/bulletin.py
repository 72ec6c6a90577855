"""One bulletin as a station's folder keeps it: its words, how long they hold, and its audio's state."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Literal

from pydantic import AwareDatetime, TypeAdapter

from channels.contract import About, Notice
from channels.radio.script import frame, marker, moment, reading
from channels.radio.studio import voice_for

LONGEST = timedelta(hours=24)  # a bulletin without an expiry must not stay on air for ever
# XML and announcers' screens take no control characters.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff\ud800-\udfff]")

Audio = Literal["pending", "ready", "failed", "removed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Who speaks, where the folder is on the web, the feed's language and the clock on the wall."""

    title: str
    base: str
    language: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulletin:
    """What `bulletin.json` holds; `reading` is the script framed for the microphone, once."""

    id: str
    incident: str
    language: str
    mode: Literal["Actual", "Exercise", "Test"]
    headline: str
    script: str
    reading: str
    sent: AwareDatetime
    expires: AwareDatetime
    replaces: tuple[str, ...] = ()
    urgent: bool = False
    ends: bool = False
    link: str = ""
    about: About = field(default_factory=About)
    audio: Audio = "pending"
    why: str = ""  # of a failure: "no voice for jv"
    seconds: float = 0.0
    size: int = 0  # bytes of the MP3

    @property
    def place(self) -> str:
        """The folder it stands in: one for each mode, incident and language."""
        mark = marker(self.mode, self.language)
        return f"{mark}{_safe(self.incident)}-{_safe(self.language.lower())}"

    @property
    def text_name(self) -> str:
        return f"{marker(self.mode, self.language)}script.txt"

    @property
    def stem(self) -> str:
        """The audio's name; new words get a new name, so that no player keeps the old ones."""
        return f"{marker(self.mode, self.language)}bulletin-{digest(self.id)}"

    @property
    def guid(self) -> str:
        return f"{self.id}#{self.language}"

    def expired(self, now: datetime) -> bool:
        return self.expires <= now

    def outranks(self, other: Bulletin) -> bool:
        """Tell whether `other` arrives too late: this one took its place already."""
        if self.id == other.id or self.id in other.replaces:
            return False
        return other.id in self.replaces or self.sent > other.sent


STORED = TypeAdapter(Bulletin)


def draft(notice: Notice, office: Office, now: datetime) -> Bulletin:
    """Make the bulletin of a notice; its audio is pending, or failed where no voice speaks it."""
    sent = notice.sent or now
    mute = voice_for(notice.language) is None
    script = _clean(notice.script or notice.text)
    return STORED.validate_python(
        {
            "id": _clean(notice.id),
            "incident": _clean(notice.incident or notice.id),
            "language": notice.language,
            "mode": notice.mode,
            "headline": _clean(notice.headline) or script.partition("\n")[0][:120],
            "script": script,
            "reading": reading(notice, script, office.title, office.zone, office.language),
            "sent": sent,
            "expires": notice.expires or sent + LONGEST,
            "replaces": notice.replaces,
            "urgent": notice.urgent,
            "ends": notice.ends,
            "link": _clean(notice.link),
            "about": asdict(notice.about or About()),
            "audio": "failed" if mute else "pending",
            "why": f"no voice for {notice.language}" if mute else "",
        }
    )


def sheet(bulletin: Bulletin, office: Office) -> str:
    """Lay out the announcer's sheet: how to read it and until when, then what to read."""
    words = frame(bulletin.language, office.language)
    seconds = round(len(bulletin.reading.split()) * 60 / words.pace)
    rule = "-" * 60
    head = [words.modes.get(bulletin.mode, "").upper(), f"{words.heading} ({bulletin.language})"]
    head += [words.twice.format(seconds=seconds)]
    head += [moment(words.not_after, words, bulletin.expires, office.zone)]
    return "\n".join([*filter(None, head), rule, bulletin.reading, rule, bulletin.id, ""])


def digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "replace"), digest_size=4).hexdigest()


def _clean(text: str) -> str:
    return CONTROL.sub(" ", text.replace("\r\n", "\n")).strip()


def _safe(name: str) -> str:
    """Make a file name of any identifier; two identifiers never share one."""
    kept = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._-")[:80]
    return kept if kept == name else f"{kept or 'x'}-{digest(name)}"
