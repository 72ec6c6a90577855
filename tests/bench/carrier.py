"""A carrier that is never the slow side: a C program that takes sends by HTTP or SMPP and counts them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from crisis.errors import NotReady

SOURCE = Path(__file__).with_name("carrier.c")
URLS = {
    "http": "http://123456:ABC@127.0.0.1:{}/?rate=1000000&concurrency=100",
    "smpp": "smpp://test:test@127.0.0.1:{}/?source=BPBD&rate=1000000&window=100",
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What a carrier has taken since its last reset; times in nanoseconds since the epoch, 0 before the first.

    `distinct` destinations were seen, one of them `most` times.
    """

    count: int
    first_ns: int
    last_ns: int
    distinct: int
    most: int


class Carrier:
    """`async with Carrier("http"|"smpp", delay_ms=0) as carrier:` listens at `.port`; `.url` is its account.

    It takes everything, answers after `delay_ms`, and with `receipts` tells that each SMS asked about arrived.
    """

    def __init__(self, kind: Literal["http", "smpp"], delay_ms: float = 0, *, receipts: bool = False) -> None:
        self.kind = kind
        self.delay_ms = delay_ms
        self.receipts = receipts
        self.port = 0
        self._process: asyncio.subprocess.Process | None = None
        self._control: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()

    @property
    def url(self) -> str:
        """The account URL of a Crisis channel that sends here."""
        return URLS[self.kind].format(self.port)

    async def __aenter__(self) -> Self:
        program = await asyncio.to_thread(build)
        self._process = await asyncio.create_subprocess_exec(
            program, self.kind, "0", str(self.delay_ms), str(int(self.receipts)),
            stdin=asyncio.subprocess.PIPE,  # it ends when we do, however we end
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        ports = (await self._process.stdout.readline()).split()
        if len(ports) != 2:
            raise NotReady(f"The carrier {program} did not start: it named no port.")
        self.port = int(ports[0])
        self._control = await asyncio.open_connection("127.0.0.1", int(ports[1]))
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._control:
            self._control[1].close()
            with contextlib.suppress(OSError):
                await self._control[1].wait_closed()
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def figures(self) -> Taken:
        """Tell what was taken since the last reset."""
        return await self._ask("figures")

    async def reset(self) -> Taken:
        """Tell what was taken and count from nothing again."""
        return await self._ask("reset")

    async def until(self, count: int, within: float) -> Taken:
        """Return once so many were taken; raise TimeoutError saying how many were after `within` seconds."""
        end = asyncio.get_running_loop().time() + within
        while (told := await self.figures()).count < count:
            if asyncio.get_running_loop().time() > end:
                raise TimeoutError(f"the carrier took {told.count} of {count} within {within:g} s")
            await asyncio.sleep(0.005)
        return told

    async def _ask(self, what: str) -> Taken:
        assert self._control is not None, "the carrier is not open"
        reader, writer = self._control
        async with self._turn:
            writer.write(what.encode() + b"\n")
            return Taken(**json.loads(await reader.readline()))


def build() -> str:
    """Compile the carrier once for each text of it and give its path; raise NotReady without a compiler."""
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crisis-bench"
    program = kept / f"carrier-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]}"
    if program.exists():
        return str(program)
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise NotReady("There is no C compiler for the benchmarks' carrier; `make bench` installs gcc and libc6-dev.")
    kept.mkdir(parents=True, exist_ok=True)
    # Two benches may build at once: each its own file, and the last rename stands.
    handle, fresh = tempfile.mkstemp(dir=kept)
    os.close(handle)
    done = subprocess.run([compiler, "-O2", "-o", fresh, str(SOURCE)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotReady(f"{compiler} cannot build {SOURCE.name}: {done.stderr.strip().splitlines()[:1]}")
    Path(fresh).chmod(0o755)
    Path(fresh).replace(program)
    return str(program)
