"""What paper shows of one bulletin: plain words, ready in one language; nothing here is worked out again."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One numbered line of a script as an announcer reads it; `says` helps with names: (written, respelt)."""

    text: str
    says: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """All the words and shapes that the papers and the card of one bulletin are made of.

    Times are written out already, with their zone, as on the office's wall.
    """

    language: str  # BCP 47; decides the printed labels, English where we have none
    mode: str  # Actual, Exercise or Test; not Actual is a watermark on every page
    mark: str = ""  # LATIHAN, EXERCISE ...: the watermark's word
    ends: bool = False  # a cancel or all-clear
    replaces: bool = False  # an update: older papers go into the bin
    agency: str = ""
    hazard: str = ""
    severity: str = "Unknown"  # CAP's spelling
    headline: str = ""
    area: str = ""
    description: str = ""
    do: tuple[str, ...] = ()
    dont: tuple[str, ...] = ()
    script: tuple[Line, ...] = ()
    seconds: int = 0  # one reading
    loudspeaker: tuple[Line, ...] = ()  # half a minute for a mosque or a village head
    loudspeaker_seconds: int = 0
    kentongan: str = ""  # this village's beat and what it means; empty: no box
    questions: tuple[tuple[str, str], ...] = ()
    rumours: tuple[tuple[str, str], ...] = ()  # (the truth, what is wrongly said): printed in this order
    sent: str = ""
    until: str = ""
    next_update: str = ""
    source: str = ""
    help_line: str = ""
    contact: str = ""  # whom the station calls back
    link: str = ""  # the QR code: the public page
    readback: str = ""  # where to tell that it was aired
    code: str = ""
    check: str = ""
    outline: str = field(default="", repr=False)  # GeoJSON, longitude first
    ground: str = ""  # path of the office's GeoJSON file of rivers, roads and boundaries, drawn under the outline
    kit: str = ""  # the kit's name
    identifier: str = ""  # CAP identifier
    missing: tuple[str, ...] = ()  # what this kit could not hold, in sentences
