"""The inquiry: what a resident asked or reported, its states and what may follow what."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class InquiryState(StrEnum):
    """Where an inquiry is on its way to an answer."""

    RECEIVED = "received"  # stored, not yet judged
    OPEN = "open"  # waits for an officer
    AUTO_ANSWERED = "auto_answered"  # the playbook had the answer
    ASSIGNED = "assigned"  # an officer has it
    WAITING = "waiting"  # for the resident
    REFERRED = "referred"  # handed to another agency
    ESCALATED = "escalated"  # handed up
    ANSWERED = "answered"  # by an officer
    CLOSED = "closed"  # done
    MERGED_INTO = "merged_into"  # the same as another
    FOLDED = "folded"  # abuse or spam: counted, not shown first
    ERASED = "erased"  # tombstone


_WITH_OFFICER = frozenset(
    {
        InquiryState.ASSIGNED,
        InquiryState.WAITING,
        InquiryState.REFERRED,
        InquiryState.ESCALATED,
        InquiryState.ANSWERED,
        InquiryState.CLOSED,
        InquiryState.MERGED_INTO,
        InquiryState.FOLDED,
        InquiryState.ERASED,
    }
)

MOVES: Mapping[InquiryState, frozenset[InquiryState]] = MappingProxyType(
    {
        InquiryState.RECEIVED: frozenset(
            {InquiryState.OPEN, InquiryState.AUTO_ANSWERED, InquiryState.CLOSED, InquiryState.FOLDED}
        ),
        InquiryState.OPEN: _WITH_OFFICER,
        InquiryState.AUTO_ANSWERED: frozenset({InquiryState.OPEN, InquiryState.CLOSED, InquiryState.ERASED}),
        InquiryState.ASSIGNED: _WITH_OFFICER - {InquiryState.ASSIGNED} | {InquiryState.OPEN},
        InquiryState.WAITING: _WITH_OFFICER - {InquiryState.WAITING} | {InquiryState.OPEN},
        InquiryState.REFERRED: _WITH_OFFICER - {InquiryState.REFERRED} | {InquiryState.OPEN},
        InquiryState.ESCALATED: _WITH_OFFICER - {InquiryState.ESCALATED} | {InquiryState.OPEN},
        InquiryState.ANSWERED: frozenset({InquiryState.OPEN, InquiryState.CLOSED, InquiryState.ERASED}),
        InquiryState.CLOSED: frozenset({InquiryState.OPEN, InquiryState.ERASED}),
        InquiryState.MERGED_INTO: frozenset({InquiryState.OPEN, InquiryState.ERASED}),
        InquiryState.FOLDED: frozenset({InquiryState.OPEN, InquiryState.ERASED}),
        InquiryState.ERASED: frozenset(),
    }
)


def before(state: InquiryState) -> list[str]:
    """List the states from which an inquiry may come to `state`: the guard of every UPDATE."""
    return sorted(source for source, targets in MOVES.items() if state in targets)
