"""A resend of the SMSC is one text; a resident who writes again is heard again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from channels.sms.repeats import Repeats

NOW = datetime(2026, 11, 21, 3, 1, tzinfo=UTC)


@dataclass
class Line:
    lost_at: datetime | None = None


@pytest.mark.parametrize(
    ("acknowledged", "lost", "again", "other_line", "same"),
    [
        (None, 1, 60, True, True),  # the session broke before we answered
        (None, 1, 3000, True, True),
        (None, None, 30, False, True),  # we are slow and the SMSC has lost patience
        (None, None, 1, False, False),  # twice in one backlog: written twice
        (0.1, None, 2, False, False),  # answered at once: TOLONG, and again TOLONG
        (0.1, 600, 700, True, False),  # answered, and the session lived on for ten minutes
        (0.1, 0.5, 60, True, True),  # the session broke on the heels of the answer
        (0.1, 0.5, 1000, True, False),  # ... but no SMSC takes a quarter hour to come back with it
        (20.0, None, 21, False, True),  # answered too late for the SMSC's patience
        (20.0, None, 1000, False, False),
    ],
)
def test_same_words_have_one_id_only_where_the_answer_may_be_lost(
    acknowledged: float | None, lost: float | None, again: float, other_line: bool, same: bool
) -> None:
    """Seconds after the first arrival: answered, line lost, the same words again (on which line)."""
    repeats, line = Repeats(), Line()
    first = repeats.seen("d", line, NOW)
    if acknowledged is not None:
        first.acknowledged = NOW + timedelta(seconds=acknowledged)
    if lost is not None:
        line.lost_at = NOW + timedelta(seconds=lost)
    second = repeats.seen("d", Line() if other_line else line, NOW + timedelta(seconds=again))
    assert (second.id == first.id) is same


def test_after_a_crash_a_resend_has_the_id_it_had() -> None:
    """Nothing is remembered, so the id is made of the words and the quarter hour."""
    later = NOW + timedelta(minutes=5)
    assert Repeats().seen("d", Line(), NOW).id == Repeats().seen("d", Line(), later).id
    assert Repeats().seen("d", Line(), NOW).id != Repeats().seen("d", Line(), NOW + timedelta(days=1)).id


def test_different_words_have_different_ids() -> None:
    """Even in the same second."""
    repeats, line = Repeats(), Line()
    assert repeats.seen("d", line, NOW).id != repeats.seen("e", line, NOW).id


def test_no_id_is_given_twice_over_hours_of_the_same_word() -> None:
    """AMAN from the same resident every minute for three hours, each answered at once."""
    repeats, line, ids = Repeats(), Line(), set()
    for minute in range(180):
        now = NOW + timedelta(minutes=minute)
        seen = repeats.seen("d", line, now)
        seen.acknowledged = now
        ids.add(seen.id)
    assert len(ids) == 180
    assert repeats.kept < 120
