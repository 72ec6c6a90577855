"""The incident: one thing happening in the world, open until its all-clear or cancel."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class IncidentState(StrEnum):
    """Whether anything more may be said of it."""

    OPEN = "open"  # alerts may follow
    CLOSED = "closed"  # the all-clear or cancel went out


MOVES: Mapping[IncidentState, frozenset[IncidentState]] = MappingProxyType(
    {IncidentState.OPEN: frozenset({IncidentState.CLOSED}), IncidentState.CLOSED: frozenset()}
)
