"""The ways a kit gets to a station: scheme of its way -> what carries it, one line each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

from channels.radio.station import Station
from channels.radio.ways import dav, feed, folder, ftp, icecast, liquidsoap, mail, sftp
from channels.radio.ways.parcel import Parcel

__all__ = ["PATIENCE", "WAYS", "Parcel", "carry"]

Carry = Callable[..., Awaitable[None]]

PATIENCE: Final = 60.0  # seconds a station may say nothing

WAYS: Final[Mapping[str, Carry]] = {
    "file": folder.carry,
    "usb": folder.carry,
    "sftp": sftp.carry,
    "ftp": ftp.carry,
    "ftps": ftp.carry,
    "dav": dav.carry,
    "davs": dav.carry,
    "mailto": mail.carry,
    "liquidsoap": liquidsoap.carry,
    "icecast": icecast.carry,
    "rss": feed.carry,
}


async def carry(parcel: Parcel, station: Station, *, timeout: float = PATIENCE, smtp: str | None = None) -> None:
    """Carry a parcel to a station, or raise a SendError; the same parcel again does no harm and finishes the work.

    `timeout` is the seconds without progress, 5 at most to connect; no carriage outlasts ten times that, or the
    sound it streams. Carriages share nothing and run side by side, but one station takes one at a time: two of
    the same cart number would write the same file. `smtp` is the office's mail server. No error names an address.
    """
    way = WAYS[station.place.scheme]
    if way is mail.carry:
        way = partial(mail.carry, smtp=smtp)
    await way(parcel, station, timeout=timeout)
