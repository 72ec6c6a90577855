"""Many workers on one account, many sends on one session, and receipts in floods."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from channels.contract import Address, Misconfigured, Notice, Outcome, Receipt, Result, Unavailable
from channels.sms import pdu
from channels.sms.pdu import Pdu
from channels.sms.session import Session, bind
from channels.sms.setting import parse
from channels.sms.smpp import Smpp
from deploy.sandbox.smsc import Smsc
from deploy.sandbox.smsc_receipts import Receipts

Make = Callable[..., Smpp]
To = Callable[..., AsyncIterator[Address]]


@pytest.fixture
def worker(channel: Make) -> Make:
    """`worker(window=5)` gives a channel that sends and does not listen."""

    def make(url: str = "", **options: object) -> Smpp:
        sms = channel(url, **options)
        sms.hears = False
        return sms

    return make


async def test_only_who_listens_gets_receipts_and_residents_texts(
    smsc: Smsc, channel: Make, worker: Make, ear: Any, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """Two workers send, bound before and after the service that listens; nothing is brought to them."""
    smsc.receipts = True
    first, second = worker(), worker()
    await first.send(notice, to(20), outcomes.append)
    async with ear.listening(channel()):
        await ear.until(20)  # kept until somebody could hear
        await second.send(notice, to(20, start=20), outcomes.append)
        await smsc.write("+62811", "112", "Tolong")
        heard = await ear.until(41)
    assert (smsc.binds, len(smsc.hearing)) == (3, 1)
    assert {one.ref for one in heard if isinstance(one, Receipt)} == {one.refs[0] for one in outcomes}
    assert {one.result for one in outcomes} == {Result.ACCEPTED}


async def test_a_worker_that_does_not_listen_has_nothing_to_listen_to(smsc: Smsc, worker: Make, ear: Any) -> None:
    """And takes no session of the account for it."""
    await asyncio.wait_for(worker().listen(ear.take), 5)
    assert smsc.binds == 0


async def test_a_worker_turns_away_what_it_is_not_to_hear(
    carrier: Any, worker: Make, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """An SMSC that brings a receipt to a transmitter is asked to come again, where somebody listens."""
    told: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()

    def reply(one: Pdu) -> list[bytes]:
        if one.command == pdu.DELIVER_SM | pdu.RESPONSE:
            told.set_result(one)
            return []
        brought = [pdu.frame(pdu.DELIVER_SM, 7)] if one.command == pdu.BIND_TRANSMITTER else []
        return [pdu.frame(one.command | pdu.RESPONSE, one.sequence, b"id\0"), *brought]

    async with carrier(reply) as url:
        sms = worker(url)
        await sms.send(notice, to(1), outcomes.append)
        answer = await asyncio.wait_for(told, 5)
        await sms.close()
    assert (answer.sequence, pdu.status_name(answer.status)) == (7, "ESME_RX_T_APPN")


@pytest.mark.parametrize(
    ("hears", "status", "error"),
    [
        (True, "ESME_RALYBND", Unavailable),
        (False, "ESME_RALYBND", Unavailable),
        (False, "ESME_RBINDFAIL", Unavailable),  # what some carriers say of a session too many
        (True, "ESME_RBINDFAIL", Misconfigured),
        (False, "ESME_RINVPASWD", Misconfigured),
    ],
)
async def test_a_session_too_many_is_no_reason_to_call_an_officer(
    carrier: Any, channel: Make, notice: Notice, to: To, hears: bool, status: str, error: type[Exception]
) -> None:
    """The worker backs off, as its error says; a wrong password is told whoever meets it."""

    def reply(one: Pdu) -> list[bytes]:
        return [pdu.frame(one.command | pdu.RESPONSE, one.sequence, status=pdu.CODE[status])]

    async with carrier(reply) as url:
        sms = channel(url)
        sms.hears = hears
        with pytest.raises(error, match=status):
            await sms.send(notice, to(1), [].append)


async def test_where_one_bind_is_allowed_the_others_go_on_without_the_second(
    smsc: Smsc, worker: Make, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """The second takes no address; when the first is gone it may bind."""
    smsc.most_binds = 1
    first, second = worker(), worker()
    await first.send(notice, to(5), outcomes.append)
    with pytest.raises(Unavailable, match="ESME_RALYBND"):
        await second.send(notice, to(5, start=5), outcomes.append)
    await first.send(notice, to(5, start=5), outcomes.append)
    await first.close()
    await smsc.until(lambda: not smsc.links)
    await second.send(notice, to(5, start=10), outcomes.append)
    assert Counter(one.result for one in outcomes) == {Result.ACCEPTED: 15}


async def test_a_receiver_may_not_submit_at_the_sandbox(smsc: Smsc) -> None:
    """SMPP 3.4, 2.3: as at a carrier."""
    session = await bind(parse(smsc.url).account, lambda session, deliveries: None, lambda: None, hears=False)
    who = pdu.Bind(system_id="test", password="test").encode()
    assert (await session.request(pdu.BIND_RECEIVER, who))[0] == pdu.CODE["ESME_RALYBND"]
    session.lose()
    await smsc.until(lambda: not smsc.links)
    _, session = await asyncio.get_running_loop().create_connection(
        lambda: Session(parse(smsc.url).account, lambda session, deliveries: None, lambda: None), "127.0.0.1", smsc.port
    )
    assert (await session.request(pdu.BIND_RECEIVER, who))[0] == 0
    assert (await session.request(pdu.SUBMIT_SM))[0] == pdu.CODE["ESME_RINVBNDSTS"]
    session.lose()


async def test_two_sends_share_the_window_evenly(
    smsc: Smsc, channel: Make, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """Neither starves while both run: an alert's second batch is as urgent as its first."""
    lead = 0

    def report(outcome: Outcome) -> None:
        nonlocal lead
        outcomes.append(outcome)
        if len(outcomes) < 400:
            lead = max(lead, abs(sum(1 if one.address_id < 1000 else -1 for one in outcomes)))

    sms = channel(window=8)
    await asyncio.gather(sms.send(notice, to(400), report), sms.send(notice, to(400, start=1000), report))
    assert len(outcomes) == 800
    assert lead <= 24


@pytest.mark.parametrize("how", ["pauses", "ends", "is cancelled"])
async def test_a_place_one_send_leaves_goes_to_the_next(
    smsc: Smsc, channel: Make, outcomes: list[Outcome], notice: Notice, to: To, how: str
) -> None:
    """A window of one: a send that has the turn and nothing to say holds up nobody."""
    others = asyncio.Event()
    first: list[Outcome] = []

    async def slow() -> AsyncIterator[Address]:
        async for address in to(3, start=1000):
            yield address
        if how == "is cancelled":
            sending.cancel()
        if how != "ends":
            await others.wait()

    sms = channel(window=1)
    sending = asyncio.create_task(sms.send(notice, slow(), first.append))
    await asyncio.wait_for(
        asyncio.gather(*(sms.send(notice, to(20, start=100 * n), outcomes.append) for n in range(3))), 5
    )
    others.set()
    await asyncio.gather(sending, return_exceptions=True)
    assert (len(outcomes), len(first)) == (60, 3)
    assert smsc.most_unanswered == 1


async def test_a_flood_of_receipts_comes_in_large_batches_and_none_is_lost(
    channel: Make, worker: Make, ear: Any, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """Twice, late and in any order, from a carrier whose line breaks in the midst of them."""
    async with Smsc(to_say=Receipts(twice=True, delay=0.05, mixed=True)) as smsc:
        await worker(smsc.url, window=500).send(notice, to(6000), outcomes.append)
        sms = channel(smsc.url)
        ear.hold.clear()
        async with ear.listening(sms) as listening:
            await ear.entered.wait()
            smsc.hang_up()
            ear.hold.set()
            with pytest.raises(Unavailable):
                await listening
        before = len(ear.heard)
        refs = {one.refs[0] for one in outcomes}
        async with ear.listening(sms):
            while len(times := Counter(one.ref for one in ear.heard)) < 6000 or min(times.values()) < 2:
                await ear.until(len(ear.heard) + 1)
        assert before > 0
        assert set(times) == refs
        assert len(ear.takes) <= 200
