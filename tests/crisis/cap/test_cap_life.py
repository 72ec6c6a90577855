"""The life of alerts: what ends what, in any order of arrival, and which two alerts are one warning."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisis.cap.life import (
    NOWCAST,
    Standing,
    State,
    name_of,
    overshadowed,
    same_warning,
    standings,
    tombstones,
    vanished,
)
from crisis.cap.nouns import (
    Alert,
    Area,
    Circle,
    Info,
    MsgType,
    Reference,
    ResponseType,
    Scope,
    Severity,
    Status,
)

WIB = timezone(timedelta(hours=7))
NINE = datetime(2026, 11, 21, 9, 0, tzinfo=WIB)
NOW = NINE + timedelta(hours=1)
RING = ((0.0, 109.0), (0.0, 110.0), (1.0, 110.0), (0.0, 109.0))


def sent(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def warning(identifier: str, minutes: float = 0, **change: Any) -> Alert:
    """An Alert sent so many minutes after nine, in force for three hours."""
    at = sent(minutes)
    made = Alert(
        identifier=identifier,
        sender="bmkg@example.id",
        sent=at,
        status=Status.ACTUAL,
        msg_type=MsgType.ALERT,
        scope=Scope.PUBLIC,
        infos=(Info(event="Banjir", expires=at + timedelta(hours=3)),),
    )
    return replace(made, **change)


def names(*alerts: Alert) -> dict[str, Any]:
    """The references that name these alerts."""
    return {"references": tuple(Reference(sender=a.sender, identifier=a.identifier, sent=a.sent) for a in alerts)}


def update(identifier: str, minutes: float, *earlier: Alert, **change: Any) -> Alert:
    return warning(identifier, minutes, msg_type=MsgType.UPDATE, **(names(*earlier) | change))


def cancel(identifier: str, minutes: float, *earlier: Alert, **change: Any) -> Alert:
    return warning(identifier, minutes, msg_type=MsgType.CANCEL, infos=(), **(names(*earlier) | change))


def all_clear(identifier: str, minutes: float, *earlier: Alert) -> Alert:
    infos = (Info(event="Banjir", response_types=(ResponseType.ALL_CLEAR,)),)
    return update(identifier, minutes, *earlier, infos=infos)


def states(*alerts: Alert, **asked: Any) -> list[State]:
    told = standings(alerts, NOW, **asked)
    return [told[name_of(alert)].state for alert in alerts]


A = warning("A")
B = warning("B", 5)
U = update("U", 10, A)
LIVE, OVER, GONE, CLEAR = State.IN_FORCE, State.SUPERSEDED, State.CANCELLED, State.CLEARED


@pytest.mark.parametrize(
    ("alerts", "expected"),
    [
        pytest.param([A], [LIVE], id="alone"),
        pytest.param([A, update("U", 10, A)], [OVER, LIVE], id="update"),
        pytest.param([A, B, update("U", 10, A, B)], [OVER, OVER, LIVE], id="an update supersedes all it names"),
        pytest.param([A, update("U", 10, A), update("V", 20, A)], [OVER, LIVE, LIVE], id="fork"),
        pytest.param(
            [A, update("U", 10, A), update("V", 11, A), update("W", 20, A, warning("U", 10), warning("V", 11))],
            [OVER, OVER, OVER, LIVE],
            id="merge",
        ),
        pytest.param([A, update("U", 10, A), update("V", 20, warning("U", 10))], [OVER, OVER, LIVE], id="chain"),
        pytest.param([update("U", 10, A)], [LIVE], id="an update whose parent was never seen warns"),
        pytest.param([A, cancel("C", 10, A)], [GONE, GONE], id="cancel"),
        pytest.param([A, B, cancel("C", 10, A, B)], [GONE, GONE, GONE], id="a cancel withdraws all it names"),
        pytest.param([A, B, cancel("C", 10, A)], [GONE, LIVE, GONE], id="a cancel withdraws nothing else"),
        pytest.param([A, U, cancel("C", 20, U)], [OVER, GONE, GONE], id="cancelled update"),
        pytest.param([A, U, cancel("C", 20, A)], [GONE, LIVE, GONE], id="cancel of the superseded only"),
        pytest.param([A, all_clear("U", 10, A)], [CLEAR, CLEAR], id="all clear"),
        pytest.param([A, all_clear("U", 10, A), update("V", 20, A)], [CLEAR, CLEAR, LIVE], id="all clear, then anew"),
        pytest.param([A, replace(A, sent=sent(10))], [OVER, LIVE], id="the same identifier sent again"),
        pytest.param([A, update("A", 10, A)], [OVER, LIVE], id="an update under its parent's identifier"),
        pytest.param([A, cancel("A", 10)], [GONE, GONE], id="a cancel under the alert's identifier"),
        pytest.param([A, warning("B", 10, **names(A))], [LIVE, LIVE], id="an Alert's references end nothing"),
        pytest.param([A, cancel("C", -10, A)], [LIVE, GONE], id="a reference to a later alert is ignored"),
        pytest.param([update("U", 10, warning("U", 10))], [LIVE], id="self-reference"),
        pytest.param([update("U", 0, B), update("B", 5, warning("U"))], [OVER, LIVE], id="circle"),
        pytest.param([update("U", 5, B), update("B", 5, warning("U", 5))], [LIVE, LIVE], id="circle in one instant"),
        pytest.param([A, update("U", 0, A)], [OVER, LIVE], id="update in the same second"),
        pytest.param([A, cancel("C", 0, A), update("U", 0, A)], [GONE, GONE, LIVE], id="three in the same second"),
    ],
)  # fmt: skip
def test_what_ends_what(alerts: list[Alert], expected: list[State]) -> None:
    """References make a graph: forks, merges, unseen parents and circles each have one plain answer."""
    assert states(*alerts) == expected
    assert states(*reversed(alerts)) == expected[::-1]


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, LIVE),
        ({"status": Status.EXERCISE}, LIVE),
        ({"status": Status.TEST}, State.NOT_ACTIONABLE),
        ({"status": Status.DRAFT}, State.NOT_ACTIONABLE),
        ({"status": Status.SYSTEM}, State.NOT_ACTIONABLE),
        ({"msg_type": MsgType.ACK}, State.NOT_ACTIONABLE),
        ({"msg_type": MsgType.ERROR}, State.NOT_ACTIONABLE),
        ({"infos": (Info(expires=NOW),)}, State.EXPIRED),
        ({"infos": (Info(expires=NOW), Info(expires=NOW + timedelta(seconds=1)))}, LIVE),
        ({"infos": (Info(effective=NOW + timedelta(hours=1)),)}, State.FUTURE),
        ({"infos": (Info(onset=NOW + timedelta(hours=1)),)}, State.FUTURE),
        ({"infos": (Info(onset=NOW + timedelta(hours=1)), Info())}, LIVE),
        ({"infos": ()}, LIVE),
    ],
)
def test_an_alert_alone_stands_by_its_status_and_times(change: dict[str, Any], state: State) -> None:
    """The last info decides when it ends, the first when it begins; drills are told apart by their status."""
    assert states(warning("A", **change)) == [state]


def test_only_the_asked_status_counts() -> None:
    """A service that runs no drill treats an exercise as nothing."""
    drill = warning("A", status=Status.EXERCISE)
    assert states(drill, statuses=(Status.ACTUAL,)) == [State.NOT_ACTIONABLE]
    assert states(drill, statuses=(Status.EXERCISE,)) == [LIVE]


@pytest.mark.parametrize("status", [Status.EXERCISE, Status.TEST, Status.SYSTEM, Status.DRAFT])
def test_a_drill_never_ends_a_real_warning(status: Status) -> None:
    """A cancel practised on a real identifier, and a network's heartbeat that lists it, leave it in force."""
    practised = cancel("C", 10, A, status=status)
    again = replace(A, sent=sent(20), status=status)
    assert states(A, practised, again)[0] is LIVE


@pytest.mark.parametrize("kind", [MsgType.ACK, MsgType.ERROR])
def test_an_acknowledgement_ends_nothing(kind: MsgType) -> None:
    """Somebody's receipt for an alert names it, and leaves it in force."""
    assert states(A, warning("K", 5, msg_type=kind, **names(A)))[0] is LIVE


@pytest.mark.parametrize(
    "spelt",
    [
        pytest.param(NINE.astimezone(UTC), id="in UTC"),
        pytest.param(NINE.replace(tzinfo=UTC), id="without its zone, read as UTC"),
        pytest.param(NINE.replace(tzinfo=None), id="without a zone"),
        pytest.param(NINE.replace(tzinfo=timezone(timedelta(hours=8))), id="in a wrong zone"),
        pytest.param(NINE - timedelta(days=3), id="of another time"),
        pytest.param(NINE + timedelta(days=3), id="of a time to come"),
    ],
)
def test_a_wrongly_spelt_time_in_a_reference_keeps_no_warning_alive(spelt: datetime) -> None:
    """Sender and identifier say which warning is meant; its time only chooses among versions."""
    named = (Reference(sender="BMKG@example.id", identifier="A", sent=spelt),)
    assert states(A, cancel("C", 10, references=named))[0] is GONE


def test_a_reference_means_the_version_it_names() -> None:
    """A cancel of the first telling leaves the second, sent since under the same identifier, in force."""
    again = replace(A, sent=sent(10), infos=(Info(event="Banjir rob"),))
    assert states(A, again, cancel("C", 20, A)) == [GONE, LIVE, GONE]
    assert states(A, again, cancel("C", 20, again)) == [OVER, GONE, GONE]


def test_another_identifier_or_sender_is_left_alone() -> None:
    """Identifiers are unique only within a sender."""
    stranger = replace(A, sender="cuaca@example.org")
    assert states(A, stranger, cancel("C", 10, A)) == [GONE, LIVE, GONE]


def test_what_ended_it_is_named_and_a_stranger_doubted() -> None:
    """The officer reads which alert ended this one; when that came from another sender, to look at it."""
    by = cancel("C", 10, A, sender="orang@example.org")
    told = standings([A, by], NOW)[name_of(A)]
    assert told.by == name_of(by)
    assert told.says == "It was cancelled by C of orang@example.org, sent 2026-11-21 02:10 UTC."
    assert "another sender" in told.doubt
    assert not standings([A, cancel("C", 10, A)], NOW)[name_of(A)].doubt


def test_the_direct_cancel_outweighs_an_update() -> None:
    """Updated by one and cancelled by another, a warning is cancelled, whichever was sent last."""
    told = standings([A, cancel("C", 10, A), update("U", 20, A)], NOW)[name_of(A)]
    assert (told.state, told.by and told.by[1]) == (GONE, "C")


def test_two_contents_under_one_name_are_doubted() -> None:
    """The one received last counts, told again or not; an officer is asked to look."""
    other = replace(A, infos=(Info(event="Banjir", expires=NINE),))
    for received, state in (([A, other], State.EXPIRED), ([other, A], LIVE), ([A, other, A], State.EXPIRED)):
        told = standings(received, NOW)[name_of(A)]
        assert told.state is state
        assert "another content" in told.doubt


@pytest.mark.parametrize(
    ("alert", "doubt"),
    [
        (warning("A", 60 + 6), "in the future"),
        (warning("A", infos=(Info(expires=NINE - timedelta(days=42)),)), "ended before it was sent"),
        (warning("A", infos=(Info(), Info(response_types=(ResponseType.ALL_CLEAR,)))), "part of it"),
    ],
)
def test_odd_times_are_doubted(alert: Alert, doubt: str) -> None:
    """A clock that is ahead, an end before the beginning and half an all-clear go before a person."""
    assert doubt in standings([alert], NOW)[name_of(alert)].doubt


def test_half_an_all_clear_is_none() -> None:
    """While one info still warns, the alert is in force."""
    infos = (Info(event="Banjir"), Info(response_types=(ResponseType.ALL_CLEAR,)))
    assert states(A, update("U", 10, A, infos=infos)) == [OVER, LIVE]


def test_an_alert_without_end_gets_one_and_says_so() -> None:
    """A day by our rule, six hours for a nowcast, from its beginning when that is later than when it was sent."""
    endless = warning("A", infos=(Info(event="Banjir"),))
    told = standings([endless], NOW)[name_of(endless)]
    assert told.expires == NINE + timedelta(hours=24)
    assert told.says == ("It is in force until 2026-11-22 02:00 UTC; it does not say until when, and 24 h is our rule.")
    short = standings([endless], NINE + NOWCAST, lasting=NOWCAST)[name_of(endless)]
    assert (short.state, short.expires) == (State.EXPIRED, NINE + timedelta(hours=6))
    later = warning("A", infos=(Info(onset=NINE + timedelta(days=2)),))
    assert standings([later], NOW)[name_of(later)].expires == NINE + timedelta(days=3)
    assert "our rule" not in standings([A], NOW)[name_of(A)].says


@pytest.mark.parametrize("kind", [MsgType.ALERT, MsgType.UPDATE])
def test_expired_references_of_nws_are_retired(kind: MsgType) -> None:
    """What NWS lists in its parameter is superseded too, even by an Alert; spoilt ones are passed over."""
    text = f"x,y {A.sender},A,{NINE.isoformat()} {B.sender},B,{B.sent.isoformat()} ,,"
    info = Info(event="Banjir", parameters=(("expiredReferences", text),))
    assert states(A, B, warning("N", 10, msg_type=kind, infos=(info,))) == [OVER, OVER, LIVE]


def test_a_cancel_that_came_first_is_remembered() -> None:
    """The tombstone names what it waits for, and the late alert is cancelled the moment it comes."""
    early = cancel("C", 10, A, warning("X", 1))
    assert tombstones([early]) == {name_of(A), name_of(warning("X", 1))}
    assert tombstones([early, A]) == {name_of(warning("X", 1))}
    assert states(early, A) == [GONE, GONE]
    assert tombstones([update("A", 10, A), replace(early, status=Status.TEST)]) == frozenset()


@pytest.mark.parametrize(
    ("fetched", "ends", "gone"),
    [(True, True, {"A"}), (True, False, set()), (False, True, set()), (False, False, set())],
)
def test_a_failed_fetch_revokes_nothing(fetched: bool, ends: bool, gone: set[str]) -> None:
    """An alert ends by leaving the list only after a good fetch of a feed of that kind."""
    left = vanished([name_of(A), name_of(B)], [name_of(B)], fetched, ends=ends)
    assert {name[1] for name in left} == gone
    assert states(A, B, withdrawn=left) == [GONE if gone else LIVE, LIVE]


@pytest.mark.parametrize(
    ("listed", "all_in_force", "latest"),
    [
        ([], True, True),
        ([("older", -5), ("newer", 5)], True, True),
        ([("older", -5)], True, True),
        ([("newer", 5)], True, False),
        ([("it", 0)], False, False),
        ([("it", 5)], False, False),
    ],
)
def test_what_newer_ones_pushed_out_has_not_vanished(
    listed: list[tuple[str, int]], all_in_force: bool, latest: bool
) -> None:
    """In a list of the latest, one counts as gone only if newer ones cannot be why; sent again it is still there."""
    known, there = [name_of(warning("it"))], [name_of(warning(name, minutes)) for name, minutes in listed]
    assert bool(vanished(known, there, True, ends=True)) is all_in_force
    assert bool(vanished(known, there, True, ends=True, latest=True)) is latest


KINDS = st.sampled_from([MsgType.ALERT, MsgType.UPDATE, MsgType.UPDATE, MsgType.CANCEL, MsgType.ACK])
STATUSES = st.sampled_from([Status.ACTUAL, Status.ACTUAL, Status.EXERCISE, Status.TEST])
LETTERS = st.sampled_from("ABCDE")
ZONES = st.sampled_from([WIB, UTC, timezone(timedelta(hours=9))])
TIMES = st.builds(lambda minutes, zone: sent(minutes).astimezone(zone), st.integers(0, 4), ZONES)
SPELT = st.builds(
    lambda at, zone, keep: at.astimezone(zone) if keep else at.replace(tzinfo=zone), TIMES, ZONES, st.booleans()
)
REFERENCES = st.builds(Reference, sender=st.just("a"), identifier=LETTERS, sent=SPELT)
ALERTS = st.builds(
    Alert, identifier=LETTERS, sender=st.just("a"), sent=TIMES, status=STATUSES, msg_type=KINDS,
    scope=st.just(Scope.PUBLIC), references=st.lists(REFERENCES, max_size=4).map(tuple),
    infos=st.sampled_from([(), (Info(),), (Info(response_types=(ResponseType.ALL_CLEAR,)),), (Info(expires=NINE),)]),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(ALERTS, max_size=9, unique_by=name_of), st.randoms(use_true_random=False))
def test_the_order_of_arrival_and_repeats_change_nothing(alerts: list[Alert], chance: random.Random) -> None:
    """However a network delays, doubles and respells times, every reader ends with the same picture."""
    other = [*alerts, *chance.choices(alerts, k=5)] if alerts else []
    other = [replace(alert, sent=alert.sent.astimezone(UTC)) if chance.random() < 0.3 else alert for alert in other]
    shuffled = chance.sample(other, len(other))
    once = [*alerts, *other]
    assert standings(shuffled + alerts, NOW) == standings(once, NOW)
    assert tombstones(shuffled + alerts) == tombstones(once)


@settings(max_examples=200, deadline=None)
@given(st.lists(ALERTS, max_size=9, unique_by=name_of))
def test_nothing_ends_without_another_that_ended_it(alerts: list[Alert]) -> None:
    """What is superseded names one no earlier and of its own status, and from name to name an end is reached."""
    told = standings(alerts, NOW)
    by_name = {name_of(alert): alert for alert in alerts}
    for name, standing in told.items():
        assert standing.state is not OVER or standing.by is not None
        seen, at = [name], standing.by
        while at is not None:
            assert at not in seen
            assert at[2] >= seen[-1][2]
            assert by_name[at].status is by_name[name].status
            seen.append(at)
            at = told[at].by


def chain(length: int, minutes: float) -> Sequence[Alert]:
    """Updates that each name the one before, sent one such step apart."""
    found = [A]
    for at in range(length):
        found.append(update(f"U{at}", at * minutes, found[-1]))
    return found


@pytest.mark.parametrize("minutes", [0, 0.01])
def test_thousands_of_alerts_are_judged_in_a_moment(minutes: float) -> None:
    """Chains within one second, one identifier for everything, and each naming all: none takes quadratic time."""
    again = [replace(A, sent=sent(at * minutes), infos=(Info(event=str(at)),)) for at in range(1, 2000)]
    wrong = [
        cancel(f"C{at}", 50, references=(Reference(sender=A.sender, identifier="A", sent=NOW),)) for at in range(2000)
    ]
    alerts = [*chain(4000, minutes), *again[: 2000 if minutes else 1], *wrong]
    started = time.process_time()
    told = standings(alerts, NOW)
    assert time.process_time() - started < 3
    assert told[name_of(alerts[4000])].state is LIVE
    assert told[name_of(A)].state in (OVER, GONE)


HERE = Area(desc="Kubu Raya", polygons=(RING,))
THERE = Area(desc="Kubu Raya Regency", polygons=(RING[1:] + RING[1:2],))  # the same ring, begun elsewhere
WIDER = Area(desc="x", polygons=(RING,), circles=(Circle(lat=0, lon=1, radius=1),))
CODED = Info(language="id", event="Banjir", event_codes=(("OET", "OET-1"),), onset=NOW, areas=(HERE,))
ONE = warning("id-1", infos=(CODED,))


def told_as(**change: Any) -> Alert:
    """ONE in English under another identifier, with an info so changed."""
    info = replace(CODED, language="en", event="Flood", areas=(THERE,))
    return replace(ONE, identifier="en-1", infos=(replace(info, **change),))


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param(ONE, True, id="itself"),
        pytest.param(replace(ONE, sent=ONE.sent.astimezone(UTC), infos=()), True, id="the same name"),
        pytest.param(told_as(), True, id="another language"),
        pytest.param(told_as(onset=NOW.astimezone(UTC)), True, id="its times in UTC"),
        pytest.param(told_as(severity=Severity.EXTREME), True, id="coded alike"),
        pytest.param(told_as(event_codes=()), True, id="one without code"),
        pytest.param(told_as(event_codes=(), severity=Severity.EXTREME), False, id="worse, without code"),
        pytest.param(told_as(event_codes=(("OET", "OET-2"),)), False, id="another code"),
        pytest.param(told_as(language="id-ID"), False, id="the same language"),
        pytest.param(told_as(onset=NINE), False, id="another time"),
        pytest.param(told_as(expires=NOW), False, id="another end"),
        pytest.param(told_as(areas=()), False, id="no geometry"),
        pytest.param(told_as(areas=(WIDER,)), False, id="larger"),
        pytest.param(replace(told_as(), sender="x"), False, id="another sender"),
        pytest.param(replace(told_as(), sent=NOW), False, id="sent later"),
        pytest.param(replace(told_as(), status=Status.EXERCISE), False, id="a drill"),
        pytest.param(replace(told_as(), msg_type=MsgType.UPDATE), False, id="an update"),
    ],
)  # fmt: skip
def test_the_same_warning_in_another_language_is_one(other: Alert, same: bool) -> None:
    """Facts are compared, words never: a doubled warning is annoying, a swallowed one kills."""
    assert same_warning(ONE, other) is same
    assert same_warning(other, ONE) is same


def test_without_geometry_only_the_name_makes_two_one() -> None:
    """Two alerts at the same second for places only described may be for different places."""
    bare = replace(ONE, infos=(replace(ONE.infos[0], areas=(Area(desc="Kubu Raya"),)),))
    other = replace(bare, identifier="en-1", infos=(replace(bare.infos[0], language="en"),))
    assert not same_warning(bare, other)


def test_a_list_for_people_shows_the_latest_of_each_kind_and_place() -> None:
    """Three air-quality alerts of one sender for one place are shown as one; another place stays."""
    copies = [replace(ONE, identifier=f"id-{at}", sent=sent(at)) for at in range(3)]
    elsewhere = replace(
        ONE, identifier="x", infos=(replace(ONE.infos[0], areas=(Area(desc="x", geocodes=(("k", "1"),)),)),)
    )
    shown = overshadowed([copies[1], elsewhere, copies[2], copies[0]])
    assert {name[1]: later[1] for name, later in shown.items()} == {"id-0": "id-2", "id-1": "id-2"}


def test_a_standing_is_a_value() -> None:
    """Two readers of the same alerts hold equal standings."""
    one, other = (standings([A], NOW)[name_of(A)] for _ in range(2))
    assert isinstance(one, Standing)
    assert one == other
