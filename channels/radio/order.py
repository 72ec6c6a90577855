"""An order for a kit: the bulletin, where it is made, and what of the office's goes into it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from channels.radio.bulletin import Bulletin, Office
from channels.radio.stages import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be made, where, and with what of the office's; a process of the press gets it whole."""

    bulletin: Bulletin
    office: Office
    into: Path  # the desk; the kit's files lie directly in it
    document: bytes = b""  # the CAP alert
    lexicon: Path | None = None  # the office's own names, beside ours
    key: Path | None = None  # signs the sums
    rivers: Path | None = None  # GeoJSON drawn on the map
    cart: int | None = None
    cache: Path | None = None  # of neural sentences
    recordings: Path | None = None  # a folder of them, or one file
    feed: str = ""  # where a station's podcatcher looks
    most: Stage = Stage.NEURAL  # how far it is made: a kit is complete when no more is to come but a better voice
    readback: str = ""  # where a station tells that it aired it
    ref: str = ""  # what it names then
