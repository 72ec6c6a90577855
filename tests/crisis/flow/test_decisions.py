"""The pure decisions of the stages, as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from shapely import MultiPolygon, box

from channels.contract import Outcome, Result
from crisis.flow import update
from crisis.flow.pace import LONGEST_PAUSE, TRIPS_AFTER, Breaker, Slice
from crisis.model.alert import AlertState, before, urgency_rank
from crisis.model.audience import Place, Target, members
from crisis.model.dispatch import LONGEST_WAIT, Again, after, backoff
from crisis.model.officer import Officer, Role

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=6)


def outcome(result: Result, wait: float | None = None) -> Outcome:
    return Outcome(address_id=1, result=result, after=wait)


@pytest.mark.parametrize(
    ("what", "tried", "idempotent", "expected"),
    [
        (outcome(Result.ACCEPTED), 1, False, None),
        (outcome(Result.REFUSED), 1, False, None),
        (outcome(Result.OPTED_OUT), 1, False, None),
        (outcome(Result.UNREACHABLE), 1, False, Again(try_=2, not_before=NOW + timedelta(seconds=1))),
        (outcome(Result.UNREACHABLE), 4, False, Again(try_=5, not_before=NOW + timedelta(seconds=8))),
        (outcome(Result.THROTTLED, 30), 1, False, Again(try_=2, not_before=NOW + timedelta(seconds=30))),
        (outcome(Result.THROTTLED, 7 * 3600), 1, False, None),  # the alert would have expired by then
        (outcome(Result.UNKNOWN), 1, False, Again(try_=2, not_before=NOW + timedelta(seconds=1))),
        (outcome(Result.UNKNOWN), 2, False, None),  # a double is better than silence, many are not
        (outcome(Result.UNKNOWN), 2, True, Again(try_=3, not_before=NOW + timedelta(seconds=2))),
    ],
)
def test_a_failure_is_tried_again_only_where_it_can_help(
    what: Outcome, tried: int, idempotent: bool, expected: Again | None
) -> None:
    """Final outcomes never, throttling as asked, doubts once where the provider cannot drop a double."""
    assert after(what, tried=tried, now=NOW, expires=LATER, idempotent=idempotent) == expected


def test_a_retry_never_outlives_the_alert() -> None:
    """`now + wait >= expires` ends it."""
    assert after(outcome(Result.UNREACHABLE), tried=1, now=LATER, expires=LATER, idempotent=False) is None


def test_waits_double_up_to_five_minutes() -> None:
    """1, 2, 4 ... 300 seconds."""
    assert [backoff(n).total_seconds() for n in (1, 2, 3, 9, 10, 99)] == [1, 2, 4, 256, 300, 300]
    assert backoff(99) == LONGEST_WAIT


def test_the_breaker_opens_after_failures_in_a_row_and_probes_with_one() -> None:
    """Longer after each failed probe, closed by the first success."""
    breaker = Breaker()
    for _ in range(TRIPS_AFTER - 1):
        breaker.failed(0.0)
    assert breaker.blocked_for(0.0) == 0
    breaker.failed(0.0)
    assert breaker.blocked_for(0.0) == 1.0
    assert breaker.probing
    breaker.failed(1.0)
    assert breaker.blocked_for(1.0) == 2.0
    for minute in range(1, 9):
        breaker.failed(minute * 60.0)
    assert breaker.blocked_for(480.0) == LONGEST_PAUSE
    breaker.accepted()
    assert not breaker.probing
    breaker.failed(600.0)
    assert breaker.blocked_for(600.0) == 0


def test_those_in_flight_at_a_trip_make_it_no_longer() -> None:
    """Twenty sends that fail together are one outage: a carrier back after two seconds is tried after one."""
    breaker = Breaker()
    for _ in range(20):
        breaker.failed(0.0)
    breaker.trip(0.0)
    assert breaker.blocked_for(0.0) == 1.0


def test_a_rate_is_kept_from_the_first_moment() -> None:
    """Ten of a slice of 128 a second leave one each 1/128 s; what is not used in its time is lost."""
    slice_ = Slice(128.0, start=5.0, size=10)
    left = [n for n in range(-20, 200) if slice_.spend(5.0 + n / 1024)]
    assert left == [8 * n for n in range(10)]
    late = Slice(128.0, start=5.0, size=10)
    assert late.wait(4.5) == 0.5
    assert [late.spend(5.0 + 28 / 1024) for _ in range(5)] == [True] * 4 + [False]
    assert late.wait(5.0 + 28 / 1024) == 4 / 1024
    assert late.wait(5.2) is None
    assert not late.spend(5.2)


@pytest.mark.parametrize(
    ("severity", "urgency", "rank"),
    [("Extreme", "Immediate", 0), ("Severe", "Immediate", 2), ("Moderate", "Expected", 5), ("?", "?", 6)],
)
def test_the_worst_and_nearest_leaves_first(severity: str, urgency: str, rank: int) -> None:
    """Rank 0 before all; words we do not know stand in the middle."""
    assert urgency_rank(severity, urgency) == rank


def test_live_comes_from_pending_or_by_break_glass_from_draft_only() -> None:
    """The guards of every UPDATE come from the table of moves."""
    assert before(AlertState.LIVE) == ["draft", "pending"]
    assert before(AlertState.PENDING) == ["draft", "returned"]
    assert before(AlertState.DRAFT) == []


def test_nobody_whose_place_is_in_doubt_is_missed() -> None:
    """Inside, on the edge, known by an area warned whole or merely touched: warned. Elsewhere: not."""
    target = Target(
        geometry=MultiPolygon([box(0, 0, 1, 1)]), desc="x", area_ids=frozenset({1}), near_ids=frozenset({2})
    )
    places = [
        Place(area_id=None, lon=0.5, lat=0.5),
        Place(area_id=None, lon=1.0, lat=0.5),  # on the edge
        Place(area_id=1, lon=5.0, lat=5.0),  # says to live in an area warned whole
        Place(area_id=2, lon=None, lat=None),  # somewhere in an area that is touched
        Place(area_id=2, lon=5.0, lat=5.0),  # known to be elsewhere in it
        Place(area_id=3, lon=None, lat=None),
    ]
    assert members(target, places).tolist() == [True, True, True, True, False, False]
    assert members(target, []).dtype == np.bool_


@pytest.mark.parametrize(
    ("kind", "state", "calls"),
    [
        ("approval", "pending", Role.APPROVER),
        ("approval", "live", None),
        ("next_update", "live", Role.OFFICER),
        ("next_update", "superseded", None),
        ("overdue", "live", Role.SUPERVISOR),
        ("overdue", "expired", Role.SUPERVISOR),
        ("overdue", "cancelled", None),
    ],
)
def test_the_clock_calls_only_when_it_still_matters(kind: str, state: str, calls: Role | None) -> None:
    """An update that was sent in the meantime is not asked for."""
    row = {"kind": kind, "state": state, "alert_id": 7, "playbook": "flood", "level": "siaga", "mode": "Actual"}
    call = update.what_to_say(row | {"at": NOW, "next_update": NOW}, NOW + timedelta(minutes=12))
    assert (call[1] if call else None) == calls
    if call:
        assert "alert 7" in call[0]


def test_roles_stand_in_one_order() -> None:
    """Each may what those before it may."""
    officer = Officer(id=1, name="Rina", role=Role.APPROVER)
    officer.need(Role.OFFICER)
    with pytest.raises(Exception, match="this needs the role supervisor"):
        officer.need(Role.SUPERVISOR)
