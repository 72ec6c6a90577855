"""The ways a kit gets to a station: scheme of its way -> the module that carries it, one line each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Final

from channels.radio.station import Station
from channels.radio.ways.parcel import Parcel

__all__ = ["PATIENCE", "WAYS", "Parcel", "carry"]

PATIENCE: Final = 60.0  # seconds a station may say nothing

# Names, and each loaded when first needed: SSH alone takes longer to load than the rest of the command line.
WAYS: Final[Mapping[str, str]] = {
    "file": "channels.radio.ways.folder",
    "usb": "channels.radio.ways.folder",
    "sftp": "channels.radio.ways.sftp",
    "ftp": "channels.radio.ways.ftp",
    "ftps": "channels.radio.ways.ftp",
    "dav": "channels.radio.ways.dav",
    "davs": "channels.radio.ways.dav",
    "mailto": "channels.radio.ways.mail",
    "liquidsoap": "channels.radio.ways.liquidsoap",
    "icecast": "channels.radio.ways.icecast",
    "rss": "channels.radio.ways.feed",
}


async def carry(parcel: Parcel, station: Station, *, timeout: float = PATIENCE, smtp: str | None = None) -> None:
    """Carry a parcel to a station, or raise a SendError; the same parcel again does no harm and finishes the work.

    `timeout` is the seconds without progress, 5 at most to connect; no carriage outlasts ten times that, or the
    sound it streams. Carriages share nothing and run side by side, but one station takes one at a time: two of
    the same cart number would write the same file. `smtp` is the office's mail server. No error names an address.
    """
    module = await asyncio.to_thread(import_module, WAYS[station.place.scheme])
    send = partial(module.carry, smtp=smtp) if station.place.scheme == "mailto" else module.carry
    await send(parcel, station, timeout=timeout)
