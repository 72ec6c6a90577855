"""Whatever the carrier does, each address taken is reported once, and no more is claimed than is known."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from channels.contract import (
    Address,
    Misconfigured,
    Notice,
    Outcome,
    Result,
    SendError,
    Throttled,
    Unavailable,
)
from channels.sms import pdu, verdict
from channels.sms.smpp import Smpp
from deploy.sandbox.smsc import FAULTS, Smsc

Make = Callable[..., Smpp]
To = Callable[..., AsyncIterator[Address]]


class Taken:
    """Counts the addresses the channel took."""

    def __init__(self, addresses: AsyncIterator[Address]) -> None:
        self.ids: list[int] = []
        self._addresses = addresses

    def __aiter__(self) -> AsyncIterator[Address]:
        return self

    async def __anext__(self) -> Address:
        address = await anext(self._addresses)
        self.ids.append(address.id)
        return address


async def send(sms: Smpp, notice: Notice, taken: Taken, outcomes: list[Outcome]) -> SendError | None:
    try:
        async with asyncio.timeout(10):
            await sms.send(notice, taken, outcomes.append)
    except SendError as error:
        return error
    return None


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("after", [0, 37])
@pytest.mark.parametrize("fault", FAULTS)
async def test_each_address_taken_is_reported_once_under_every_fault(
    smsc: Smsc, channel: Make, outcomes: list[Outcome], notice: Notice, to: To, fault: str, after: int, parts: int
) -> None:
    """The fault strikes a bound session, before the first text or in the midst of them."""
    sms = channel(window=8, timeout=0.2)
    await sms.send(notice, to(1, start=1000), outcomes.append)

    async def striking() -> AsyncIterator[Address]:
        async for address in to(100):
            if address.id == after:
                smsc.fault = fault
            yield address

    taken = Taken(striking())
    error = await send(sms, replace(notice, text="a" * 153 * parts), taken, outcomes)
    assert sorted(one.address_id for one in outcomes) == sorted([1000, *taken.ids])
    shown = {one.destination for one in smsc.submitted}
    for one in outcomes:
        assert one.result is not Result.ACCEPTED or f"62812{one.address_id:07}" in shown
        assert (one.refs != ()) is (one.result is Result.ACCEPTED)
    assert (error is None) is (fault == "refuse")
    assert fault == "refuse" or len(taken.ids) < 100


@pytest.mark.parametrize(
    ("fault", "expected", "error"),
    [
        ("throttle", (Result.THROTTLED, "ESME_RTHROTTLED"), None),
        ("refuse", (Result.REFUSED, "ESME_RINVDSTADR"), None),
        ("syserr", (Result.UNREACHABLE, "ESME_RSYSERR"), None),
        ("hang", (Result.UNKNOWN, "no reply"), Unavailable),
        ("drop_after_accept", (Result.UNKNOWN, "no reply"), Unavailable),
    ],
)
async def test_each_fault_is_called_by_its_name(
    smsc: Smsc,
    channel: Make,
    outcomes: list[Outcome],
    notice: Notice,
    to: To,
    fault: str,
    expected: tuple[Result, str],
    error: type[SendError] | None,
) -> None:
    """What the stages decide by, and what officers read."""
    sms = channel(timeout=0.2)
    await sms.send(notice, to(1, start=1000), [].append)
    smsc.fault = fault
    got = await send(sms, notice, Taken(to(3)), outcomes)
    assert [(one.result, one.code) for one in outcomes] == [expected] * 3
    assert type(got) is (error or type(None))


async def test_one_throttled_number_does_not_stop_the_rest_but_a_window_of_them_does(
    smsc: Smsc, channel: Make, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """Going on would only turn the whole batch into retries."""
    smsc.fault = "throttle"
    taken = Taken(to(1000))
    got = await send(channel(window=20), notice, taken, outcomes)
    assert isinstance(got, Throttled)
    assert 20 <= len(taken.ids) <= 60
    assert {one.result for one in outcomes} == {Result.THROTTLED}


async def test_a_wrong_password_stops_the_channel_before_any_address_is_taken(
    smsc: Smsc, channel: Make, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """And the sentence has no secret."""
    taken = Taken(to(3))
    got = await send(channel(smsc.url.replace(":test@", ":geheim@")), notice, taken, outcomes)
    assert isinstance(got, Misconfigured)
    assert got.code == "ESME_RINVPASWD"
    assert "geheim" not in str(got)
    assert taken.ids == []


async def test_a_carrier_that_is_not_there_takes_no_address(
    channel: Make, outcomes: list[Outcome], notice: Notice, to: To, free_port: Callable[[], int]
) -> None:
    """Nobody listens at that port."""
    taken = Taken(to(3))
    sms = channel(f"smpp://u:p@127.0.0.1:{free_port()}/?source=BPBD")
    got = await send(sms, notice, taken, outcomes)
    assert isinstance(got, Unavailable)
    assert "cannot be reached" in str(got)
    assert (taken.ids, outcomes) == ([], [])


@pytest.mark.parametrize("fault", ["hang", "drop"])
async def test_a_carrier_that_does_not_bind_takes_no_address(
    smsc: Smsc, channel: Make, outcomes: list[Outcome], notice: Notice, to: To, fault: str
) -> None:
    """It takes the connection and never answers, or hangs up."""
    smsc.fault = fault
    taken = Taken(to(3))
    assert isinstance(await send(channel(timeout=0.2), notice, taken, outcomes), Unavailable)
    assert taken.ids == []


async def test_listening_fails_like_sending(smsc: Smsc, channel: Make, ear: Any) -> None:
    """So that its caller backs off by the same rule."""
    with pytest.raises(Misconfigured):
        await channel(smsc.url.replace(":test@", ":geheim@")).listen(ear.take)
    smsc.fault = "drop"
    with pytest.raises(Unavailable):
        await channel().listen(ear.take)


async def test_after_a_loss_the_next_send_binds_again(
    smsc: Smsc, channel: Make, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """No restart, no officer."""
    sms = channel()
    await sms.send(notice, to(1), outcomes.append)
    smsc.fault = "drop_after_accept"
    assert isinstance(await send(sms, notice, Taken(to(1, start=1)), outcomes), Unavailable)
    smsc.fault = None
    assert await send(sms, notice, Taken(to(1, start=2)), outcomes) is None
    assert [one.result for one in outcomes] == [Result.ACCEPTED, Result.UNKNOWN, Result.ACCEPTED]
    assert smsc.binds == 2


async def test_what_never_reached_the_wire_is_not_called_unknown(
    smsc: Smsc, channel: Make, ear: Any, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """The line broke while we waited for the next address: that one may safely be tried again."""
    sms = channel()
    async with ear.listening(sms) as listening:

        async def breaking() -> AsyncIterator[Address]:
            async for address in to(3):
                if address.id == 1:
                    await smsc.wait_for(1)
                    smsc.hang_up()
                    await asyncio.wait([listening])
                yield address

        taken = Taken(breaking())
        assert isinstance(await send(sms, notice, taken, outcomes), Unavailable)
        assert isinstance(listening.exception(), Unavailable)
    assert [(one.address_id, one.result, one.code) for one in outcomes][1:] == [(1, Result.UNREACHABLE, "not sent")]
    assert taken.ids == [0, 1]


async def test_a_dead_line_is_noticed_without_traffic(smsc: Smsc, channel: Make, ear: Any) -> None:
    """enquire_link goes unanswered: listen() says so, long before the next alert."""
    async with ear.listening(channel(enquire=0.1, timeout=0.1)) as listening:
        await smsc.wait_bound()
        smsc.fault = "hang"
        with pytest.raises(Unavailable):
            await asyncio.wait_for(listening, 5)


async def test_a_quiet_line_is_kept(smsc: Smsc, channel: Make, ear: Any) -> None:
    """enquire_link is answered many times over; the one session stands."""
    async with ear.listening(channel(enquire=0.05, timeout=0.5)) as listening:
        await smsc.wait_bound()
        await smsc.until(lambda: smsc.enquiries >= 5)
        await smsc.write("+62811", "112", "Masih ada?")
        assert not listening.done()
    assert smsc.binds == 1


async def test_a_send_called_off_reports_what_is_in_flight_as_unknown(
    smsc: Smsc, channel: Make, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """Written and not answered: it may have arrived."""
    sms = channel(window=5)
    await sms.send(notice, to(1, start=1000), [].append)
    smsc.delay = 30
    taken = Taken(to(50))
    sending = asyncio.create_task(sms.send(notice, taken, outcomes.append))
    await smsc.wait_for(6)
    smsc.delay = 0
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert Counter(one.result for one in outcomes) == {Result.UNKNOWN: 5}
    assert sorted(one.address_id for one in outcomes) == taken.ids


@pytest.mark.parametrize(
    ("statuses", "result", "refs"),
    [
        ((0, 0, 0), Result.ACCEPTED, 3),
        ((0, "ESME_RTHROTTLED", 0), Result.THROTTLED, 0),
        ((0, "ESME_RMSGQFUL", "ESME_RSYSERR"), Result.THROTTLED, 0),
        ((0, "ESME_RSUBMITFAIL", 0), Result.UNREACHABLE, 0),
        (("ESME_RTHROTTLED", 0, "ESME_RINVDSTADR"), Result.REFUSED, 0),
        ((0, 0x411, 0), Result.UNREACHABLE, 0),
        (("ESME_RINVMSGLEN", 0, 0), Result.REFUSED, 0),
    ],
)
async def test_a_text_is_as_good_as_its_worst_part(
    carrier: Any,
    channel: Make,
    outcomes: list[Outcome],
    notice: Notice,
    to: To,
    statuses: tuple[str | int, ...],
    result: Result,
    refs: int,
) -> None:
    """Half a text is no text: it is tried again whole, and no receipt of a half can be taken for it."""
    codes = [pdu.CODE[one] if isinstance(one, str) else one for one in statuses]
    script = Script(codes)
    async with carrier(script) as url:
        sms = channel(url)
        await send(sms, replace(notice, text="a" * 400), Taken(to(1)), outcomes)
        await send(sms, replace(notice, text="a" * 400), Taken(to(1, start=1)), [])
        await sms.close()
    assert [(one.result, len(one.refs)) for one in outcomes] == [(result, refs)]
    heads = [pdu.Sm.decode(body).octets[:6] for body in script.bodies]
    assert heads[:3] == heads[3:6]  # the retry joins with the half that arrived


async def test_a_sender_the_carrier_does_not_know_stops_the_channel(
    carrier: Any, channel: Make, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """Every other number would be refused alike."""
    async with carrier(Script([pdu.CODE["ESME_RINVSRCADR"]] * 100)) as url:
        taken = Taken(to(100))
        sms = channel(url, window=1)
        got = await send(sms, notice, taken, outcomes)
        await sms.close()
    assert isinstance(got, Misconfigured)
    assert [one.result for one in outcomes] == [Result.UNREACHABLE]


async def test_one_answer_that_never_comes_costs_one_address(
    carrier: Any, channel: Make, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """The line lives, as other answers show: the session goes on, and a late answer changes nothing."""
    async with carrier(Script([0, None]), delay=0.01) as url:
        sms = channel(url, window=2, timeout=0.2)
        got = await send(sms, notice, Taken(to(60)), outcomes)
        await sms.close()
    assert got is None
    assert Counter(one.result for one in outcomes) == {Result.ACCEPTED: 59, Result.UNKNOWN: 1}


def test_every_status_of_the_standard_has_a_meaning() -> None:
    """None falls through, and only success is accepted."""
    assert [status for status in pdu.STATUS if verdict.judge(status) is Result.ACCEPTED] == [0]


class Script:
    """Answers each submit as scripted, then with success; None is no answer."""

    def __init__(self, statuses: Sequence[int | None]) -> None:
        self.bodies: list[bytes] = []
        self._statuses = iter(statuses)

    def __call__(self, one: pdu.Pdu) -> list[bytes]:
        status: int | None = 0
        if one.command == pdu.SUBMIT_SM:
            self.bodies.append(one.body)
            status = next(self._statuses, 0)
        if status is None:
            return []
        return [pdu.frame(one.command | pdu.RESPONSE, one.sequence, b"id\0", status)]
