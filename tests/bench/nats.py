"""NATS servers of our own on loopback: one, or a cluster of three, each of which may be killed and started again."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from nats.aio.client import Client
from nats.errors import Error

from tests.bench.ports import free_port

PROGRAM = shutil.which("nats-server") or str(Path(sys.executable).with_name("nats-server"))


async def _silent(_: Exception) -> None:
    """Say nothing: whoever waits for a server asks again."""


@dataclass(slots=True)
class Nodes:
    """Servers that keep their streams in folders of their own; `url` names them all."""

    folder: Path
    ports: list[int]
    routes: list[int]
    processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """What CRISIS_NATS_URL is set to."""
        return ",".join(f"nats://127.0.0.1:{port}" for port in self.ports)

    def start(self, node: int) -> None:
        """Start a server, also again after kill()."""
        argv = [PROGRAM, "-js", "-sd", str(self.folder / f"nats{node}"), "-a", "127.0.0.1", "-p", str(self.ports[node])]
        if len(self.ports) > 1:
            others = ",".join(f"nats://127.0.0.1:{port}" for port in self.routes)
            argv += ["-n", f"n{node}", "--cluster_name", "crisis", "--routes", others]
            argv += ["--cluster", f"nats://127.0.0.1:{self.routes[node]}"]
        self.processes[node] = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill(self, node: int, how: int = signal.SIGKILL) -> None:
        """End a server and wait until it is gone; its folder stays."""
        process = self.processes.pop(node)
        process.send_signal(how)
        process.wait()

    async def ready(self, within: float = 20) -> None:
        """Return once every server that runs answers for JetStream; a new cluster elects a leader first."""
        async with asyncio.timeout(within):
            for node in self.processes:
                await self._answers(node)

    async def _answers(self, node: int) -> None:
        while True:
            client = Client()
            try:
                await client.connect(
                    f"nats://127.0.0.1:{self.ports[node]}", allow_reconnect=False, connect_timeout=1, error_cb=_silent,
                    reconnect_time_wait=0,
                )  # fmt: skip
                await client.jetstream(timeout=1).account_info()
                return
            except (Error, OSError, TimeoutError):
                await asyncio.sleep(0.05)
            finally:
                await client.close()

    async def leader(self, stream: str) -> int:
        """Tell which server leads a stream of a cluster."""
        client = Client()
        await client.connect([f"nats://127.0.0.1:{self.ports[n]}" for n in self.processes], error_cb=_silent)
        try:
            told = await client.jetstream().stream_info(stream)
        finally:
            await client.close()
        assert told.cluster is not None
        assert told.cluster.leader is not None
        return int(told.cluster.leader.removeprefix("n"))


@contextlib.asynccontextmanager
async def nodes(folder: Path, size: int = 1) -> AsyncIterator[Nodes]:
    """Run so many servers, ready for streams; killed at the end."""
    run = Nodes(folder, [free_port() for _ in range(size)], [free_port() for _ in range(size)])
    try:
        for node in range(size):
            run.start(node)
        await run.ready()
        yield run
    finally:
        for node in list(run.processes):
            run.kill(node)
