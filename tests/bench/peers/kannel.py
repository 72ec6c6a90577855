"""Kannel as a gateway is run: bearerbox and smsbox, SMPP to our carrier, texts brought by sendsms, kept in a store."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlencode

import aiohttp

from crisis.errors import NotReady
from tests.bench.carrier import Carrier
from tests.bench.peers.stand import HERE, Side

DRIVER = HERE / "kannel_drive.c"
CONNECTIONS = 100  # of the driver: more than Kannel keeps busy
SETTLE = 5.0  # seconds after the carrier has all, for Kannel to take the answers in
LISTENING = "0A"  # the state of a listening socket in /proc/net/tcp

# The window is ours; nothing is logged but errors, no receipts are asked for, and nothing limits the rate.
CORE = """
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = {secret}
smsbox-port = {boxes}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
log-level = 3
dlr-storage = internal
store-type = {store}
store-location = {place}
store-dump-freq = 10
"""
SMSC = """
group = smsc
smsc = smpp
smsc-id = CARRIER
host = 127.0.0.1
port = {carrier}
smsc-username = test
smsc-password = test
system-type = ""
transceiver-mode = true
max-pending-submits = 100
source-addr-ton = 5
source-addr-npi = 0
"""
SMSBOX = """
group = smsbox
smsbox-id = BOX
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
sendsms-interface = 127.0.0.1
global-sender = BPBD
log-level = 3
"""
CALLER = """
group = sendsms-user
username = bench
password = {secret}
"""
SAYS = re.compile(r"SMS: received \d+ .*?, sent (\d+) \((\d+) queued\), store size (-?\d+)")


@dataclass(slots=True)
class Kannel:
    """A running Kannel that waits for texts; `spare` is how much of one core its driver left idle, at the least."""

    store: str
    carrier: Carrier
    driver: Side
    session: aiohttp.ClientSession
    status: str
    spare: float = 1.0

    async def rate(self, count: int, within: float = 120) -> float:
        """Give texts a second from the first request to the last one acknowledged by the carrier.

        Raise AssertionError unless the carrier had each once and Kannel took each into its store and out again.
        """
        await self.carrier.reset()
        before, start = await self.stand(), time.time_ns()
        accepted, cpu = map(int, (await self.driver.ask(f"1 {count}", within)).split())
        answered = time.time_ns()
        taken = await self.carrier.until(count, within)
        after = await self._drained(before[0] + count)
        assert accepted == count, f"Kannel {self.store}: {accepted} of {count} accepted"
        assert (taken.count, taken.distinct, taken.most) == (count, count, 1), f"Kannel {self.store}: {taken}"
        assert after == (before[0] + count, 0, 0), f"Kannel {self.store}: sent, queued, stored {before} -> {after}"
        self.spare = min(self.spare, 1 - cpu * 1000 / (answered - start))
        return count / (taken.last_ns - start) * 1e9

    async def stand(self) -> tuple[int, int, int]:
        """Tell how many texts it has sent, has queued, and has in its store."""
        async with self.session.get(self.status) as reply:
            found = SAYS.search(text := await reply.text())
        if found is None:
            raise NotReady(f"Kannel's status cannot be read: {text[:200]}")
        sent, queued, stored = map(int, found.groups())
        return sent, queued, stored

    async def _drained(self, sent: int) -> tuple[int, int, int]:
        end = time.monotonic() + SETTLE
        while (stand := await self.stand()) != (sent, 0, 0) and time.monotonic() < end:
            await asyncio.sleep(0.02)
        return stand


@contextlib.asynccontextmanager
async def kannel(store: Literal["spool", "file"], carrier: Carrier, text: str) -> AsyncIterator[Kannel]:
    """Run a Kannel of our own on free ports, bound to the carrier, with a driver that sends this text."""
    folder, ports = Path(tempfile.mkdtemp(prefix="crisis-bench-kannel-")), free_ports(3)
    config = configure(folder, store, carrier.port, ports)
    try:
        async with contextlib.AsyncExitStack() as stack:
            session = await stack.enter_async_context(aiohttp.ClientSession())
            bearer = await stack.enter_async_context(Side([_program("bearerbox"), str(config)]))
            await _listens(bearer, *ports[:2])
            box = await stack.enter_async_context(Side([_program("smsbox"), str(config)]))
            await _listens(box, ports[2])
            status = f"http://127.0.0.1:{ports[0]}/status.txt?password=bench"
            await _online(session, status)
            argv = [await asyncio.to_thread(build, folder), str(ports[2]), str(CONNECTIONS), path(text)]
            driver = await stack.enter_async_context(Side(argv))
            yield Kannel(store, carrier, driver, session, status)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def configure(folder: Path, store: str, carrier: int, ports: Sequence[int]) -> Path:
    """Write Kannel's configuration: ports of the admin, the boxes and sendsms; a blank line parts the groups."""
    place = folder / "store"
    if store == "spool":
        place.mkdir()
        # ext4 looks long for an inode where many were deleted just now, and Kannel deletes a file for each text: with
        # its folders in block groups of their own it takes half the processor time.
        with contextlib.suppress(OSError):
            subprocess.run(["chattr", "+T", place], capture_output=True, check=False)
    facts = {"admin": ports[0], "boxes": ports[1], "sendsms": ports[2], "carrier": carrier, "secret": "bench"}
    config = folder / "kannel.conf"
    whole = "\n".join((CORE, SMSC, SMSBOX, CALLER))
    config.write_text(whole.format(**facts, store=store, place=place), encoding="utf-8")
    return config


def free_ports(count: int) -> list[int]:
    """Give so many ports that were free a moment ago, each another: asked for one by one they may be the same."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]


def path(text: str) -> str:
    """Give sendsms with everything but the number, which comes last."""
    asked = {"username": "bench", "password": "bench", "coding": 0, "charset": "UTF-8", "text": text}
    return f"/cgi-bin/sendsms?{urlencode(asked, quote_via=quote)}&to="


def build(folder: Path) -> str:
    """Compile the driver into the folder and give its path; raise NotReady without a compiler."""
    compiler, program = shutil.which("cc") or shutil.which("gcc"), folder / "drive"
    if compiler is None:
        raise NotReady("There is no C compiler for Kannel's driver; `make bench` installs gcc and libc6-dev.")
    done = subprocess.run([compiler, "-O2", "-o", program, DRIVER], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotReady(f"{compiler} cannot build {DRIVER.name}: {done.stderr.strip().splitlines()[:1]}")
    return str(program)


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise NotReady(f"There is no {name} here; `make bench` installs Kannel.")
    return found


async def _listens(side: Side, *ports: int, within: float = 20) -> None:
    """Wait until these ports are listened at by this very process: elsewhere another Kannel may run."""
    assert side.process is not None
    end = time.monotonic() + within
    while not all(owns(side.process.pid, port) for port in ports):
        if side.process.returncode is not None or time.monotonic() > end:
            raise NotReady(f"Kannel does not listen: {side.last_words()}")
        await asyncio.sleep(0.02)


def owns(pid: int, port: int) -> bool:
    """Tell whether a process of this group listens at the port of the loopback."""
    with open("/proc/net/tcp", encoding="ascii") as lines:
        rows = [line.split() for line in lines]
    sockets = {f"socket:[{row[9]}]" for row in rows if row[1] == f"0100007F:{port:04X}" and row[3] == LISTENING}
    return bool(sockets) and any(sockets & _open(p) for p in _group(pid))


def _open(pid: int) -> set[str]:
    with contextlib.suppress(OSError):
        return {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
    return set()


def _group(leader: int) -> list[int]:
    """Give the processes of a group: bearerbox may run in a child of the one we started."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            fields = Path(f"/proc/{int(entry.name)}/stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == leader:
                found.append(int(entry.name))
    return found


async def _online(session: aiohttp.ClientSession, status: str, within: float = 20) -> None:
    """Wait until Kannel is bound to the carrier and its smsbox is connected."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        async with session.get(status) as reply:
            text = await reply.text()
        if "(online" in text and "smsbox" in text:
            return
        await asyncio.sleep(0.05)
    raise NotReady(f"Kannel did not bind to the carrier: {text[-600:]}")
