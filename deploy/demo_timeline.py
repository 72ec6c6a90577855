"""What happened and when, told while it happens and kept for the report; and what had to happen, whether it did."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

COUNTS = ("audience", "accepted", "delivered", "undelivered", "retrying", "unknown", "twice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of the timeline; `at` is in seconds since the trigger, None before it."""

    at: float | None
    stage: str
    channel: str
    says: str
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that had to happen."""

    says: str
    held: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One alert on all channels: milliseconds from release to the first accepted, seconds to the last."""

    stage: str
    alert_id: int
    released: datetime
    channels: dict[str, dict[str, Any]]

    def first_ms(self, channel: str) -> float | None:
        """Give the milliseconds from release to the first one a provider accepted."""
        first = self.channels[channel]["first_accepted"]
        return None if first is None else (datetime.fromisoformat(first) - self.released).total_seconds() * 1000

    def seconds(self, *channels: str) -> float:
        """Give the seconds from release to the last one accepted, on some channels or on all."""
        ends = [self.channels[name]["last_accepted"] for name in channels or self.channels]
        last = max(datetime.fromisoformat(end) for end in ends if end)
        return (last - self.released).total_seconds()


@dataclass(slots=True, kw_only=True)
class Timeline:
    """Collects moments, rounds and checks, and prints each moment as it comes."""

    console: Console
    moments: list[Moment] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    zero: datetime | None = None  # when the officer triggered

    def start(self) -> None:
        """Count from now."""
        self.zero = datetime.now(UTC)

    def tell(self, stage: str, says: str, *, channel: str = "", when: str | None = None, **counts: int) -> None:
        """Keep a moment and print it; `when` is its time if that is not now."""
        moment = datetime.fromisoformat(when) if when else datetime.now(UTC)
        at = None if self.zero is None else (moment - self.zero).total_seconds()
        self.moments.append(Moment(at=at, stage=stage, channel=channel, says=says, counts=counts))
        figures = ", ".join(f"{name} {count}" for name, count in counts.items())
        told = f"{says} ({figures})" if figures else says
        self.console.print(f"{_clock(at):>9}  {stage:<9} {channel:<9} {told}", soft_wrap=True)

    def check(self, says: str, held: object, detail: object = "") -> None:
        """Keep whether something that had to happen did; print it when it did not."""
        self.checks.append(Check(says=says, held=bool(held), detail=str(detail)))
        if not held:
            self.console.print(f"   FAILED  {says}: {detail}", style="bold red", soft_wrap=True)

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if not check.held]

    def as_dict(self) -> dict[str, Any]:
        """Give everything for a machine."""
        return {
            "triggered": self.zero.isoformat() if self.zero else None,
            "facts": self.facts,
            "moments": [asdict(moment) for moment in sorted(self.moments, key=_order)],
            "rounds": [
                {
                    "stage": one.stage,
                    "alert": one.alert_id,
                    "released": one.released.isoformat(),
                    "seconds": round(one.seconds(), 3),
                    "first_accepted_ms": {name: _rounded(one.first_ms(name)) for name in one.channels},
                    "channels": one.channels,
                }
                for one in self.rounds
            ],
            "checks": [asdict(check) for check in self.checks],
        }


def _order(moment: Moment) -> float:
    return -1.0 if moment.at is None else moment.at


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 1)


def _clock(at: float | None) -> str:
    return "-" if at is None else f"+{at:.2f} s"


def table(timeline: Timeline) -> Table:
    """Draw the timeline with its counts."""
    drawn = Table(title="Timeline: seconds since the officer triggered", title_justify="left")
    for column in ("time", "stage", "channel", "what"):
        drawn.add_column(column, justify="right" if column == "time" else "left", overflow="fold")
    for column in COUNTS:
        drawn.add_column(column, justify="right")
    for moment in sorted(timeline.moments, key=_order):
        figures = [str(moment.counts.get(name, "")) for name in COUNTS]
        drawn.add_row(_clock(moment.at), moment.stage, moment.channel, moment.says, *figures)
    return drawn


def rounds(timeline: Timeline) -> Table:
    """Draw what each alert came to on each channel."""
    drawn = Table(title="Each alert on each channel, from its release", title_justify="left")
    for column in ("alert", "channel", "first accepted", "all accepted", *COUNTS):
        drawn.add_column(column, justify="left" if column in ("alert", "channel") else "right")
    for one in timeline.rounds:
        for name, counts in one.channels.items():
            figures = [str(counts[column]) for column in COUNTS]
            drawn.add_row(one.stage, name, f"{one.first_ms(name) or 0:.0f} ms", f"{one.seconds(name):.2f} s", *figures)
        drawn.add_section()
    return drawn
