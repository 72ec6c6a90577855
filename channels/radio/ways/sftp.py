"""Lays kits into a folder reached by SFTP; the server is known by its pinned host key (SSH, RFC 4251)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final

import asyncssh

from channels.contract import Misconfigured, Refused, SendError, Unavailable
from channels.radio.place import Place
from channels.radio.station import Station
from channels.radio.ways.faults import denied, full, lost, unwritable
from channels.radio.ways.parcel import Parcel
from channels.radio.ways.patience import CONNECT, Patience, patience
from channels.radio.ways.tree import HEAD, LARGEST_SUMS, PIECE, lay

FAILURES: Final = (asyncssh.Error, OSError)
ABSENT: Final = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)

logging.getLogger("asyncssh").setLevel(logging.ERROR)  # below that it writes hosts and users into the log


async def carry(parcel: Parcel, station: Station, *, timeout: float) -> None:
    """Put a parcel into the station's folder; Misconfigured if the server shows another key than the pinned one."""
    async with patience(timeout) as wait, _opened(station.place, wait) as sftp:
        await lay(parcel, station, _Remote(sftp, _root(station.place), wait))


def _root(place: Place) -> str:
    """Read /~/folder as one below the user's home, as curl does."""
    return place.path.removeprefix("/~/") if place.path.startswith("/~/") else place.path.replace("/~", ".") or "/"


@asynccontextmanager
async def _opened(place: Place, wait: Patience) -> AsyncIterator[asyncssh.SFTPClient]:
    pin = _Pin(place.settings["hostkey"])
    connection = await _connected(place, pin, wait)
    try:
        yield await _asked(connection)
    except BaseException:
        connection.abort()  # a server that hangs would keep a polite farewell waiting
        raise
    connection.close()
    await connection.wait_closed()


async def _asked(connection: asyncssh.SSHClientConnection) -> asyncssh.SFTPClient:
    with _told():
        return await connection.start_sftp_client()


async def _connected(place: Place, pin: _Pin, wait: Patience) -> asyncssh.SSHClientConnection:
    fault: SendError
    try:
        connection = await asyncssh.connect(
            place.host,
            place.port,
            username=place.user,
            password=place.password or None,
            client_keys=_keys(place),
            client_factory=lambda: pin,
            known_hosts=([], [], []),  # none by name: the pin decides
            config=None,
            agent_path=None,
            gss_host=None,
            connect_timeout=min(CONNECT, wait.quiet),
            login_timeout=wait.quiet,
        )
    except asyncssh.HostKeyNotVerifiable:
        fault = pin.fault()
    except FAILURES as error:
        fault = _fault(error)
    else:
        wait.moved()
        return connection
    raise fault


def _keys(place: Place) -> list[asyncssh.SSHKey] | None:
    if not (path := place.settings.get("key")):
        return None
    with suppress(OSError, asyncssh.KeyImportError):
        return [asyncssh.read_private_key(path)]
    raise Misconfigured("the station's private key file cannot be read; mend key= in its way", code="bad key file")


class _Pin(asyncssh.SSHClient):
    """Takes the one host key whose fingerprint the register has."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._shown = ""

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        del host, addr, port
        self._shown = key.get_fingerprint()
        return self._wanted in ("any", self._shown)

    def fault(self) -> Misconfigured:
        says = (
            f"the station's server shows the host key {self._shown}, which is not the pinned one: "
            "ask its engineer, and only then change hostkey="
        )
        return Misconfigured(says, code="wrong host key")


@contextmanager
def _told() -> Iterator[None]:
    """Turn asyncssh's errors into ours."""
    try:
        yield
    except FAILURES as error:
        raise _fault(error) from None


def _fault(error: asyncssh.Error | OSError) -> SendError:
    match error:
        case OSError():
            return lost(error)
        case asyncssh.PermissionDenied():
            return denied()
        case asyncssh.SFTPPermissionDenied() | asyncssh.SFTPWriteProtect():
            return unwritable()
        case asyncssh.SFTPNoSpaceOnFilesystem() | asyncssh.SFTPQuotaExceeded():
            return full()
        case asyncssh.SFTPInvalidFilename():
            return Refused("the station's server does not take our file names", code="bad file name")
        case asyncssh.SFTPConnectionLost() | asyncssh.SFTPNoConnection():
            return Unavailable("the connection to the station was lost", code="connection lost")
        case asyncssh.SFTPError():
            # Version 3 of the protocol, which nearly all speak, has no word for a full disk.
            return Unavailable("the station could not store the kit; is its disk full?", code="store failed")
        case _:
            return Unavailable("the connection to the station was lost", code=type(error).__name__)


class _Remote:
    def __init__(self, sftp: asyncssh.SFTPClient, root: str, wait: Patience) -> None:
        self._sftp, self._root, self._wait = sftp, root, wait

    def _at(self, path: str) -> str:
        return f"{self._root.rstrip('/')}/{path}" if self._root else path

    async def folder(self, path: str) -> None:
        with _told():
            await self._sftp.makedirs(self._at(path), exist_ok=True)
        self._wait.moved()

    async def put(self, source: Path, path: str) -> None:
        with _told():
            async with self._sftp.open(self._at(path), "wb") as out:
                with source.open("rb") as inward:
                    head = inward.read(HEAD)
                    while piece := inward.read(PIECE):
                        await out.write(piece, inward.tell() - len(piece))
                        self._wait.moved()
                    await out.write(head, 0)

    async def move(self, path: str, target: str) -> None:
        with _told():
            try:
                await self._sftp.posix_rename(self._at(path), self._at(target))
            except asyncssh.SFTPOpUnsupported:
                # Without OpenSSH's extension a rename never goes over a file: a moment without one is left.
                with suppress(*ABSENT):
                    await self._sftp.remove(self._at(target))
                await self._sftp.rename(self._at(path), self._at(target))
        self._wait.moved()

    async def read(self, path: str) -> bytes | None:
        with _told(), suppress(*ABSENT):
            async with self._sftp.open(self._at(path), "rb") as inward:
                found = await inward.read(LARGEST_SUMS + 1)
                return found if isinstance(found, bytes) and len(found) <= LARGEST_SUMS else None
        return None

    async def size(self, path: str) -> int | None:
        with _told(), suppress(*ABSENT):
            return (await self._sftp.stat(self._at(path))).size
        return None

    async def remove(self, path: str) -> None:
        with _told(), suppress(*ABSENT):
            await self._sftp.remove(self._at(path))
        self._wait.moved()

    async def prune(self, path: str) -> None:
        with _told(), suppress(*ABSENT):
            await self._sftp.rmdir(self._at(path))
        self._wait.moved()
