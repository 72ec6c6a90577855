"""A kit arrives at a station whole or not at all, whichever way its folder is reached; real servers on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import io
import json
import os
import shutil
import socketserver
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import aioftp
import asyncssh
import pytest
from wsgidav.fs_dav_provider import FilesystemProvider
from wsgidav.wsgidav_app import WsgiDAVApp

from channels.contract import Misconfigured, SendError, Unavailable
from channels.radio.station import Station
from channels.radio.ways import WAYS, Parcel, carry

HIDDEN = "s3cr3t&word"
FILES = {
    "00_BACA-DULU.pdf": b"%PDF words",
    "text/naskah siaran.txt": "Banjir di Kali Garang · évakuasi".encode(),
    "audio/banjir ↑.wav": b"RIFF" + bytes(range(256)) * 1200,
    "manifest.json": b"{}",
}
SITES = ("file", pytest.param("sftp", marks=pytest.mark.peer), "ftp", "dav")


@dataclass(frozen=True)
class Site:
    """A station's server: the folder as it lies on disk there, and the way we reach it."""

    root: Path
    way: str


def station(way: str, *, formats: tuple[str, ...] = ("kit",)) -> Station:
    told = {"name": "Radio", "way": way, "languages": ["id"], "formats": formats, "secret": "ab" * 32}
    return Station.parse(json.dumps(told))


def kit(folder: Path, name: str = "KIT 17_v1 id", files: dict[str, bytes] = FILES, **more: Any) -> Parcel:
    """A kit on our own disk, with its sums last."""
    from hashlib import sha256

    sums = "".join(f"{sha256(content).hexdigest()}  {path}\n" for path, content in files.items())
    for path, content in {**files, "SHA256SUMS": sums.encode()}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return Parcel(folder=folder, name=name, files=(*files, "SHA256SUMS"), **more)


def found(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def as_sent(parcel: Parcel) -> dict[str, bytes]:
    return {f"{parcel.name}/{path}": (parcel.folder / path).read_bytes() for path in parcel.files}


@pytest.fixture(scope="module")
def sshd(
    peer: Any, server: Any, free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """A real sshd for the present account: its way without a folder, and its files."""
    program = peer("sshd", shutil.which("sshd", path="/usr/sbin:/usr/local/sbin"))
    folder, port = tmp_path_factory.mktemp("sshd"), free_port()
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    lines = [f"Port {port}", "ListenAddress 127.0.0.1", f"HostKey {folder}/host", "PidFile none", "UsePAM no"]
    lines += [
        f"AuthorizedKeysFile {folder}/user.pub",
        "StrictModes no",
        "PermitRootLogin yes",
        "PasswordAuthentication no",
    ]
    lines += ["KbdInteractiveAuthentication no", "Subsystem sftp internal-sftp", "UseDNS no"]
    (folder / "config").write_text("\n".join([*lines, ""]))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # what its package's service makes
    pin = asyncssh.read_public_key(folder / "host.pub").get_fingerprint()
    with server([program, "-D", "-e", "-f", folder / "config"], port, stderr=subprocess.DEVNULL):
        yield f"sftp://{getpass.getuser()}@127.0.0.1:{port}{{}}?key={folder}/user&hostkey={pin}", folder


def _bounded(app: Any) -> Any:
    """The library's server hands over the bare socket: say where a body ends."""

    def serve(environ: dict[str, Any], start: Any) -> Any:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
        return app(environ, start)

    return serve


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        return


class _Threads(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


@pytest.fixture(scope="module")
def webdav(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A real WebDAV server in a thread: its way without a folder, and the folder it serves."""
    root = tmp_path_factory.mktemp("dav")
    users = {"*": {"radio": {"password": HIDDEN}}}
    settings = {"simple_dc": {"user_mapping": users}, "verbose": 0, "logging": {"enable": False}}
    app = WsgiDAVApp({"provider_mapping": {"/": FilesystemProvider(str(root))}, **settings})
    with _Threads(("127.0.0.1", 0), _Quiet) as http:
        http.set_app(_bounded(app))
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"dav://radio:{quote(HIDDEN)}@127.0.0.1:{http.server_port}{{}}", root
        http.shutdown()
        thread.join()


@contextlib.asynccontextmanager
async def ftp_server(root: Path, **how: Any) -> AsyncIterator[int]:
    rights = [aioftp.Permission("/", writable=how.pop("writable", True))]
    user = aioftp.User("radio", HIDDEN, base_path=root, permissions=rights)
    running = aioftp.Server([user], **how)
    await running.start("127.0.0.1", 0)
    try:
        yield running.server_port
    finally:
        await running.close()


def ftp_way(port: int, folder: str = "/in", scheme: str = "ftp", more: str = "") -> str:
    return f"{scheme}://radio:{quote(HIDDEN)}@127.0.0.1:{port}{quote(folder)}{more}"


@pytest.fixture(params=SITES)
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    """A folder of a station's by each way in turn, new for every test."""
    root = tmp_path / "drop böx"
    match request.param:
        case "file":
            root.mkdir()
            yield Site(root, f"file://{quote(str(root))}")
        case "sftp":
            yield Site(root, request.getfixturevalue("sshd")[0].format(quote(str(root))))
        case "dav":
            way, served = request.getfixturevalue("webdav")
            name = f"{len(list(served.iterdir()))} böx"
            yield Site(served / name, way.format("/" + quote(name)))
        case _:
            async with ftp_server(tmp_path) as port:
                yield Site(root, ftp_way(port, "/drop böx"))


async def test_a_kit_arrives_whole_in_a_folder_of_its_own(site: Site, tmp_path: Path) -> None:
    """Also when names hold blanks and letters that no code page has."""
    parcel = kit(tmp_path / "ours")
    await carry(parcel, station(site.way))
    assert found(site.root) == as_sent(parcel)


async def test_the_same_kit_again_sends_nothing_that_is_there(site: Site, tmp_path: Path) -> None:
    """By the station's own sums; a file that grew or shrank there meanwhile is sent anew."""
    parcel = kit(tmp_path / "ours")
    await carry(parcel, station(site.way))
    there = site.root / parcel.name
    (there / "00_BACA-DULU.pdf").write_bytes(b"cut")
    before = {path: (there / path).stat().st_ino for path in parcel.files}
    await carry(parcel, station(site.way))
    assert found(site.root) == as_sent(parcel)
    assert {path for path in parcel.files if (there / path).stat().st_ino != before[path]} == {"00_BACA-DULU.pdf"}


async def test_new_words_replace_the_old_and_a_strangers_file_stays(site: Site, tmp_path: Path) -> None:
    old = kit(tmp_path / "old", "KIT 17_v1 id")
    await carry(old, station(site.way))
    stranger = site.root / old.name / "text" / "catatan penyiar.txt"
    stranger.write_text("ours")
    gone = tuple(f"{old.name}/{path}" for path in (*old.files, "never/there.txt"))
    new = kit(tmp_path / "new", "KIT 17_v2 id", {"00_BATAL.pdf": b"%PDF all clear"}, removes=gone)
    await carry(new, station(site.way))
    assert found(site.root) == {**as_sent(new), str(stranger.relative_to(site.root)): b"ours"}
    assert not (site.root / old.name / "audio").exists()


async def test_an_expired_kit_is_taken_away_with_its_folder(site: Site, tmp_path: Path) -> None:
    parcel = kit(tmp_path / "ours")
    await carry(parcel, station(site.way))
    gone = tuple(f"{parcel.name}/{path}" for path in parcel.files)
    over = Parcel(folder=tmp_path, name=parcel.name, files=(), removes=gone)
    for _ in range(2):  # twice does no harm
        await carry(over, station(site.way))
    assert list(site.root.iterdir()) == []


async def test_a_drop_box_gets_one_sound_under_its_cart_number_and_later_words_replace_it(
    site: Site, tmp_path: Path
) -> None:
    """And nothing else that automation could take for something to air."""
    box = station(site.way, formats=("wav",))
    site.root.mkdir(exist_ok=True)
    for words in (b"RIFF flood", b"RIFF all clear"):
        (tmp_path / "made.wav").write_bytes(words)
        await carry(Parcel(folder=tmp_path, name="KIT", files=("made.wav",), cut="900017.wav"), box)
        assert found(site.root) == {"900017.wav": words}


async def test_a_kit_goes_packed_too_where_that_is_asked_for(site: Site, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    packed.write_bytes(b"PK")
    parcel = Parcel(folder=tmp_path, name="KIT 1", files=(), zip=packed)
    site.root.mkdir(exist_ok=True)
    await carry(parcel, station(site.way, formats=("zip",)))
    assert found(site.root) == {"KIT 1.zip": b"PK"}


@contextlib.asynccontextmanager
async def cutting(port: int, after: int) -> AsyncIterator[int]:
    """A line to a server that breaks once `after` bytes have gone up."""

    async def serve(down: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        answers, up = await asyncio.open_connection("127.0.0.1", port)
        left = after

        async def upward() -> None:
            nonlocal left
            while left > 0 and (piece := await down.read(min(left, 65536))):
                left -= len(piece)
                up.write(piece)
                await up.drain()

        async def downward() -> None:
            while piece := await answers.read(65536):
                back.write(piece)

        ways = [asyncio.create_task(upward()), asyncio.create_task(downward())]
        with contextlib.suppress(OSError):
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for line in (up, back):
            line.transport.abort()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as line:
        yield line.sockets[0].getsockname()[1]


async def cut_short(parcel: Parcel, site: Site, broken: str) -> None:
    """Try over a broken line, then again: what stood between the two was whole, and afterwards all is."""
    with pytest.raises(Unavailable):
        await carry(parcel, station(broken), timeout=5)
    whole, between = as_sent(parcel), found(site.root)
    assert between, "nothing had arrived before the line broke"
    assert {path: content for path, content in between.items() if not path.endswith(".part")}.items() <= whole.items()
    assert f"{parcel.name}/SHA256SUMS" not in between
    if "sftp" in site.way:
        begun = [path for path, content in between.items() if path.endswith(".part") and any(content[:4])]
        assert begun == [], "a player would take it for a sound"
    await carry(parcel, station(site.way))
    assert found(site.root) == whole


@pytest.mark.parametrize("site", [SITES[1], "dav"], indirect=True)
async def test_an_upload_that_was_cut_is_finished_by_the_next_try(site: Site, tmp_path: Path) -> None:
    port = int(site.way.partition("127.0.0.1:")[2].partition("/")[0])
    async with cutting(port, after=200_000) as broken:
        await cut_short(kit(tmp_path / "ours"), site, site.way.replace(f":{port}/", f":{broken}/"))


async def test_an_ftp_upload_that_was_cut_is_finished_by_the_next_try(tmp_path: Path) -> None:
    """The station's disk gives out in the middle of a file."""

    class Failing(aioftp.PathIO):
        async def write(self, file: Any, content: bytes) -> Any:
            if len(content) > 1000 and file.tell() > 100_000:
                raise OSError(28, "No space left on device")
            return await super().write(file, content)

    (tmp_path / "in").mkdir()
    async with ftp_server(tmp_path, path_io_factory=Failing) as broken, ftp_server(tmp_path) as port:
        site = Site(tmp_path / "in", ftp_way(port))
        await cut_short(kit(tmp_path / "ours"), site, ftp_way(broken))


async def test_what_a_folder_was_left_with_by_a_crash_is_finished(tmp_path: Path) -> None:
    parcel, root = kit(tmp_path / "ours"), tmp_path / "box"
    (root / parcel.name / "audio").mkdir(parents=True)
    (root / parcel.name / "audio" / "banjir ↑.wav.part").write_bytes(b"RIFF half")
    await carry(parcel, station(f"file://{root}"))
    assert found(root) == as_sent(parcel)


async def failure(parcel: Parcel, way: str, caplog: pytest.LogCaptureFixture, **how: Any) -> SendError:
    """What a try comes to; neither it nor any log line holds a secret or an address."""
    caplog.set_level("DEBUG")
    with pytest.raises(SendError) as raised:
        await carry(parcel, station(way), **how)
    error = raised.value
    told = f"{error} {error.code} {error!r} {error.__cause__}" + caplog.text.replace("Using selector", "")
    for hidden in (HIDDEN, quote(HIDDEN), "127.0.0.1", "radio:"):
        assert hidden not in told, told
    return error


async def test_a_wrong_password_is_for_an_officer_to_mend(
    webdav: tuple[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    parcel = kit(tmp_path / "ours")
    async with ftp_server(tmp_path) as port:
        for way in (ftp_way(port).replace("word@", "bad@"), webdav[0].format("/x").replace("word@", "bad@")):
            error = await failure(parcel, way, caplog)
            assert (type(error), error.code) == (Misconfigured, "bad password")


@pytest.mark.peer
async def test_a_server_with_another_host_key_gets_nothing(
    sshd: tuple[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even a try to log in: it may be somebody else's."""
    way = sshd[0].format(tmp_path / "box")
    pin = way.partition("hostkey=")[2]
    error = await failure(kit(tmp_path / "ours"), way.replace(pin, "SHA256:" + "A" * 43), caplog)
    assert (type(error), error.code) == (Misconfigured, "wrong host key")
    assert pin in str(error)
    assert not (tmp_path / "box").exists()
    await carry(kit(tmp_path / "ours"), station(way.replace(pin, "any")))
    assert (tmp_path / "box").exists()


@pytest.mark.peer
async def test_a_key_that_the_station_does_not_know_is_for_an_officer_to_mend(
    sshd: tuple[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    parcel, way = kit(tmp_path / "ours"), sshd[0].format(tmp_path)
    error = await failure(parcel, way.replace("/user&", "/host&"), caplog)
    assert (type(error), error.code) == (Misconfigured, "bad password")
    error = await failure(parcel, way.replace("/user&", "/none&"), caplog)
    assert (type(error), error.code) == (Misconfigured, "bad key file")


NOWHERE = (
    "sftp://radio@127.0.0.1:{}/in?hostkey=any",
    "ftp://radio:x@127.0.0.1:{}/in",
    "ftps://radio:x@127.0.0.1:{}/in",
    "ftps://radio:x@127.0.0.1:{}/in?tls=implicit",
    "dav://radio:x@127.0.0.1:{}/in",
    "davs://radio:x@127.0.0.1:{}/in",
    "icecast://source:x@127.0.0.1:{}/live.mp3",
    "liquidsoap://127.0.0.1:{}/bulletin?path=/kits",
    "mailto:studio@radio.example",
)


async def tried(parcel: Parcel, ways: tuple[str, ...], port: int) -> list[SendError | BaseException | None]:
    smtp = f"smtp://127.0.0.1:{port}?from=office@district.example"
    each = (carry(parcel, station(way.format(port)), timeout=0.4, smtp=smtp) for way in ways)
    return await asyncio.gather(*each, return_exceptions=True)


async def test_a_station_that_does_not_listen_is_tried_again_later(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    (tmp_path / "made.mp3").write_bytes(b"\xff\xfb")
    parcel = Parcel(folder=tmp_path, name="KIT", files=("made.mp3",))
    for error in await tried(parcel, NOWHERE, free_port()):
        assert (type(error), getattr(error, "code", "")) == (Unavailable, "connection refused")


async def test_a_station_that_says_nothing_is_given_up_and_delays_no_other(tmp_path: Path) -> None:
    """Nine ways at once to one server that takes every call and never speaks."""
    (tmp_path / "made.mp3").write_bytes(b"\xff\xfb")
    parcel = Parcel(folder=tmp_path, name="KIT", files=("made.mp3",))
    release = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.close()

    (tmp_path / "box").mkdir()
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as dead:
        port = dead.sockets[0].getsockname()[1]
        trying = asyncio.create_task(tried(parcel, NOWHERE, port))
        await carry(parcel, station(f"file://{tmp_path}/box"))
        assert not trying.done()
        assert [type(error) for error in await trying] == [Unavailable] * len(NOWHERE)
        release.set()


async def test_a_folder_that_is_not_mounted_is_never_made(tmp_path: Path) -> None:
    """What is written below an empty mount point reaches nobody, and hides when the disk comes back."""
    parcel = kit(tmp_path / "ours")
    with pytest.raises(Unavailable, match="not there"):
        await carry(parcel, station(f"file://{tmp_path}/box"))
    (tmp_path / "stick").mkdir()
    with pytest.raises(Unavailable, match="put it in"):
        await carry(parcel, station(f"usb://{tmp_path}/stick"))
    assert not (tmp_path / "box").exists()
    assert not any((tmp_path / "stick").iterdir())


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """`mounted("size=1m")` gives a small disk of its own; skips where this account may not mount one."""
    point = tmp_path / "disk"
    point.mkdir()

    def mount(options: str) -> Path:
        tool = shutil.which("mount")
        argv = [tool or "mount", "-t", "tmpfs", "-o", options, "tmpfs", point]
        if not tool or subprocess.run(argv, capture_output=True, check=False).returncode:
            pytest.skip("this account may not mount a disk")
        return point

    yield mount
    if os.path.ismount(point):
        subprocess.run(["umount", point], check=True)


async def test_a_stick_gets_the_kit_in_its_folder(mounted: Callable[[str], Path], tmp_path: Path) -> None:
    stick, parcel = mounted("size=2m"), kit(tmp_path / "ours")
    await carry(parcel, station(f"usb://{stick}?folder=SIAGA"))
    assert found(stick / "SIAGA") == as_sent(parcel)


async def test_a_full_disk_at_the_station_is_said_and_leaves_no_half_file(
    mounted: Callable[[str], Path], tmp_path: Path
) -> None:
    disk, parcel = mounted("size=100k"), kit(tmp_path / "ours")
    with pytest.raises(Unavailable, match="disk is full"):
        await carry(parcel, station(f"file://{disk}"))
    assert found(disk).items() < as_sent(parcel).items()


async def test_a_folder_that_may_not_be_written_is_for_an_engineer_to_mend(
    mounted: Callable[[str], Path], tmp_path: Path
) -> None:
    parcel = kit(tmp_path / "ours")
    async with ftp_server(tmp_path, writable=False) as port:
        with pytest.raises(Misconfigured, match="may not be written"):
            await carry(parcel, station(ftp_way(port)))
    disk = mounted("size=100k,ro")
    with pytest.raises(Misconfigured, match="may not be written"):
        await carry(parcel, station(f"file://{disk}"))


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (401, Misconfigured, "bad password"),
        (403, Misconfigured, "read-only"),
        (404, Misconfigured, "404"),
        (413, Unavailable, "disk full"),
        (423, Unavailable, "423"),
        (500, Unavailable, "500"),
        (507, Unavailable, "disk full"),
        (301, Misconfigured, "301"),
    ],
)
async def test_a_web_servers_refusal_says_what_to_do(
    tmp_path: Path, status: int, error: type[SendError], code: str
) -> None:
    from aiohttp import web

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=status if request.method == "PUT" else 201)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        with pytest.raises(error) as raised:
            await carry(kit(tmp_path / "ours"), station(f"dav://127.0.0.1:{runner.addresses[0][1]}/in"))
        assert raised.value.code == code
    finally:
        await runner.cleanup()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that vouches for itself, with its key in the same file."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "station")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    built = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    built = built.add_extension(names, False).add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    signed = built.sign(key, hashes.SHA256())
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("tls") / "station.pem"
    path.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    return path


async def test_a_server_whose_certificate_does_not_hold_gets_nothing(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the kit once it does."""
    import ssl

    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(certificate)
    parcel = kit(tmp_path / "ours")
    async with ftp_server(tmp_path, ssl=own) as port:
        way = ftp_way(port, scheme="ftps", more="?tls=implicit")
        for refused in (way, f"davs://127.0.0.1:{port}/in"):
            with pytest.raises(Misconfigured, match="certificate"):
                await carry(parcel, station(refused), timeout=5)
        assert not (tmp_path / "in").exists()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        await carry(parcel, station(way), timeout=5)
    assert found(tmp_path / "in") == as_sent(parcel)


class _Plain(asyncssh.SFTPServer):
    """An old server: no rename over a file, and a small disk."""

    room = 10_000_000

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        if offset + len(data) > self.room:
            raise asyncssh.SFTPFailure("no space")
        return super().write(file_obj, offset, data)  # type: ignore[return-value]

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPOpUnsupported("no such extension")


class _Door(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("radio", HIDDEN)


async def test_an_old_sftp_server_that_renames_over_nothing_is_served_too(tmp_path: Path) -> None:
    """By password; and what its full disk refuses is left in no half file."""
    key = asyncssh.generate_private_key("ssh-ed25519")

    async with asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=_Door,
        server_host_keys=[key],
        sftp_factory=lambda chan: _Plain(chan, chroot=str(tmp_path).encode()),
    ) as listening:
        user = f"radio:{quote(HIDDEN)}@127.0.0.1:{listening.get_port()}"
        way = f"sftp://{user}/in?hostkey={key.get_fingerprint()}"
        for words in (b"RIFF flood", b"RIFF all clear"):
            (tmp_path / "made.wav").write_bytes(words)
            (tmp_path / "in").mkdir(exist_ok=True)
            parcel = Parcel(folder=tmp_path, name="KIT", files=("made.wav",), cut="7.wav")
            await carry(parcel, station(way, formats=("wav",)))
            assert found(tmp_path / "in") == {"7.wav": words}
        _Plain.room = 50_000
        with pytest.raises(Unavailable, match="disk full"):
            await carry(kit(tmp_path / "ours"), station(way))
        assert not [path for path in found(tmp_path / "in") if path.endswith(".part")]


def test_every_way_of_the_register_has_a_carrier() -> None:
    from channels.radio.place import SCHEMES

    assert set(WAYS) == set(SCHEMES)


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "a\r\nDELE b"])
def test_no_name_leads_out_of_the_stations_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="no path inside a kit"):
        Parcel(folder=tmp_path, name="KIT", files=(), removes=(path,))
