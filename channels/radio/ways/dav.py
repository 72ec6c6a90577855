"""Lays kits into a folder reached by WebDAV (RFC 4918); over https its certificate must hold."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import quote

import aiohttp
from yarl import URL

from channels.contract import Misconfigured, SendError, Unavailable
from channels.http import Reply, fault
from channels.radio.place import Place
from channels.radio.station import Station
from channels.radio.ways.faults import denied, full, lost, trust, unwritable
from channels.radio.ways.parcel import Parcel
from channels.radio.ways.patience import CONNECT, Patience, patience
from channels.radio.ways.tree import LARGEST_SUMS, PIECE, lay

THERE: Final = 405  # MKCOL of a folder that is there (RFC 4918, section 9.3.1)
FULL: Final = (507, 413)  # Insufficient Storage (section 11.5), Content Too Large
ENTRY: Final = re.compile(rb"<(?:[\w.-]+:)?response[\s>]")  # of a PROPFIND's reply: one for each thing found


async def carry(parcel: Parcel, station: Station, *, timeout: float) -> None:
    """Put a parcel into the station's folder; a file is moved over the one it replaces (MOVE, Overwrite: T)."""
    async with patience(timeout) as wait, _session(station.place, wait) as session:
        await lay(parcel, station, _Remote(session, station.place, wait))


def _session(place: Place, wait: Patience) -> AbstractAsyncContextManager[aiohttp.ClientSession]:
    return aiohttp.ClientSession(
        headers=_credentials(place),
        connector=aiohttp.TCPConnector(limit=2, ssl=trust() if place.scheme == "davs" else True),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=min(CONNECT, wait.quiet)),
    )


def _credentials(place: Place) -> dict[str, str]:
    """Name us before we are asked (RFC 7617): a body is not sent twice."""
    key = b64encode(f"{place.user}:{place.password}".encode()).decode()
    return {"Authorization": f"Basic {key}"} if place.user else {}


class _Remote:
    def __init__(self, session: aiohttp.ClientSession, place: Place, wait: Patience) -> None:
        host = f"[{place.host}]" if ":" in place.host else place.host
        scheme = "https" if place.scheme == "davs" else "http"
        self._origin = f"{scheme}://{host}:{place.port}"
        self._session, self._root, self._wait = session, place.path, wait
        self._made: set[PurePosixPath] = set()

    def _url(self, path: str) -> str:
        return f"{self._origin}{quote(f'{self._root}/{path}')}"

    async def folder(self, path: str) -> None:
        for one in [*reversed(PurePosixPath(path).parents), PurePosixPath(path)]:
            if one not in self._made:
                # The root is asked for too: it may be the first kit that this station gets.
                reply = await self._ask("MKCOL", "" if one == PurePosixPath() else f"{one}/")
                if reply.status != THERE and one.name:
                    _judge(reply)
                self._made.add(one)

    async def put(self, source: Path, path: str) -> None:
        length = {"Content-Length": str(source.stat().st_size), "Content-Type": "application/octet-stream"}
        _judge(await self._ask("PUT", path, headers=length, content=_pieces(source, self._wait)))

    async def move(self, path: str, target: str) -> None:
        headers = {"Destination": self._url(target), "Overwrite": "T"}
        _judge(await self._ask("MOVE", path, headers=headers))

    async def read(self, path: str) -> bytes | None:
        reply = await self._ask("GET", path)
        return reply.body if reply.status == 200 and len(reply.body) <= LARGEST_SUMS else None

    async def size(self, path: str) -> int | None:
        reply = await self._ask("HEAD", path, headers={"Accept-Encoding": "identity"})
        length = reply.headers.get("Content-Length", "")
        return int(length) if reply.status == 200 and length.isdecimal() else None

    async def remove(self, path: str) -> None:
        reply = await self._ask("DELETE", path)
        if reply.status not in (404, 410):
            _judge(reply)

    async def prune(self, path: str) -> None:
        # DELETE takes a folder with all that is below it (section 9.6.1), so look first.
        reply = await self._ask("PROPFIND", f"{path}/", headers={"Depth": "1"})
        if reply.status == 207 and len(ENTRY.findall(reply.body)) == 1:
            await self.remove(f"{path}/")

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: AsyncIterator[bytes] | None = None,
    ) -> Reply:
        error: SendError
        try:
            async with self._session.request(
                method, URL(self._url(path), encoded=True), headers=headers, data=content, allow_redirects=False
            ) as reply:
                return Reply(status=reply.status, body=await self._whole(reply), headers=reply.headers)
        except (aiohttp.ClientError, OSError) as failure:
            error = _lost(failure)
        # Raised out here so that the failure, which knows the address, is not its context.
        raise error

    async def _whole(self, reply: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for piece in reply.content.iter_any():
            body += piece
            self._wait.moved()
            if len(body) > LARGEST_SUMS:
                reply.close()
                break
        self._wait.moved()
        return bytes(body)


async def _pieces(source: Path, wait: Patience) -> AsyncIterator[bytes]:
    with source.open("rb") as inward:
        while piece := inward.read(PIECE):
            yield piece
            wait.moved()


def _judge(reply: Reply) -> None:
    match reply.status:
        case 401:
            raise denied()
        case 403:
            raise unwritable()
        case status if status in FULL:
            raise full()
        case 409 | 404:
            raise Misconfigured("the station's folder is not there; mend the path of its way", code=str(reply.status))
        case 423:
            raise Unavailable("the station holds the file open", code="423")
    if error := fault(reply):
        raise error


def _lost(failure: aiohttp.ClientError | OSError) -> SendError:
    match failure:
        case aiohttp.ClientConnectorCertificateError() if isinstance(failure.certificate_error, OSError):
            return lost(failure.certificate_error)
        case aiohttp.ClientConnectorError():
            return lost(failure.os_error)
        case OSError():
            return lost(failure)
        case _:
            return lost(EOFError())
