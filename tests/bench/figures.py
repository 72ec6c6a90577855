"""Figures as every bench gives them: ours beside the peer's, the goal, and what they were measured on."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

KEYS = ("bench", "figure", "unit", "peer", "peer_figure", "ratio", "goal", "met", "machine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One promise of speed, measured.

    `ratio` is ours to the peer's as the promise puts it; the goal is of the `ratio` or of the `figure` (`goal_of`)
    and at least or at most (`sense`). `spread` is the least and the most of what the goal is of.
    """

    bench: str
    figure: float
    unit: str
    peer: str
    peer_figure: float | None
    ratio: float | None
    goal: float | None
    met: bool | None  # None: no goal, said for the reader
    machine: Mapping[str, Any]
    goal_of: Literal["ratio", "figure"] = "ratio"
    sense: Literal[">=", "<="] = ">="
    what: str = ""
    spread: tuple[float, float] | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def line(self) -> dict[str, Any]:
        """Give the keys that every bench's `--json` line has, and no other."""
        return {key: getattr(self, key) for key in KEYS}


def judged(
    bench: str,
    figure: float,
    unit: str,
    *,
    peer: str = "",
    peer_figure: float | None = None,
    ratio: float | None = None,
    goal: float | None = None,
    goal_of: Literal["ratio", "figure"] = "ratio",
    sense: Literal[">=", "<="] = ">=",
    what: str = "",
    spread: tuple[float, float] | None = None,
    **more: Any,
) -> Figure:
    """Make a figure and hold it against its goal; without a `ratio` it is figure / peer_figure."""
    if ratio is None and peer_figure:
        ratio = figure / peer_figure
    value = figure if goal_of == "figure" else ratio
    met = None
    if goal is not None and value is not None:
        met = value >= goal if sense == ">=" else value <= goal
    return Figure(
        bench=bench, figure=short(figure), unit=unit, peer=peer,
        peer_figure=None if peer_figure is None else short(peer_figure),
        ratio=None if ratio is None else short(ratio),
        goal=goal, met=met, machine=machine(), goal_of=goal_of, sense=sense, what=what,
        spread=None if spread is None else (short(spread[0]), short(spread[1])), more=more,
    )  # fmt: skip


def short(value: float) -> float:
    """Keep three to four digits that mean something; the met of a goal is judged before."""
    return float(f"{value:.4g}") if abs(value) < 1000 else float(round(value))


@dataclass(frozen=True, slots=True)
class Pairs:
    """Interleaved rounds of ours and the peer's; each ratio is of one pair, measured back to back."""

    ours: Sequence[float]
    theirs: Sequence[float]

    @property
    def ratios(self) -> list[float]:
        return [a / b for a, b in zip(self.ours, self.theirs, strict=True)]

    @property
    def figure(self) -> float:
        return statistics.median(self.ours)

    @property
    def peer_figure(self) -> float:
        return statistics.median(self.theirs)

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        return min(self.ratios), max(self.ratios)

    def facts(self) -> dict[str, Any]:
        """Give what a Figure says of pairs."""
        return {
            "peer_figure": self.peer_figure,
            "ratio": self.ratio,
            "spread": self.spread,
            "rounds": len(self.ours),
            "ours_each": [short(x) for x in self.ours],
            "theirs_each": [short(x) for x in self.theirs],
        }


async def paired(
    ours: Callable[[], Awaitable[float]], theirs: Callable[[], Awaitable[float]], rounds: int, label: str = ""
) -> Pairs:
    """Measure ours, theirs, ours, theirs ... and tell each on stderr as it comes."""
    a: list[float] = []
    b: list[float] = []
    for n in range(rounds):
        a.append(await ours())
        b.append(await theirs())
        say(f"{label} pair {n + 1}/{rounds}: ours {short(a[-1]):g}, theirs {short(b[-1]):g}: {a[-1] / b[-1]:.2f}")
    return Pairs(a, b)


def say(text: str) -> None:
    """Tell how a bench goes: on stderr, for stdout is the figures' own."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def machine() -> dict[str, Any]:
    """Tell what the figures are measured on; all but the load and the speed just now are looked up once."""
    return {**_facts(), "load": round(os.getloadavg()[0], 2), "loop_ms": round(_loop() * 1000)}


def _loop() -> float:
    """Give the seconds of a plain loop of a million: a rented machine may be half as fast from minute to minute."""
    start, total = time.perf_counter(), 0
    for n in range(1_000_000):
        total += n
    return time.perf_counter() - start


@functools.cache
def _facts() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": os.cpu_count(),
        "cpu": _cpu(),
        "memory_gb": round(memory, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "postgres": _postgres(),
        "uvloop": _version("uvloop"),
        "aiohttp": _version("aiohttp"),
        "fsync_ms": round(fsync_cost(), 2),
    }


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _postgres() -> str:
    import subprocess

    from crisis.errors import CrisisError
    from crisis.pg_programs import find_binaries

    try:
        said = subprocess.run([find_binaries() / "postgres", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.SubprocessError, CrisisError):
        return "unknown"
    return said.stdout.split(")")[-1].split("(")[0].strip() or said.stdout.strip()


def fsync_cost(times: int = 40) -> float:
    """Milliseconds that one 8 KiB write and fdatasync takes where the benches keep their databases, median."""
    waits = []
    with tempfile.TemporaryFile() as file:
        for _ in range(times):
            file.write(b"\0" * 8192)
            file.flush()
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            waits.append((time.perf_counter() - start) * 1000)
    return statistics.median(waits)
