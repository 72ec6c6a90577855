"""Lays kits into a folder reached by FTP (RFC 959), or by FTP over TLS (RFC 4217) with a certificate that holds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, Final

import aioftp

from channels.contract import Refused, SendError, Unavailable
from channels.radio.place import Place
from channels.radio.station import Station
from channels.radio.ways.faults import denied, full, lost, trust, unwritable
from channels.radio.ways.parcel import Parcel
from channels.radio.ways.patience import CONNECT, Patience, patience
from channels.radio.ways.tree import LARGEST_SUMS, PIECE, lay

ANY: Final = ("2xx", "4xx", "5xx")

logging.getLogger("aioftp").setLevel(logging.WARNING)  # below that it writes every command, users' names too


async def carry(parcel: Parcel, station: Station, *, timeout: float) -> None:
    """Put a parcel into the station's folder; renamed into place, with a moment's gap where a server cannot replace."""
    async with patience(timeout) as wait, _opened(station.place, wait) as client:
        await lay(parcel, station, _Remote(client, station.place.path or "/", wait))


class _Client(aioftp.Client):
    """Closes what aioftp leaves open: the data connection of a file that the server then refused."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self._carried: list[asyncio.StreamWriter] = []

    async def get_passive_connection(self, *args: Any, **how: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await super().get_passive_connection(*args, **how)
        self._carried.append(writer)
        return reader, writer

    def close(self) -> None:
        for writer in self._carried:
            writer.close()
        super().close()


@asynccontextmanager
async def _opened(place: Place, wait: Patience) -> AsyncIterator[aioftp.Client]:
    implicit = place.settings.get("tls") == "implicit"
    client = _Client(connection_timeout=min(CONNECT, wait.quiet), ssl=trust() if implicit else None)
    try:
        with _told():
            await _greet(client, place, explicit=place.scheme == "ftps" and not implicit)
            wait.moved()
        yield client
        with _told():
            await client.quit()
    finally:
        client.close()


async def _greet(client: aioftp.Client, place: Place, *, explicit: bool) -> None:
    await client.connect(place.host, place.port)
    if explicit:
        await client.upgrade_to_tls(trust())
    await client.login(place.user or "anonymous", place.password or "anon@")
    # Some servers speak a Windows code page until asked (RFC 2640); others never heard of it.
    await client.command("OPTS UTF8 ON", ANY)


@contextmanager
def _told() -> Iterator[None]:
    """Turn aioftp's errors into ours."""
    try:
        yield
    except aioftp.StatusCodeError as error:
        raise _refusal(str(error.received_codes[-1])) from None
    except (OSError, EOFError) as error:
        raise lost(error) from None
    except aioftp.AIOFTPException as error:
        raise Unavailable("the station's server speaks no FTP that we know", code=type(error).__name__) from None


def _refusal(code: str) -> SendError:
    """Read a reply code by RFC 959, section 4.2."""
    match code:
        case "530" | "532" | "430":
            return denied()
        case "452" | "552":
            return full()
        case "550":
            return unwritable()
        case "553" | "501":
            return Refused("the station's server does not take our file names", code=code)
        case "534" | "504":
            return Refused("the station's server offers no TLS; write ftp:// if its network is safe", code=code)
        case _:
            return Unavailable("the station's server did not do what we asked", code=code)


class _Remote:
    def __init__(self, client: aioftp.Client, root: str, wait: Patience) -> None:
        self._client, self._root, self._wait = client, PurePosixPath(root), wait
        self._made: set[PurePosixPath] = set()

    async def folder(self, path: str) -> None:
        whole = self._root / path
        for one in [*reversed(whole.parents), whole]:
            if one.name and one not in self._made:
                # 550 is what most say of one that is there: whether it is, the file tells.
                with _told():
                    await self._client.command(f"MKD {one}", ANY)
                self._made.add(one)
                self._wait.moved()

    async def put(self, source: Path, path: str) -> None:
        with _told(), source.open("rb") as inward:
            async with self._client.upload_stream(self._root / path) as out:
                while piece := inward.read(PIECE):
                    await out.write(piece)
                    self._wait.moved()

    async def move(self, path: str, target: str) -> None:
        old, new = self._root / path, self._root / target
        with _told():
            try:
                await self._client.rename(old, new)
            except aioftp.StatusCodeError:
                # It does not replace a file: a moment without one is left.
                await self._client.command(f"DELE {new}", ANY)
                await self._client.rename(old, new)
        self._wait.moved()

    async def read(self, path: str) -> bytes | None:
        length = await self.size(path)
        if length is None or length > LARGEST_SUMS:
            return None
        found = bytearray()
        with _told():
            async with self._client.download_stream(self._root / path) as inward:
                async for piece in inward.iter_by_block():
                    found += piece
                    self._wait.moved()
        return bytes(found)

    async def size(self, path: str) -> int | None:
        with _told(), suppress(aioftp.StatusCodeError, ValueError, KeyError):
            return int((await self._client.stat(self._root / path))["size"])
        return None

    async def remove(self, path: str) -> None:
        # 550 is what servers say of a file that is not there as of one they keep.
        with _told():
            await self._client.command(f"DELE {self._root / path}", ANY)
        self._wait.moved()

    async def prune(self, path: str) -> None:
        with _told():
            await self._client.command(f"RMD {self._root / path}", ANY)
        self._wait.moved()
