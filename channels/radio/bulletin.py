"""One bulletin as a station's folder keeps it: its words, how long they hold, and how far its kit has got."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, TypeAdapter

from channels.contract import About, Notice
from channels.radio.frames import frame, marker
from channels.radio.names import named
from channels.radio.script import Script, Told, compose, loudspeaker, moment

LONGEST = timedelta(hours=24)  # a bulletin without an expiry must not stay on air for ever
# XML and announcers' screens take no control characters.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff\ud800-\udfff]")

# How far the kit is: words only, words and paper, the first sound, everything, everything in a better voice.
Reached = Literal["words", "paper", "first", "whole", "neural"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Who speaks, where the folder is on the web, the feed's language and the clock on the wall."""

    title: str
    base: str
    language: str
    zone: str
    code: str = "CRISIS"  # of the agency, in kits' names and EBU references: BPBD-KKR
    country: str = "ID"  # ISO 3166-1
    kentongan: str = ""  # the beat of this village's drum and what it means


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
    timed: bool = True  # somebody said when it ends; else only players stop at `expires`, and nobody says so
    replaces: tuple[str, ...] = ()
    urgent: bool = False
    ends: bool = False
    link: str = ""
    home: str = ""
    about: About = field(default_factory=About)
    reached: Reached = "words"
    voice: str = ""  # what speaks in the kit's sound: "espeak", "neural", "recording"
    missing: tuple[str, ...] = ()  # sentences: "no voice for jv"
    seconds: float = 0.0
    size: int = 0  # bytes of the MP3; 0: there is none

    @property
    def mark(self) -> str:
        return marker(self.mode, self.language)

    @property
    def place(self) -> str:
        """The folder it stands in: one for each mode, incident and language."""
        return f"{self.mark}{safe(self.incident)}-{safe(self.language.lower())}"

    @property
    def stem(self) -> str:
        """The sound's name; new words get a new name, so that no player keeps the old ones."""
        return f"bulletin-{digest(self.id)}"

    @property
    def guid(self) -> str:
        return f"{self.id}#{self.language}"

    def file(self, role: str) -> str:
        """Name the file of a role below the bulletin's place."""
        return named(role, language=self.language, mark=self.mark, stem=self.stem)

    def expired(self, now: datetime) -> bool:
        return self.expires <= now

    def outranks(self, other: Bulletin) -> bool:
        """Tell whether `other` arrives too late: this one took its place already."""
        if self.id == other.id or self.id in other.replaces:
            return False
        return other.id in self.replaces or self.sent > other.sent

    def same(self, other: Bulletin) -> bool:
        """Tell whether both are the same words of the same alert, whatever became of their kits."""
        return (self.id, self.reading) == (other.id, other.reading)

    def told(self, office: Office) -> Told:
        """Give what its scripts are made of."""
        return Told(
            language=self.language,
            mode=self.mode,
            words=self.script,
            headline=self.headline,
            title=office.title,
            zone=office.zone,
            office_language=office.language,
            expires=self.expires if self.timed else None,
            replaces=bool(self.replaces),
            ends=self.ends,
            about=self.about,
        )


STORED = TypeAdapter(Bulletin)
STATE = "bulletin.json"  # where it stands, in its place


def draft(notice: Notice, office: Office, now: datetime) -> Bulletin:
    """Make the bulletin of a notice; its kit is still to be made."""
    sent = notice.sent or now
    about = notice.about or About()
    words = clean(notice.script or ("" if notice.about else notice.text))
    made = STORED.validate_python(
        {
            "id": clean(notice.id),
            "incident": clean(notice.incident or notice.id),
            "language": notice.language,
            "mode": notice.mode,
            "headline": clean(notice.headline) or words.partition("\n")[0][:120] or about.hazard,
            "script": words,
            "reading": "",
            "sent": sent,
            "expires": notice.expires or sent + LONGEST,
            "timed": notice.expires is not None,
            "replaces": notice.replaces,
            "urgent": notice.urgent,
            "ends": notice.ends,
            "link": clean(notice.link),
            "home": notice.home,
            "about": {name: cleaned(value) for name, value in asdict(about).items()},
        }
    )
    return replace(made, reading=script_of(made, office).text)


def script_of(bulletin: Bulletin, office: Office) -> Script:
    """Give the script with its lines' parts; its text is the bulletin's reading."""
    return compose(bulletin.told(office))


def loudspeaker_of(bulletin: Bulletin, office: Office) -> Script:
    """Give the half minute for a mosque or a village head."""
    return loudspeaker(bulletin.told(office))


def kit_name(bulletin: Bulletin, office: Office) -> str:
    """Name a kit so that no two versions share it and the newest is plain to see: agency, incident, version, when."""
    at = bulletin.sent.astimezone(ZoneInfo(office.zone)).strftime("%Y%m%dT%H%M%z")
    version = f"v{bulletin.about.version}"
    return f"{bulletin.mark}{safe(office.code)}_{safe(bulletin.incident)}_{version}_{safe(bulletin.language)}_{at}"


def script_sheet(bulletin: Bulletin, office: Office, seconds: float) -> str:
    """Lay out the announcer's sheet as text: how to read it and until when, then what to read."""
    words = frame(bulletin.language, office.language)
    rule = "-" * 60
    head = [words.modes.get(bulletin.mode, "").upper(), f"{words.heading} ({bulletin.language})"]
    head += [words.twice.format(seconds=round(seconds))]
    head += [moment(words.not_after, words, bulletin.expires, office.zone)]
    return "\n".join([*filter(None, head), rule, bulletin.reading, rule, bulletin.id, ""])


def digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "replace"), digest_size=4).hexdigest()


def clean(text: str) -> str:
    """Take out what neither XML nor an announcer's screen can show."""
    return CONTROL.sub(" ", text.replace("\r\n", "\n")).strip()


def cleaned(value: object) -> object:
    """Clean every text of a value, however deep."""
    if isinstance(value, str):
        return clean(value)
    return tuple(cleaned(one) for one in value) if isinstance(value, list | tuple) else value


def safe(name: str) -> str:
    """Make a file name of any identifier; two identifiers never share one."""
    kept = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._-")[:80]
    return kept if kept == name else f"{kept or 'x'}-{digest(name)}"
