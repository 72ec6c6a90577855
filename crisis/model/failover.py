"""Failover: when a resident is warned on the next channel because the first one failed or stays silent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

SOONEST = timedelta(seconds=2)  # from the release to the first look, and between two looks


class Verdict(StrEnum):
    """What becomes of a resident on the channel just tried."""

    REACHED = "reached"  # as far as this channel can tell
    WAIT = "wait"
    MOVE = "move"  # to the next channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The rule an alert was approved with: its channels in order, and how long each has."""

    order: tuple[str, ...]
    after: timedelta

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Self:
        """Read the rule as it is frozen in the facts of an alert."""
        return cls(order=tuple(facts["order"]), after=timedelta(seconds=facts["after"]))

    def as_facts(self) -> dict[str, Any]:
        """Give the rule as it is frozen in the facts of an alert; `after` in seconds."""
        return {"order": list(self.order), "after": int(self.after.total_seconds())}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one address, or several that stand alike, stands on its channel."""

    since: datetime  # its time runs from here: the release, or the move to this channel
    accepted_at: datetime | None = None  # the provider took the notice, last at
    delivered: bool = False  # by a receipt for every part
    failed: bool = False  # a receipt says of a part that it will not arrive
    ended: bool = False  # nothing more will be tried here
    told: bool = True  # this channel's provider tells of arrival

    def deadline(self, after: timedelta) -> datetime:
        """Give the moment from which silence counts as failure."""
        return (self.accepted_at or self.since) + after


def decide(standing: Standing, after: timedelta, now: datetime) -> Verdict:
    """Decide whether a resident is moved on: at once when the channel failed, at the deadline when it is silent.

    What was delivered stays delivered, whatever fails later. A provider that tells nothing of arrival has done its
    part with its acceptance.
    """
    if standing.delivered:
        return Verdict.REACHED
    if standing.accepted_at is not None and not standing.told:
        return Verdict.REACHED
    over = standing.failed if standing.accepted_at is not None else standing.ended
    return Verdict.MOVE if over or now >= standing.deadline(after) else Verdict.WAIT


def look_again(since: datetime, now: datetime, deadlines: Sequence[datetime]) -> datetime:
    """Say when to look next: half as long again as it waits by now, but not past its deadline.

    So a failure is acted on after at most half as long again as it took, and a batch is looked at a few times
    however long the wait.
    """
    return min([now + max((now - since) / 2, SOONEST), *(d for d in deadlines if d > now)])
