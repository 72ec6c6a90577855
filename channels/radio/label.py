"""What each file of a kit says of itself: the same words as bext, cart, LIST/INFO, ID3 and Vorbis comments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from zoneinfo import ZoneInfo

from channels.radio.bwf import Bext, Cart
from channels.radio.id3 import Chapter, Tag, iso639_2
from channels.radio.loudness import RATE, Loudness
from channels.radio.mastering import Cues
from channels.radio.names import named
from channels.radio.speech import Speech

CHAPTERS: Mapping[str, tuple[str, str, str]] = {
    "id": ("Bel", "Bacaan pertama", "Bacaan kedua"),
    "en": ("Bell", "First reading", "Second reading"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a bulletin's files say of themselves, in the bulletin's language; empty is left out."""

    title: str  # hazard and action, as a player shows it
    agency: str
    agency_code: str  # BPBD-SMG
    identifier: str  # of the alert
    version: int = 1
    language: str = "id"
    mode: str = "Actual"  # Actual, Exercise or Test
    severity: str = "Unknown"
    category: str = "EMERGENCY"  # or PSA
    sent: datetime
    expires: datetime
    zone: str  # of the clock on the station's wall: Asia/Jakarta
    link: str = ""  # to the alert's page
    script: str = field(default="", repr=False)
    outcue: str = ""  # the last words
    cut_id: str = ""  # cart number; a station's automation takes nothing but digits
    repeat: str = ""  # "Ulangi setiap 15 menit sampai 23.30 WIB"
    mark: str = ""  # LATIHAN_, EXERCISE_ ...: before every file's name
    stem: str  # of the audio's names
    country: str = "ZZ"  # ISO 3166; ZZ says nothing
    picture: bytes = field(default=b"", repr=False)  # PNG or JPEG for players
    maker: str = "Crisis"
    maker_version: str = ""

    def name(self, role: str) -> str:
        """Name the file of a role below the kit's folder."""
        return named(role, language=self.language, mark=self.mark, stem=self.stem)

    @property
    def shown(self) -> str:
        """The title with the mode before it, once, unless this is real."""
        mark = self.mark.strip("_")
        return self.title if self.title.upper().startswith(mark) else f"{mark}: {self.title}"

    @property
    def valid_from(self) -> datetime:
        """When it was sent, by the clock on the station's wall."""
        return self.sent.astimezone(ZoneInfo(self.zone))

    @property
    def valid_until(self) -> datetime:
        """When it expires, by the clock on the station's wall."""
        return self.expires.astimezone(ZoneInfo(self.zone))

    @property
    def made_by(self) -> str:
        """The program's name, with its version if that is known."""
        return f"{self.maker} {self.maker_version}".strip()

    @property
    def seed(self) -> int:
        """A number of these words, so that dither is the same in every rebuild."""
        return self.digest()

    def digest(self, *more: str) -> int:
        """Return 64 bits made of what tells this bulletin from others, and of `more`."""
        words = "\n".join((self.identifier, str(self.version), self.language, *more))
        return int.from_bytes(blake2b(words.encode("utf-8", "replace"), digest_size=8).digest(), "big")


def usid(label: Label, role: str) -> str:
    """Return a Unique Source Identifier (EBU R 99): country, facility, source, time of day, nine digits.

    The nine digits are made of the alert's identifier, so that a rebuild has the same.
    """
    facility = "".join(letter for letter in label.agency_code.upper() if letter.isascii() and letter.isalnum())
    source = f"{label.digest('source'):016X}"[:12]
    serial = label.digest(role) % 10**9
    return f"{label.country[:2].upper():Z<2}{facility[:3]:X<3}{source}{label.valid_from:%H%M%S}{serial:09d}"


def bext(label: Label, speech: Speech, loudness: Loudness, role: str) -> Bext:
    """Return the `bext` chunk (EBU Tech 3285 v2) of a file, dated by the clock on the station's wall."""
    at = label.valid_from
    return Bext(
        description=_description(label),
        originator=label.agency,
        reference=usid(label, role),
        date=f"{at:%Y-%m-%d}",
        time=f"{at:%H:%M:%S}",
        time_reference=(at.hour * 3600 + at.minute * 60 + at.second) * RATE,
        loudness=loudness.integrated,
        range=loudness.range,
        peak=loudness.peak,
        momentary=loudness.momentary,
        short_term=loudness.short_term,
        history=f"A=PCM,F={RATE},W=16,M=mono,T={label.made_by};{voice(speech)}".replace(", ", " ") + "\r\n",
    )


def cart(label: Label, cues: Cues) -> Cart:
    """Return the `cart` chunk (AES46): automation stops airing it when it expires."""
    start, end = label.valid_from, label.valid_until
    return Cart(
        title=label.shown,
        artist=label.agency,
        cut_id=label.cut_id,
        client_id=label.agency,
        category=label.category,
        classification=f"{label.severity} {label.language}",
        out_cue=label.outcue,
        start_date=f"{start:%Y-%m-%d}",
        start_time=f"{start:%H:%M:%S}",
        end_date=f"{end:%Y-%m-%d}",
        end_time=f"{end:%H:%M:%S}",
        producer=label.maker,
        producer_version=label.maker_version,
        user_defined=label.repeat,
        timers=timers(cues),
        url=label.link,
        tag_text=f"{_which(label)}\n{label.script}",
    )


def timers(cues: Cues) -> tuple[tuple[str, int], ...]:
    """Return the post timers: an announcer may talk over the bell, until the words begin."""
    first, last = cues.readings[0][0], cues.readings[-1][1]
    start = cues.bell[0] if cues.bell else first
    rung = (("INTs", start), ("INTe", first)) if cues.bell else ()
    return (("AUDs", start), ("AUDe", last), *rung, ("SEGs", last), ("EOD ", cues.length))


def facts(label: Label) -> dict[str, str]:
    """Return LIST/INFO by its four letters."""
    found = {
        "INAM": label.shown,
        "IART": label.agency,
        "ICRD": f"{label.valid_from:%Y-%m-%d}",
        "IGNR": label.category,
        "ISBJ": label.severity,
        "ICMT": _description(label),  # readers that know one comment only find the same in bext and INFO
        "ISFT": label.made_by,
    }
    return {key: text for key, text in found.items() if text}


def tag(label: Label, speech: Speech, cues: Cues | None) -> Tag:
    """Return the ID3 tag of an MP3; chapters where its parts come once, as `cues` say."""
    return Tag(
        title=label.shown,
        artist=label.agency,
        language=label.language,
        at=label.valid_from,
        words=label.script,
        comment=_comment(label, speech),
        source=label.link,
        chapters=chapters(label, cues) if cues else (),
        picture=label.picture,
    )


def chapters(label: Label, cues: Cues) -> tuple[Chapter, ...]:
    """Name bell and readings, in seconds; each chapter lasts until the next one starts."""
    words = CHAPTERS.get(label.language.lower().partition("-")[0], CHAPTERS["en"])
    spans = [(words[0], cues.bell)] if cues.bell else []
    named_spans = [*spans, *zip(words[1:], cues.readings, strict=False)]
    starts = [span[0] / RATE for _, span in named_spans if span] + [cues.length / RATE]
    return tuple(
        Chapter(name=name, start=start, end=end)
        for (name, _), start, end in zip(named_spans, starts, starts[1:], strict=False)
    )


def comments(label: Label, speech: Speech) -> dict[str, str]:
    """Return what FLAC and Opus carry, by FFmpeg's names."""
    found = {
        "title": label.shown,
        "artist": label.agency,
        "date": f"{label.valid_from:%Y-%m-%d}",
        "language": iso639_2(label.language),
        "comment": _comment(label, speech),
        "expires": label.valid_until.isoformat(timespec="seconds"),
        "contact": label.link,
    }
    return {key: text for key, text in found.items() if text}


def voice(speech: Speech) -> str:
    """Name the voice, and say that it is synthetic unless a person spoke."""
    return f"{speech.voice}{'' if speech.kind == 'recording' else ' (synthetic voice)'}"


def _description(label: Label) -> str:
    until = label.valid_until.isoformat(timespec="minutes")
    return f"{label.shown}. {label.agency}. {_which(label)}; expires {until}"


def _which(label: Label) -> str:
    return f"{label.identifier} v{label.version} {label.language} {label.mode}"


def _comment(label: Label, speech: Speech) -> str:
    until = label.valid_until.isoformat(timespec="minutes")
    return "; ".join(filter(None, (_which(label), f"expires {until}", voice(speech), label.link)))
