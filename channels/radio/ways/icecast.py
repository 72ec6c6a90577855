"""Streams a bulletin once to a mount of Icecast, as a source client, at the speed at which it is heard.

Icecast 2.4 takes PUT with Expect: 100-continue; older servers and many look-alikes take SOURCE only.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from pathlib import Path
from typing import Final
from urllib.parse import quote

from channels.contract import Misconfigured, Refused, SendError, Unavailable, Unsure
from channels.radio.place import CONTROL, Place
from channels.radio.station import Station
from channels.radio.ways.faults import denied, lost
from channels.radio.ways.parcel import Parcel, sound
from channels.radio.ways.patience import connected

AHEAD: Final = 2.0  # seconds sent before they are due: what a listener's player wants in hand
USUAL: Final = 16_000.0  # bytes a second of our MP3, 128 kbit/s
PIECE: Final = 4096
KINDS: Final = {".mp3": "audio/mpeg", ".ogg": "audio/ogg"}
OLD: Final = (400, 405, 501)  # what a server says that knows no PUT


async def carry(parcel: Parcel, station: Station, *, timeout: float) -> None:
    """Stream a parcel's sound from beginning to end; raises Unsure when part of it may have been heard."""
    path = sound(parcel)
    if not path:
        return
    kind = KINDS.get(Path(path).suffix)
    if kind is None:
        raise Misconfigured("Icecast takes MP3 or Ogg; mend the formats of this station", code="bad format")
    content = _bare((parcel.folder / path).read_bytes())
    lasts = parcel.seconds or len(content) / USUAL
    writer = await _mounted(station.place, parcel, kind, timeout)
    try:
        await _stream(writer, content, lasts, timeout)
    except OSError:
        raise Unsure("the connection was lost while the bulletin went out", code="connection lost") from None
    finally:
        writer.close()


def _bare(content: bytes) -> bytes:
    """Leave out an ID3v2 tag: its picture would stand in the way of the first words (ID3v2.3, section 3.1)."""
    if content[:3] != b"ID3" or len(content) < 10:
        return content
    size = int.from_bytes(bytes(content[6:10]), "big")
    # Seven bits of each byte count.
    length = (size & 0x7F) | (size & 0x7F00) >> 1 | (size & 0x7F0000) >> 2 | (size & 0x7F000000) >> 3
    return content[10 + length :]


async def _mounted(place: Place, parcel: Parcel, kind: str, quiet: float) -> asyncio.StreamWriter:
    status = 0
    for first in ("PUT {} HTTP/1.1", "SOURCE {} HTTP/1.0"):
        writer, status = await _asked(first, place, parcel, kind, quiet)
        if status in (100, 200):
            return writer
        writer.close()
        if status not in OLD:
            break
    raise _refusal(status)


async def _asked(first: str, place: Place, parcel: Parcel, kind: str, quiet: float) -> tuple[asyncio.StreamWriter, int]:
    fault: SendError
    try:
        reader, writer = await connected(place.host, place.port, quiet)
        writer.write(_head(first, place, parcel, kind))
        try:
            async with asyncio.timeout(quiet):
                return writer, _status(await reader.readuntil(b"\r\n\r\n"))
        except BaseException:
            writer.close()
            raise
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        fault = Unavailable("the station's server gave no proper answer", code="bad answer")
    except OSError as error:
        fault = lost(error)
    raise fault


def _head(first: str, place: Place, parcel: Parcel, kind: str) -> bytes:
    key = b64encode(f"{place.user or 'source'}:{place.password}".encode()).decode()
    lines = [
        first.format(quote(place.path)),
        f"Host: {place.host}:{place.port}",
        f"Authorization: Basic {key}",
        "User-Agent: crisis",
        f"Content-Type: {kind}",
        "Expect: 100-continue",
        "Ice-Public: 0",
        f"Ice-Name: {CONTROL.sub(' ', parcel.headline)[:200]}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def _status(head: bytes) -> int:
    parts = head.split(None, 2)
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0


def _refusal(status: int) -> SendError:
    match status:
        case 401:
            return denied()
        case 403:
            return Unavailable("the mount is taken by another source, or the server is full", code="mount in use")
        case 415:
            return Refused("the station's server does not take this format", code="415")
        case 404 | 405:
            return Misconfigured("the station's server has no such mount; mend its way", code=str(status))
        case _:
            return Unavailable("the station's server did not take the stream", code=str(status))


async def _stream(writer: asyncio.StreamWriter, content: bytes, lasts: float, quiet: float) -> None:
    """Write the sound as it falls due, and stay until the last of it has been heard."""
    clock = asyncio.get_running_loop().time
    began, pace = clock(), len(content) / lasts
    for start in range(0, len(content), PIECE):
        early = start / pace - AHEAD - (clock() - began)
        if early > 0:
            await asyncio.sleep(early)
        writer.write(content[start : start + PIECE])
        async with asyncio.timeout(quiet):
            await writer.drain()
    await asyncio.sleep(max(0.0, lasts - (clock() - began)))
