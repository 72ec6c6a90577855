"""A bulletin goes straight to air where a station asks for that: Icecast's mount, Liquidsoap's queue."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from channels.contract import Misconfigured, Refused, SendError, Unavailable, Unsure
from channels.radio.station import Station
from channels.radio.ways import Parcel, carry
from channels.radio.ways.icecast import _bare

HIDDEN = "s3cr3t"
SOUND = bytes(range(1, 251)) * 40  # 10 kB


def station(way: str) -> Station:
    told = {"name": "Radio", "way": way, "languages": ["id"], "secret": "ab" * 32}
    return Station.parse(json.dumps(told))


def parcel(folder: Path, name: str = "bulletin ↑.mp3", content: bytes = SOUND, lasts: float = 0.4) -> Parcel:
    (folder / name).write_bytes(content)
    return Parcel(folder=folder, name="KIT", files=(name,), headline="Banjir\r\nIce-Public: 1", seconds=lasts)


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(serve: Serve) -> Any:
    calls: list[asyncio.Task[None] | None] = []

    async def whole(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(asyncio.current_task())
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(whole, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*filter(None, calls))


@pytest.fixture
def icecast(peer: Any, server: Any, free_port: Callable[[], int], open_folder: Path) -> Iterator[int]:
    """A real Icecast with one source password."""
    program, port = peer("icecast2", shutil.which("icecast2")), free_port()
    as_root = os.getuid() == 0
    owner = "<changeowner><user>icecast2</user><group>icecast</group></changeowner>" if as_root else ""
    if as_root:
        account = pwd.getpwnam("icecast2")
        os.chown(open_folder, account.pw_uid, account.pw_gid)
    share = "/usr/share/icecast2"
    (open_folder / "icecast.xml").write_text(
        f"<icecast><limits><clients>9</clients><sources>1</sources></limits><authentication><source-password>{HIDDEN}"
        "</source-password><admin-user>a</admin-user><admin-password>a</admin-password></authentication>"
        f"<hostname>localhost</hostname><listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address>"
        f"</listen-socket><paths><basedir>{share}</basedir><logdir>{open_folder}</logdir><webroot>{share}/web</webroot>"
        f"<adminroot>{share}/admin</adminroot></paths><logging><accesslog>a.log</accesslog><errorlog>e.log</errorlog>"
        f"<loglevel>1</loglevel></logging><security><chroot>0</chroot>{owner}</security></icecast>"
    )
    with server(
        [program, "-c", open_folder / "icecast.xml"], port, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ):
        yield port


async def tuned(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Tune in to the mount as soon as there is a source."""
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /siaga.mp3 HTTP/1.0\r\n\r\n")
        if b" 200 " in await reader.readuntil(b"\r\n\r\n"):
            return reader, writer
        writer.close()


@pytest.mark.peer
async def test_icecasts_listeners_hear_the_bulletin_once_and_whole(icecast: int, tmp_path: Path) -> None:
    """And a wrong password, or a mount that somebody has, is said."""
    way = f"icecast://source:{HIDDEN}@127.0.0.1:{icecast}/siaga.mp3"
    with pytest.raises(Misconfigured, match="password"):
        await carry(parcel(tmp_path), station(way.replace(HIDDEN, "wrong")))
    sending = asyncio.create_task(carry(parcel(tmp_path, lasts=3), station(way)))  # so long a listener may take
    async with asyncio.timeout(30):
        reader, writer = await tuned(icecast)
        with pytest.raises(Unavailable, match="another source"):
            await carry(parcel(tmp_path), station(way))
        got = await reader.read()
        # Icecast deals in blocks of 1,400 bytes, and keeps what does not fill one: a tenth of a second.
        assert SOUND.startswith(got)
        assert len(got) > len(SOUND) - 1400
        await sending
    writer.close()


async def test_an_old_icecast_that_knows_no_put_gets_source(tmp_path: Path) -> None:
    asked: list[bytes] = []

    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        put = head.startswith(b"PUT")
        writer.write(b"HTTP/1.0 405 no\r\n\r\n" if put else b"HTTP/1.0 200 OK\r\n\r\n")
        asked.append(head if put else head + await reader.read())

    async with listening(old) as port:
        await carry(parcel(tmp_path), station(f"icecast://source:{HIDDEN}@127.0.0.1:{port}/siaga.mp3"))
    first, second = asked
    assert first.startswith(b"PUT /siaga.mp3 HTTP/1.1\r\n")
    assert second.startswith(b"SOURCE /siaga.mp3 HTTP/1.0\r\n")
    assert second.endswith(SOUND)
    assert second.count(b"\r\nIce-Public:") == 1, "a headline opens no line of its own"


async def test_a_stream_that_breaks_may_have_been_heard(tmp_path: Path) -> None:
    async def dying(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await reader.readexactly(4096)
        writer.transport.abort()

    async with listening(dying) as port:
        way = f"icecast://source:{HIDDEN}@127.0.0.1:{port}/siaga.mp3"
        with pytest.raises(Unsure) as raised:
            await carry(parcel(tmp_path, content=SOUND * 2000), station(way))
    assert HIDDEN not in str(raised.value) + raised.value.code


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, Misconfigured), (403, Unavailable), (404, Misconfigured), (415, Refused), (500, Unavailable)],
)
async def test_what_icecast_answers_says_what_to_do(tmp_path: Path, status: int, error: type[SendError]) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.0 {status} no\r\n\r\n".encode())

    async with listening(answer) as port:
        with pytest.raises(error):
            await carry(parcel(tmp_path), station(f"icecast://source:x@127.0.0.1:{port}/m"))


async def test_a_format_that_icecast_does_not_carry_is_said(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="MP3 or Ogg"):
        await carry(parcel(tmp_path, "a.wav"), station("icecast://source:x@127.0.0.1:9/m"))


def test_no_picture_stands_before_the_first_words() -> None:
    tag = b"ID3\x03\x00\x00" + bytes([0, 0, 2, 1]) + b"x" * 257
    assert _bare(tag + b"\xff\xfbsound") == b"\xff\xfbsound"
    assert _bare(b"\xff\xfbsound") == b"\xff\xfbsound"
    assert _bare(b"ID3") == b"ID3"


@pytest.fixture
def liquidsoap(peer: Any, server: Any, free_port: Callable[[], int], tmp_path: Path) -> Iterator[int]:
    """A real Liquidsoap that plays a tone, and the queue `bulletin` before it; gives its telnet port."""
    program, port = peer("liquidsoap", shutil.which("liquidsoap")), free_port()
    (tmp_path / "radio.liq").write_text(
        "settings.init.allow_root.set(true)\nsettings.server.telnet.set(true)\nsettings.log.file.set(false)\n"
        f'settings.server.telnet.bind_addr.set("127.0.0.1")\nsettings.server.telnet.port.set({port})\n'
        'bulletin = request.queue(id="bulletin")\n'
        "output.dummy(fallible=true, fallback(track_sensitive=false, [bulletin, sine(220.)]))\n"
    )
    with server([program, tmp_path / "radio.liq"], port, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        yield port


def queued(port: int) -> list[str]:
    with socket.create_connection(("127.0.0.1", port)) as telnet, telnet.makefile("rb") as said:
        telnet.sendall(b"request.all\r\n")
        return said.readline().decode().split()


@pytest.mark.peer
async def test_liquidsoap_queues_a_bulletin_once(liquidsoap: int, tmp_path: Path) -> None:
    """Also when we ask twice; and it says when it cannot read the file, or has no such queue."""
    import wave

    (tmp_path / "KIT").mkdir()
    with wave.open(str(tmp_path / "KIT" / "naskah ↑.wav"), "wb") as sound:
        sound.setparams((1, 2, 48000, 0, "NONE", ""))
        sound.writeframes(bytes(96000 * 30))
    way = f"liquidsoap://127.0.0.1:{liquidsoap}/bulletin?path={tmp_path}"
    kit = Parcel(folder=tmp_path / "KIT", name="KIT", files=("naskah ↑.wav",))
    for _ in range(2):
        await carry(kit, station(way))
        assert len(queued(liquidsoap)) == 1
    with pytest.raises(Refused, match="cannot read the file"):
        await carry(kit, station(way.replace("?path=", "?path=/none")))
    with pytest.raises(Misconfigured, match="no such queue"):
        await carry(kit, station(way.replace("/bulletin?", "/other?").replace("?path=", "?path=/none")))


async def test_silence_after_a_push_is_not_taken_for_a_failure(tmp_path: Path) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"\r\nEND\r\n")
        await reader.read()

    async with listening(mute) as port:
        with pytest.raises(Unsure):
            await carry(parcel(tmp_path), station(f"liquidsoap://127.0.0.1:{port}/q?path=/kits"), timeout=0.2)


async def test_a_station_that_fetches_the_feed_is_pushed_nothing(tmp_path: Path) -> None:
    await carry(parcel(tmp_path), station("rss:"))
