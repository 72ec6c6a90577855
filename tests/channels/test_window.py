"""The window: an account is filled as far as its provider keeps up, never beyond what it allows."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.window import FEW, SLACK, STALE, TURN, Gauge, Round, Window, halve, learn


def known(size: int, swift: bool = False, lowest: float = 0.1) -> Gauge:
    return Gauge(size=size, swift=swift, lowest=lowest, since=0.0)


def seen(latency: float, full: bool = True, at: float = 1.0) -> Round:
    return Round(latency=latency, full=full, at=at)


@pytest.mark.parametrize(
    ("before", "round_", "size", "swift"),
    [
        (known(10, swift=True), seen(0.1), 20, True),  # no strain yet: double
        (known(80, swift=True), seen(0.1), 100, True),  # never beyond the most
        (known(10, swift=True), seen(0.1, full=False), 10, True),  # what is not used says nothing
        (known(10, swift=True), seen(0.25), 20, True),  # as much waiting as work, and the slack
        (known(10, swift=True), seen(0.3), 8, False),  # waiting: shrink by as much as it is too long
        (known(10, swift=True), seen(9.0), 5, False),  # never by more than half
        (known(1), seen(9.0), 1, False),  # never to nothing
        (known(40), seen(0.1), 45, False),  # after strain: an eighth
        (known(3), seen(0.1), 4, False),  # but at least one
        (known(100), seen(0.1), 100, False),
        (known(50), seen(9.0, at=STALE + 1), FEW, True),  # long ago: perhaps it is only farther away
        (known(2), seen(9.0, at=STALE + 1), 2, True),
        (known(10, lowest=0.0), seen(SLACK), 11, False),  # a wait too short to matter
    ],
)
def test_each_round_of_replies_says_how_many_may_be_in_flight(
    before: Gauge, round_: Round, size: int, swift: bool
) -> None:
    """More while replies are near the quickest seen, fewer in proportion to the wait."""
    after = learn(before, round_, most=100)
    assert (after.size, after.swift) == (size, swift)


def test_the_quickest_round_is_what_the_others_are_held_against() -> None:
    """And the time of it is kept, so that it can grow old."""
    after = learn(known(10, lowest=0.2), seen(0.1, at=7.0), most=100)
    assert (after.lowest, after.since) == (0.1, 7.0)


@pytest.mark.parametrize(("size", "half"), [(100, 50), (3, 1), (1, 1)])
def test_a_throttle_or_a_silence_halves(size: int, half: int) -> None:
    """And there is no doubling from then on."""
    assert halve(known(size, swift=True)) == known(half)


rounds = st.builds(seen, st.floats(0, 60), st.booleans(), st.floats(0, 1e6))


@given(st.integers(1, 500), st.integers(-5, 1000), st.lists(rounds | st.none(), max_size=30))
def test_whatever_the_replies_there_is_always_one_and_never_too_many(
    most: int, start: int, told: list[Round | None]
) -> None:
    """Between one and the most the provider allows, from the first send to the last."""
    gauge = Gauge(size=Window(most, start).size)
    for one in told:
        gauge = halve(gauge) if one is None else learn(gauge, one, most)
        assert 1 <= gauge.size <= most


@dataclass
class Carrier:
    """A carrier on a clock of its own, that keeps the window as full as it may be."""

    latency: Callable[[float], float]  # of a send that begins now
    now: float = 0.0
    most_in_flight: int = 0
    pending: list[tuple[float, float]] = field(default_factory=list)

    async def take(self, window: Window, count: int) -> None:
        for _ in range(count):
            while window.in_flight < window.size:
                await window.enter()
                heapq.heappush(self.pending, (self.now + self.latency(self.now), self.now))
            self.most_in_flight = max(self.most_in_flight, window.in_flight)
            self.now, began = heapq.heappop(self.pending)
            window.replied(began)
            window.leave()


def serving(rate: float, least: float) -> Callable[[float], float]:
    """Serve so many a second whatever the load, each behind those that came before."""
    free = 0.0

    def latency(now: float) -> float:
        nonlocal free
        free = max(free, now) + 1 / rate
        return free + least - now

    return latency


@pytest.mark.parametrize("most", [1, 20, 100, 300])
async def test_a_steady_carrier_is_filled_to_95_percent_of_the_bound(most: int) -> None:
    """A carrier that takes 100 ms whatever the load is filled within a few round trips, and stays so."""
    carrier = Carrier(lambda _: 0.1)
    window = Window(most, now=lambda: carrier.now)
    await carrier.take(window, 200 * most)
    assert window.size == most
    assert 200 * most / carrier.now >= 0.95 * most / 0.1


async def test_a_carrier_with_a_rate_of_its_own_is_kept_busy_and_not_buried() -> None:
    """It serves 200 a second whatever the load: more in flight would only wait, and wait longest when it is urgent."""
    carrier = Carrier(serving(200, 0.005))
    window = Window(100, now=lambda: carrier.now)
    await carrier.take(window, 2000)
    carrier.most_in_flight, began = 0, carrier.now
    await carrier.take(window, 20_000)
    assert carrier.most_in_flight <= 40
    assert 20_000 / (carrier.now - began) >= 0.95 * 200


async def test_a_carrier_that_moved_farther_away_is_filled_again() -> None:
    """The quickest reply ever seen does not hold for ever."""
    carrier = Carrier(lambda now: 0.02 if now < 5 else 0.3)
    window = Window(50, now=lambda: carrier.now)
    await carrier.take(window, 30_000)
    assert (window.size, carrier.now > 5 + STALE) == (50, True)


async def test_a_burst_of_throttles_halves_once_and_is_made_good() -> None:
    """Twenty refusals of one moment are one sign, and the next sends decide how it goes on."""
    carrier = Carrier(lambda _: 0.1)
    window = Window(20, now=lambda: carrier.now)
    await carrier.take(window, 200)
    carrier.now += 1
    for _ in range(20):
        window.strained(carrier.now - 0.5)
    assert window.size == 10
    await carrier.take(window, 300)
    assert window.size == 20


async def test_who_waits_longest_has_the_next_slot() -> None:
    """A lane that comes back at once does not push in front of one that waits."""
    window, order = Window(1), list[str]()

    async def lane(name: str, turns: int) -> None:
        for _ in range(turns):
            await window.enter()
            order.append(name)
            await asyncio.sleep(0)
            window.leave()

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(lane("advisory", 3))
        group.create_task(lane("extreme", 3))
    assert order == ["advisory", "extreme"] * 3


async def test_a_slot_is_kept_while_nobody_waits_and_given_up_after_a_turn() -> None:
    """It is also given up where there are fewer slots by now; who waits is never passed for longer than TURN sends."""
    window = Window(1, start=1)
    await window.enter()
    assert window.stay(1_000)
    waiting = asyncio.ensure_future(window.enter())
    await asyncio.sleep(0)
    assert [window.stay(sent) for sent in (1, TURN - 1, TURN)] == [True, True, False]
    window.leave()
    await waiting
    narrowed = Window(2, start=2)
    await narrowed.enter()
    await narrowed.enter()
    narrowed.strained(narrowed.now())
    assert not narrowed.stay(1)


async def test_a_wait_given_up_loses_no_slot() -> None:
    """Cancelled while it waits, and cancelled in the moment the slot is given."""
    window = Window(1)
    await window.enter()
    early, late = (asyncio.create_task(window.enter()) for _ in range(2))
    await asyncio.sleep(0)
    early.cancel()
    window.leave()  # gives the slot to the second: the first does not want it any more
    late.cancel()
    await asyncio.wait([early, late])
    assert (early.cancelled(), late.cancelled(), window.in_flight) == (True, True, 0)
    async with asyncio.timeout(10):
        await window.enter()
