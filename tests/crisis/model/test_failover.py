"""Failover decides by what the channel said, and by the clock where it said nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crisis.model.failover import SOONEST, Rule, Standing, Verdict, decide, look_again

SENT = datetime(2026, 11, 21, 12, tzinfo=UTC)
AFTER = timedelta(minutes=2)
TAKEN = SENT + timedelta(seconds=30)


def at(seconds: float) -> datetime:
    return SENT + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("says", "standing", "now", "verdict"),
    [
        ("not tried yet", Standing(since=SENT), at(119), Verdict.WAIT),
        ("not tried by the deadline: the carrier is dead", Standing(since=SENT), at(120), Verdict.MOVE),
        ("refused, or its retries ended", Standing(since=SENT, ended=True), at(1), Verdict.MOVE),
        ("taken, arrival unheard", Standing(since=SENT, accepted_at=TAKEN), at(149), Verdict.WAIT),
        ("taken, silent", Standing(since=SENT, accepted_at=TAKEN), at(150), Verdict.MOVE),
        ("taken, nothing more to try", Standing(since=SENT, accepted_at=TAKEN, ended=True), at(31), Verdict.WAIT),
        ("a part failed", Standing(since=SENT, accepted_at=TAKEN, failed=True), at(31), Verdict.MOVE),
        ("delivered", Standing(since=SENT, accepted_at=TAKEN, delivered=True), at(9999), Verdict.REACHED),
        (
            "delivered, then failed",
            Standing(since=SENT, accepted_at=TAKEN, delivered=True, failed=True),
            at(9999),
            Verdict.REACHED,
        ),
        ("taken where nobody tells", Standing(since=SENT, accepted_at=TAKEN, told=False), at(31), Verdict.REACHED),
        ("untried where nobody tells", Standing(since=SENT, told=False), at(120), Verdict.MOVE),
    ],
)
def test_a_resident_is_moved_on_at_once_by_a_failure_and_at_the_deadline_by_silence(
    says: str, standing: Standing, now: datetime, verdict: Verdict
) -> None:
    """Each way an address can stand."""
    assert decide(standing, AFTER, now) is verdict, says


def test_a_batch_is_looked_at_a_few_times_however_long_the_wait() -> None:
    """Growing steps to the deadline, and never past it."""
    now, looks = SENT + SOONEST, []
    while now < SENT + AFTER:
        looks.append(now)
        now = look_again(SENT, now, [SENT + AFTER])
    assert now == SENT + AFTER
    assert len(looks) <= 12


def test_the_rule_survives_its_freezing() -> None:
    """What officers approve is what failover reads."""
    rule = Rule(order=("sms", "telegram"), after=AFTER)
    assert Rule.of(rule.as_facts()) == rule
