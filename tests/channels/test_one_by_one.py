"""One-address senders: each address taken is reported once, and an account's limit holds over all its lanes."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from channels.contract import (
    Address,
    Misconfigured,
    Notice,
    Outcome,
    Refused,
    Result,
    SendError,
    Throttled,
    Unavailable,
    Unsure,
    one_by_one,
)
from channels.window import Window

NOTICE = Notice(id="alert-1", language="id", text="Banjir")
FATES: list[SendError | None] = [None, Refused("x"), Throttled("x"), Unsure("x"), Unavailable("x")]


class Addresses:
    """Hands out addresses now and then after a wait, and notes if it is asked twice at once."""

    def __init__(self, count: int, first: int = 0, seed: int = 1) -> None:
        self.taken: list[int] = []
        self._left = list(range(first, first + count))
        self._chance = random.Random(seed)
        self._asked = False

    def __aiter__(self) -> AsyncIterator[Address]:
        return self

    async def __anext__(self) -> Address:
        assert not self._asked, "two runners advanced the addresses at once"
        self._asked = True
        for _ in range(self._chance.choice([0, 0, 0, 1, 3])):
            await asyncio.sleep(0)
        self._asked = False
        if not self._left:
            raise StopAsyncIteration
        self.taken.append(self._left.pop(0))
        return Address(id=self.taken[-1], value="1", key="k")


@pytest.mark.parametrize("seed", range(20))
async def test_two_lanes_report_each_address_once_within_the_limit_of_their_account(seed: int) -> None:
    """Whatever becomes of the sends and however the lanes mix."""
    print(f"seed {seed}")
    chance, window = random.Random(seed), Window(seed % 7 + 1)
    outcomes, in_flight = list[Outcome](), list[int]()
    lanes = [Addresses(150, seed=seed), Addresses(150, 150, seed=seed + 1)]
    now = 0

    async def send_one(_: Notice, address: Address) -> tuple[str, ...]:
        nonlocal now
        now += 1
        in_flight.append(now)
        for _ in range(chance.randrange(5)):
            await asyncio.sleep(0)
        now -= 1
        if fate := chance.choice(FATES):
            raise fate
        return (str(address.id),)

    async with asyncio.timeout(10):
        await asyncio.gather(*(one_by_one(send_one, NOTICE, lane, outcomes.append, window) for lane in lanes))
    assert Counter(o.address_id for o in outcomes) == Counter(range(300))
    assert all(o.refs == (str(o.address_id),) for o in outcomes if o.result is Result.ACCEPTED)
    assert max(in_flight) <= window.most
    assert (window.in_flight, now) == (0, 0)


@pytest.mark.parametrize("seed", range(5))
async def test_the_first_misconfigured_ends_the_run_after_those_in_flight(seed: int) -> None:
    """The rest is left untaken; what was taken is reported before the error is raised."""
    print(f"seed {seed}")
    addresses, outcomes, window = Addresses(1000, seed=seed), list[Outcome](), Window(8)

    async def send_one(_: Notice, address: Address) -> tuple[str, ...]:
        await asyncio.sleep(0)
        if address.id >= 20:
            raise Misconfigured(f"no account {address.id}")
        await asyncio.sleep(0)
        return ()

    async with asyncio.timeout(10):
        with pytest.raises(Misconfigured, match="no account 20"):
            await one_by_one(send_one, NOTICE, addresses, outcomes.append, window)
    assert sorted(o.address_id for o in outcomes) == addresses.taken
    assert len(addresses.taken) < 50
    assert window.in_flight == 0


async def test_one_slow_send_holds_up_no_other() -> None:
    """Slots are filled again one by one: there is no batch to wait for."""
    last, outcomes = asyncio.Event(), list[int]()

    async def send_one(_: Notice, address: Address) -> tuple[str, ...]:
        if address.id == 0:
            await last.wait()
        if address.id == 199:
            last.set()
        return ()

    async with asyncio.timeout(10):
        await one_by_one(send_one, NOTICE, Addresses(200), lambda o: outcomes.append(o.address_id), Window(4))
    assert sorted(outcomes) == list(range(200))
    assert outcomes.index(0) >= 198


async def test_a_sender_that_breaks_ends_the_run_and_frees_its_slots() -> None:
    """A bug in a channel is raised, not swallowed, and the account can go on."""
    window = Window(4)

    async def send_one(_: Notice, address: Address) -> tuple[str, ...]:
        await asyncio.sleep(0)
        if address.id == 30:
            raise ZeroDivisionError
        return ()

    async with asyncio.timeout(10):
        with pytest.raises(ExceptionGroup) as caught:
            await one_by_one(send_one, NOTICE, Addresses(100), lambda _: None, window)
    assert caught.group_contains(ZeroDivisionError)
    assert window.in_flight == 0
