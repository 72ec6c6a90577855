"""Puts a bulletin that Liquidsoap can read already into its queue, by its telnet server.

The reply is the number of a request: that it is queued, and no evidence that it was aired.
"""

from __future__ import annotations

import asyncio
from typing import Final

from channels.contract import Misconfigured, Refused, SendError, Unavailable, Unsure
from channels.radio.station import Station
from channels.radio.ways.faults import lost
from channels.radio.ways.parcel import Parcel, sound
from channels.radio.ways.patience import AT_MOST, connected, patience

LOOKS: Final = 20  # times we ask whether it could read the file
BETWEEN: Final = 0.1  # seconds; a local file is read in less


async def carry(parcel: Parcel, station: Station, *, timeout: float) -> None:
    """Queue a parcel's sound once, however often this is done; Refused if Liquidsoap cannot read the file.

    Raises Unsure when it may have been queued. What is queued or on air cannot be taken back by this way.
    """
    if not (path := sound(parcel)):
        return
    uri = f"{station.place.settings['path'].rstrip('/')}/{parcel.name}/{path}"
    queue = station.place.path.strip("/")
    async with patience(timeout * AT_MOST):
        telnet = _Telnet(timeout)
        try:
            await telnet.open(station.place.host, station.place.port)
            if not await _waits(telnet, uri):
                await _push(telnet, queue, uri)
        finally:
            telnet.close()


async def _waits(telnet: _Telnet, uri: str) -> bool:
    """Tell whether the file is queued or on air already: it must not be heard twice for one order."""
    for number in " ".join(await telnet.ask("request.all")).split():
        if f'initial_uri="{uri}"' in await telnet.ask(f"request.metadata {number}"):
            return True
    return False


async def _push(telnet: _Telnet, queue: str, uri: str) -> None:
    try:
        said = " ".join(await telnet.ask(f"{queue}.push {uri}"))
    except SendError:
        raise Unsure("the connection was lost as the bulletin was queued", code="connection lost") from None
    if not said.isdecimal():
        raise Misconfigured(
            "the station's Liquidsoap has no such queue; mend the queue of its way", code="no such queue"
        )
    await _resolved(telnet, said)


async def _resolved(telnet: _Telnet, number: str) -> None:
    """Wait until Liquidsoap has read the file, or given it up; silence after the push is no failure of it."""
    for _ in range(LOOKS):
        try:
            said = await telnet.ask(f"request.metadata {number}")
        except SendError:
            return
        if any(line.startswith("No such request") for line in said):
            raise Refused(
                "the station's Liquidsoap cannot read the file; is the kit where its way says?", code="no file"
            )
        if any(line in ('status="ready"', 'status="playing"') for line in said):
            return
        await asyncio.sleep(BETWEEN)


class _Telnet:
    """One conversation: a line of ours, some lines of its own, END."""

    def __init__(self, quiet: float) -> None:
        self._quiet = quiet
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self, host: str, port: int) -> None:
        fault: SendError
        try:
            self._streams = await connected(host, port, self._quiet)
            return
        except OSError as error:
            fault = lost(error)
        raise fault

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()

    async def ask(self, command: str) -> list[str]:
        """Send a command and return its reply's lines; Unavailable if the connection ends first."""
        if self._streams is None:
            raise Unavailable("the station's server does not listen", code="not connected")
        reader, writer = self._streams
        lines: list[str] = []
        try:
            async with asyncio.timeout(self._quiet):
                writer.write(f"{command}\r\n".encode())
                await writer.drain()
                while (line := await reader.readline()) and line.strip() != b"END":
                    lines.append(line.decode("utf-8", "replace").strip())
        except (OSError, ValueError):
            line = b""
        if not line:
            raise Unavailable("the connection to the station was lost", code="connection lost")
        return lines
