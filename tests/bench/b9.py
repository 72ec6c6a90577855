"""B9: what a delivery costs, from ten thousand residents to a million: processor time of all that takes part."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench import growth
from tests.bench.figures import Figure, judged, short
from tests.bench.growth import MILLION, Cell, mean_cpu

SIZES = {
    10_000: [(1, "smpp"), (2, "smpp"), (2, "http")],
    100_000: [(1, "smpp"), (2, "smpp"), (2, "http")],
    MILLION: [(1, "smpp"), (2, "smpp")],
}
PARTS = ("service", "postgres", "carrier")
HOW = (
    "processor time (user and system) of the service with its workers, of all of Postgres and of the carrier, from "
    "the approval until all is durable, the mean of the alerts, less a start, by the deliveries less the start's; "
    "a start is an alert to about 200 of the 10,000, the mean of 8; whatever grows with the residents is not in it"
)


async def figures() -> Figure:
    """Give the cost beside that at the smallest size, where it grew most, and the table of all."""
    found = [cell for people, wanted in SIZES.items() for cell in await growth.cells(people, wanted)]
    return told(found)


def told(found: Sequence[Cell]) -> Figure:
    """Make the figure: the goal is of the worst growth over ten thousand, and each cell stands in the table."""
    small = {(c.workers, c.way): c for c in found if c.people == min(SIZES)}
    costs = {(c.people, c.workers, c.way): cost(c, small[c.workers, c.way]) for c in found}
    grown = {key: costs[key] / costs[min(SIZES), *key[1:]] for key in costs if key[0] != min(SIZES)}
    worst = max(grown, key=lambda key: grown[key])
    people, workers, way = worst
    return judged(
        "b9", costs[worst], f"us of processor a delivery, {people:,} by {way}, {workers} worker(s)",
        peer=f"ours at {min(SIZES):,}, the same way", peer_figure=costs[min(SIZES), *worst[1:]], ratio=grown[worst],
        goal=1.15, sense="<=", what="cost of a delivery from 10,000 to 1,000,000, the worst growth",
        spread=(min(grown.values()), max(grown.values())), how=HOW,
        **{c.name: row(c, small[c.workers, c.way]) for c in found},
    )  # fmt: skip


def cost(cell: Cell, small: Cell, who: str | None = None) -> float:
    """Give microseconds of processor a delivery beyond a start: of all, or of one of PARTS."""
    few = sum(r.people for r in small.starts) / len(small.starts)
    return (cell.cpu(who) - mean_cpu(small.starts, who)) / (cell.people - few) * 1e6


def row(cell: Cell, small: Cell) -> str:
    """Give a line of the table."""
    parts = ", ".join(f"{who} {cost(cell, small, who):.1f}" for who in PARTS)
    start = mean_cpu(small.starts) * 1000
    return (
        f"{cost(cell, small):.1f} us ({parts}), with the start of {start:.0f} ms {cell.cpu() / cell.people * 1e6:.1f}; "
        f"{short(cell.seconds):g} s"
    )
