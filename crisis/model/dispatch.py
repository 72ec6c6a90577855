"""Dispatch, batch and retry: their states, what may follow what, and when to try again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from channels.contract import Outcome, Result, is_final


class DispatchState(StrEnum):
    """One alert on one channel account."""

    WAITING = "waiting"  # released, nothing leased yet
    SENDING = "sending"  # a worker has had a batch of it
    DONE = "done"  # every address settled
    STOPPED = "stopped"  # for one of the reasons in Stopped


class Stopped(StrEnum):
    """Why nothing more of a dispatch leaves."""

    EXPIRED = "expired"  # its alert's time has passed
    CANCELLED = "cancelled"  # its alert was withdrawn
    SUPERSEDED = "superseded"  # an update took its alert's place
    PAUSED = "paused"  # an officer holds it back: the one stop that can be undone
    OFFICER = "officer"  # an officer ended it


class BatchState(StrEnum):
    """About a thousand addresses of one dispatch in one language."""

    READY = "ready"  # may be leased
    LEASED = "leased"  # a worker has it until leased_until
    DONE = "done"  # every address of it has an attempt
    STOPPED = "stopped"  # its dispatch stopped first


DISPATCH_MOVES: Mapping[DispatchState, frozenset[DispatchState]] = MappingProxyType(
    {
        DispatchState.WAITING: frozenset({DispatchState.SENDING, DispatchState.DONE, DispatchState.STOPPED}),
        DispatchState.SENDING: frozenset({DispatchState.DONE, DispatchState.STOPPED}),
        # Only where failover may bring more residents to it: they came, or an officer holds them back beforehand.
        DispatchState.DONE: frozenset({DispatchState.SENDING, DispatchState.STOPPED}),
        DispatchState.STOPPED: frozenset({DispatchState.SENDING, DispatchState.STOPPED}),  # as STOPPED_MOVES allows
    }
)

# A dispatch that is stopped comes to another reason, or is sent again, only where this says so.
STOPPED_MOVES: Mapping[Stopped, frozenset[Stopped | DispatchState]] = MappingProxyType(
    {
        Stopped.EXPIRED: frozenset(),
        Stopped.CANCELLED: frozenset(),
        Stopped.SUPERSEDED: frozenset(),
        Stopped.PAUSED: frozenset(
            {DispatchState.SENDING, Stopped.EXPIRED, Stopped.CANCELLED, Stopped.SUPERSEDED, Stopped.OFFICER}
        ),
        Stopped.OFFICER: frozenset(),
    }
)

BATCH_MOVES: Mapping[BatchState, frozenset[BatchState]] = MappingProxyType(
    {
        BatchState.READY: frozenset({BatchState.LEASED, BatchState.STOPPED}),
        BatchState.LEASED: frozenset({BatchState.DONE, BatchState.READY, BatchState.STOPPED}),
        BatchState.DONE: frozenset(),
        BatchState.STOPPED: frozenset(),
    }
)


def before(state: DispatchState) -> list[str]:
    """List the states from which a dispatch may come to `state`: half of the guard of every UPDATE by an officer."""
    return sorted(source for source, targets in DISPATCH_MOVES.items() if state in targets)


def stopped_before(to: Stopped | DispatchState) -> list[str]:
    """List the reasons of a stop from which a dispatch may come to another, or to be sent again: the other half."""
    return sorted(why for why, targets in STOPPED_MOVES.items() if to in targets)


FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=5)
MOST_TRIES = 30_000  # the counter stops here, the tries go on: it is a smallint
MOST_UNSURE = 2  # tries of a send that may have arrived, where the provider cannot drop the second


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Try this address again, as try number `try_`, not before `not_before`."""

    try_: int
    not_before: datetime


def backoff(tries: int) -> timedelta:
    """Wait longer after each try: 1, 2, 4 ... seconds, at most five minutes."""
    return min(FIRST_WAIT * (1 << min(max(tries - 1, 0), 12)), LONGEST_WAIT)


def after(outcome: Outcome, *, tried: int, now: datetime, expires: datetime, idempotent: bool) -> Again | None:
    """Decide whether an address is tried again: never once the alert would have expired by then.

    A send whose reply never came is repeated while the provider drops doubles by key, and only once
    where it does not: for a warning a double is better than silence, many doubles are not.
    """
    if is_final(outcome.result):
        return None
    if outcome.result is Result.UNKNOWN and not idempotent and tried >= MOST_UNSURE:
        return None
    wait = backoff(tried) if not outcome.after else timedelta(seconds=max(outcome.after, 1.0))
    if now + wait >= expires:
        return None
    return Again(try_=min(tried + 1, MOST_TRIES), not_before=now + wait)
