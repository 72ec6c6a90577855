"""The alert: its modes, purposes and states, and what may follow what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from crisis.errors import IllegalMove
from crisis.model.words import Purpose

LONGEST = timedelta(days=7)  # nothing is in force for longer, unless somebody says so again in an update


class Mode(StrEnum):
    """Whether an alert is meant; distinct from the first screen to the last byte (CAP status)."""

    ACTUAL = "Actual"  # act on it
    EXERCISE = "Exercise"  # for those enrolled for exercises
    TEST = "Test"  # of the machinery; everyone disregards it

    @property
    def drill(self) -> bool:
        return self is not Mode.ACTUAL


class MsgType(StrEnum):
    """CAP 1.2 section 3.2.1 msgType, as far as we send it."""

    ALERT = "Alert"  # the first of its chain
    UPDATE = "Update"  # takes the place of all it refers to
    CANCEL = "Cancel"  # withdraws all it refers to


class AlertState(StrEnum):
    """Where an alert is in its life."""

    DRAFT = "draft"  # being prepared
    PENDING = "pending"  # submitted, waits for a second officer
    RETURNED = "returned"  # sent back with a reason
    REJECTED = "rejected"  # never sent
    LIVE = "live"  # released and in force
    SUPERSEDED = "superseded"  # an update took its place
    CANCELLED = "cancelled"  # withdrawn
    EXPIRED = "expired"  # its time has passed


MOVES: Mapping[AlertState, frozenset[AlertState]] = MappingProxyType(
    {
        AlertState.DRAFT: frozenset({AlertState.PENDING, AlertState.REJECTED, AlertState.LIVE}),
        AlertState.PENDING: frozenset({AlertState.RETURNED, AlertState.REJECTED, AlertState.LIVE}),
        AlertState.RETURNED: frozenset({AlertState.PENDING, AlertState.REJECTED}),
        AlertState.REJECTED: frozenset(),
        AlertState.LIVE: frozenset({AlertState.SUPERSEDED, AlertState.CANCELLED, AlertState.EXPIRED}),
        AlertState.SUPERSEDED: frozenset(),
        AlertState.CANCELLED: frozenset(),
        AlertState.EXPIRED: frozenset(),
    }
)

MSG_TYPE: Mapping[Purpose, MsgType] = MappingProxyType(
    {
        Purpose.ALERT: MsgType.ALERT,
        Purpose.UPDATE: MsgType.UPDATE,
        Purpose.CORRECTION: MsgType.UPDATE,
        Purpose.CANCEL: MsgType.CANCEL,
        Purpose.ALL_CLEAR: MsgType.UPDATE,  # with responseType AllClear
    }
)

ENDING = frozenset({Purpose.CANCEL, Purpose.ALL_CLEAR})  # nothing of the incident is in force after these


def before(state: AlertState) -> list[str]:
    """List the states from which an alert may come to `state`: the guard of every UPDATE."""
    return sorted(source for source, targets in MOVES.items() if state in targets)


def refuse_move(alert_id: int, now_in: str, wanted: AlertState) -> IllegalMove:
    """Say why an alert cannot come to `wanted` from where it is."""
    allowed = " or ".join(before(wanted))
    return IllegalMove(f"alert {alert_id} is {now_in}: only a {allowed} alert can become {wanted.value}")


def urgency_rank(severity: str, urgency: str) -> int:
    """Rank an alert for the queue: 0 leaves first (Extreme now), 9 last; unknown words rank in the middle."""
    weight = {"Extreme": 0, "Severe": 2, "Moderate": 4, "Minor": 6}.get(severity, 5)
    return weight + {"Immediate": 0, "Expected": 1, "Future": 2, "Past": 3}.get(urgency, 1)
