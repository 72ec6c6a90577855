"""`python -m tests.bench [NAME|all] [--json]`: the promises of speed, each beside its peer in the same run.

Figures go to stdout, how it goes to stderr; `--json` ends with one line for the bench asked for. `all` also writes
RESULTS.md and results.svg.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import json
import signal
import sys
import time
import traceback
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from crisis import log
from crisis.errors import CrisisError
from tests.bench import results
from tests.bench.figures import Figure, judged, say

BENCHES = {
    "b1": "b1:figures",
    "b2": "b2:figures",
    "b3": "b3:figures",
    "b4": "b4:figures",
    "b5": "b5:figures",
    "b6": "b6:figures",
    "b7": "b7:figures",
    "b9": "b9:figures",
    "b10": "carriage:figures",
    "first": "district:first",
    "fanout": "district:fanout",
    "cap": "cap:figures",  # B8
    "geometry": "geometry:figures",
    "kit": "kit:figures",
}
AT_MOST = {"first", "fanout", "geometry"}  # older benches, whose goal is an upper bound of the figure


def measure(name: str) -> list[Figure] | None:
    """Run a bench and give its figures, the headline first; None when its module is not there."""
    module, _, function = BENCHES[name].partition(":")
    if importlib.util.find_spec(f"tests.bench.{module}") is None:
        return None
    told = getattr(importlib.import_module(f"tests.bench.{module}"), function)()
    if isinstance(told, Awaitable):
        told = asyncio.run(_awaited(told))
    several = [told] if isinstance(told, Figure | dict) else list(told)
    return [f if isinstance(f, Figure) else from_mapping(name, f) for f in several]


async def _awaited(told: Awaitable[Any]) -> Any:
    # A bench that is told to stop must still end the servers it started: they have sessions of their own.
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await told


def from_mapping(name: str, told: dict[str, Any]) -> Figure:
    """Read what the older benches give, and keep the verdict they reached."""
    if name == "cap":
        return of_cap(told)
    sense = "<=" if name in AT_MOST else ">="
    rest = {k: v for k, v in told.items() if k not in results.KNOWN}
    made = judged(
        told["bench"], told["figure"], told["unit"], peer=told["peer"], peer_figure=told["peer_figure"],
        ratio=told["ratio"], goal=told["goal"], goal_of="figure", sense=sense, **rest,
    )  # fmt: skip
    return replace(made, met=told["met"])


def of_cap(told: dict[str, Any]) -> Figure:
    """B8: alerts of 6 KB read and judged by every rule, beside xmlschema's validation alone."""
    small = told["an alert of 6 KB"]
    times = small.get("xmlschema, validation alone: times as long")
    rest = {k: v for k, v in told.items() if k not in results.KNOWN} | {"also wanted": told["goal"]}
    speed = small["alerts a second"]
    made = judged(
        "cap", speed, "alerts/s", peer="xmlschema, validation alone", peer_figure=speed / times if times else None,
        ratio=times, goal=4, what="B8: read and judge CAP 1.2 by every rule", **rest,
    )  # fmt: skip
    return replace(made, met=told["met"])


def headline(figures: Sequence[Figure]) -> dict[str, Any]:
    """Give the one object of `--json`: the first figure, met only if every goal of the bench is."""
    return figures[0].line() | {"met": all(f.met for f in figures if f.met is not None)}


def show(figures: Sequence[Figure], as_json: bool) -> None:
    """Print a bench's figures: the table on stdout, or on stderr with the one object on stdout."""
    print(results.plain(figures), file=sys.stderr if as_json else sys.stdout, flush=True)
    if as_json:
        print(json.dumps(headline(figures)), flush=True)


def main() -> int:
    """Run one bench, or all; exit 1 when one of them broke or is not there."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=[*BENCHES, "all"], default="all")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    log.configure()
    found: list[Figure] = []
    absent: list[str] = []
    for name in BENCHES if asked.name == "all" else [asked.name]:
        begun = time.perf_counter()
        try:
            figures = measure(name)
        except Exception as error:  # one bench that breaks must not cost the figures of the others
            if not isinstance(error, CrisisError | AssertionError | TimeoutError):
                traceback.print_exc()
            say(f"{name} broke: {type(error).__name__}: {error}")
            absent.append(f"{name} (broke: {type(error).__name__})")
            continue
        if figures is None:
            say(f"{name} is not there")
            absent.append(name)
            continue
        say(f"{name} took {time.perf_counter() - begun:.0f} s")
        show(figures, asked.json)
        found += figures
    if asked.name == "all":
        results.write(found, datetime.now(UTC), absent)
        say("written: tests/bench/RESULTS.md and results.svg")
    return 1 if absent else 0


if __name__ == "__main__":
    sys.exit(main())
