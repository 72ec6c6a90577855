"""The SMS channel sends whole texts, brings residents' texts and receipts, and keeps its promises of order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.contract import Address, Arrival, Incoming, Notice, Outcome, Receipt, Result, Unavailable
from channels.sms.smpp import Smpp
from channels.sms.submit import number, reference, validity
from deploy.sandbox.smsc import Smsc

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
Make = Callable[..., Smpp]
To = Callable[..., AsyncIterator[Address]]


@pytest.mark.parametrize(
    "text",
    ["LATIHAN: Banjir di Ciliwung.", "€uro [1] {2}~", "“Awas” 🌊", "Banjir €" * 60, "Awas 🌊" * 40],
)
async def test_the_handset_shows_the_text_as_it_was_released(
    smsc: Smsc, channel: Make, outcomes: list[Outcome], notice: Notice, to: To, text: str
) -> None:
    """Byte for byte, in one part or several, with an id of the carrier for each."""
    await channel().send(replace(notice, text=text), to(1), outcomes.append)
    (got,) = smsc.submitted
    assert (got.text, got.source, got.destination) == (text, "BPBD", "628120000000")
    assert [(one.result, one.refs) for one in outcomes] == [(Result.ACCEPTED, got.ids)]
    assert got.parts == Smpp.limit.measure(text).parts


async def test_the_window_is_filled_and_never_exceeded(
    smsc: Smsc, channel: Make, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """Three sends share one session of ten: parts count each."""
    smsc.delay = 0.005
    sms = channel(window=10)
    long = replace(notice, text="a" * 400)
    async with asyncio.TaskGroup() as group:
        for n, words in enumerate((notice, long, long)):
            group.create_task(sms.send(words, to(40, start=40 * n), outcomes.append))
    assert smsc.most_unanswered == 10
    assert Counter(one.result for one in outcomes) == {Result.ACCEPTED: 120}
    assert (smsc.binds, len(smsc.submitted)) == (1, 120)


async def test_a_small_window_still_sends_a_text_of_many_parts(
    smsc: Smsc, channel: Make, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """Six parts through a window of one."""
    await channel(window=1).send(replace(notice, text="a" * 918), to(3), outcomes.append)
    assert [len(one.refs) for one in outcomes] == [6, 6, 6]
    assert smsc.most_unanswered == 1


async def test_addresses_are_taken_only_as_the_window_opens(
    smsc: Smsc, channel: Make, outcomes: list[Outcome], notice: Notice
) -> None:
    """A batch that is stopped half-way must not be in our hands already."""
    taken = 0

    async def watched() -> AsyncIterator[Address]:
        nonlocal taken
        for n in range(30):
            taken += 1
            assert taken - len(outcomes) <= 4
            yield Address(id=n, value=f"0812{n:04}", key=str(n))

    await channel(window=4).send(notice, watched(), outcomes.append)
    assert len(outcomes) == 30


async def test_no_rest_is_lost_when_the_words_are_ended_early(
    channel: Make, outcomes: list[Outcome], notice: Notice
) -> None:
    """An iterable of nothing is no error."""

    async def nobody() -> AsyncIterator[Address]:
        return
        yield

    await channel().send(notice, nobody(), outcomes.append)
    assert outcomes == []


async def test_what_is_no_number_is_refused_and_the_rest_goes_out(
    smsc: Smsc, channel: Make, outcomes: list[Outcome], notice: Notice
) -> None:
    """A mail address among the numbers."""

    async def mixed() -> AsyncIterator[Address]:
        for n, value in enumerate(("+62 812-555", "ani@example.id", "", "1" * 21, "(021) 555.1")):
            yield Address(id=n, value=value, key=str(n))

    await channel().send(notice, mixed(), outcomes.append)
    assert {one.destination for one in smsc.submitted} == {"62812555", "0215551"}
    refused = {one.address_id: one.code for one in outcomes if one.result is Result.REFUSED}
    assert refused == dict.fromkeys((1, 2, 3), "not a phone number")


async def test_a_text_too_long_is_never_cut(
    smsc: Smsc, channel: Make, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """Seven parts: every address is refused, nothing goes out."""
    await channel().send(replace(notice, text="a" * 919), to(3), outcomes.append)
    assert [(one.result, one.code) for one in outcomes] == [(Result.REFUSED, "text too long")] * 3
    assert smsc.count == 0


@pytest.mark.parametrize(
    ("left", "says"),
    [
        (timedelta(minutes=90), "000000013000000R"),
        (timedelta(days=2, hours=3, minutes=4, seconds=5), "000002030405000R"),
        (timedelta(days=400), "000030000000000R"),
        (timedelta(milliseconds=1), "000000000001000R"),
    ],
)
def test_the_carrier_is_told_how_long_a_text_lives(left: timedelta, says: str) -> None:
    """Relative time, SMPP 3.4, 7.1.1.2."""
    assert validity(NOW + left, NOW) == says
    assert validity(None, NOW) == ""


async def test_urgency_and_expiry_reach_the_carrier(
    smsc: Smsc, channel: Make, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """The words of an alert that ends in an hour."""
    sms = channel()
    ends = datetime.now(UTC) + timedelta(hours=1, seconds=1)
    await sms.send(replace(notice, urgent=True, expires=ends), to(1), outcomes.append)
    await sms.send(notice, to(1, start=1), outcomes.append)
    assert [one.urgent for one in smsc.submitted] == [True, False]
    assert smsc.submitted[0].validity in ("000000010000000R", "000000005959000R")
    assert smsc.submitted[1].validity == ""


async def test_an_expired_text_is_not_sent(
    smsc: Smsc, channel: Make, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """Too late is not sent, and said so."""
    late = replace(notice, expires=datetime.now(UTC) - timedelta(seconds=1))
    await channel().send(late, to(2), outcomes.append)
    assert [(one.result, one.code) for one in outcomes] == [(Result.UNREACHABLE, "expired")] * 2
    assert smsc.count == 0


def test_numbers_are_bare_digits_on_the_wire() -> None:
    """No plus, no spaces."""
    assert number("+62 (812) 11-22.33") == "62812112233"
    assert number("tel:123") is None
    assert number("٠١٢٣٤") is None


async def test_receipts_name_the_text_and_say_what_became_of_it(
    smsc: Smsc, channel: Make, ear: Any, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """One number works, the other does not."""
    smsc.receipts = True
    smsc.undeliverable = lambda number: number.endswith("1")
    sms = channel()
    async with ear.listening(sms):
        await sms.send(notice, to(2), outcomes.append)
        heard: list[Receipt] = await ear.until(2)
    refs = {one.address_id: one.refs[0] for one in outcomes}
    assert {one.ref: one.state for one in heard} == {refs[0]: Arrival.DELIVERED, refs[1]: Arrival.FAILED}


async def test_receipts_of_one_read_are_handed_on_together(
    smsc: Smsc, channel: Make, ear: Any, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """A million receipts must not be a million transactions."""
    smsc.receipts = True
    sms = channel(window=50)
    async with ear.listening(sms):
        await sms.send(notice, to(500), outcomes.append)
        await ear.until(500)
    assert len(ear.takes) <= 50


@pytest.mark.parametrize("text", ["Tolong air naik", "Apakah jembatan “Merah” aman? 🙏", "Rumah kami € " * 30])
async def test_a_residents_text_arrives_as_written(smsc: Smsc, channel: Make, ear: Any, text: str) -> None:
    """In any alphabet and length, from an international number."""
    async with ear.listening(channel()):
        await smsc.write("+62811", "112", text)
        (heard,) = await ear.until(1)
    assert isinstance(heard, Incoming)
    assert (heard.sender, heard.text) == ("+62811", text)
    assert "62811" not in heard.id + repr(heard)


async def test_a_residents_text_is_answered_only_when_it_is_safe(
    smsc: Smsc, channel: Make, ear: Any, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """A crash before `take` returned makes the carrier bring it again."""
    sms = channel()
    ear.hold.clear()
    async with ear.listening(sms):
        writing = asyncio.create_task(smsc.write("+62811", "112", "Tolong"))
        await ear.entered.wait()
        await sms.send(notice, to(1), outcomes.append)  # goes both ways on the same line
        assert not writing.done()
        ear.hold.set()
        await asyncio.wait_for(writing, 5)


async def test_what_could_not_be_stored_is_handed_on_again(smsc: Smsc, channel: Make, ear: Any) -> None:
    """The database was away: the text waits, unanswered, for the next listen()."""
    sms = channel()
    ear.refuse = True
    async with ear.listening(sms) as listening:
        writing = asyncio.create_task(smsc.write("+62811", "112", "Tolong"))
        with pytest.raises(ConnectionError):
            await listening
    assert not writing.done()
    ear.refuse = False
    async with ear.listening(sms):
        await asyncio.wait_for(writing, 5)
    assert [one.text for one in ear.heard] == ["Tolong"]
    assert smsc.binds == 1


async def test_a_text_brought_again_after_a_broken_line_has_the_same_id(smsc: Smsc, channel: Make, ear: Any) -> None:
    """The line broke after `take` and before the answer: twice handed on, one id."""
    sms = channel()
    ear.hold.clear()
    writing = asyncio.create_task(smsc.write("+62811", "112", "Tolong"))
    async with ear.listening(sms) as listening:
        await ear.entered.wait()
        smsc.hang_up()
        ear.hold.set()
        with pytest.raises(Unavailable):
            await listening
    async with ear.listening(sms):
        first, second = await ear.until(2)
        await asyncio.wait_for(writing, 5)
    assert first.id == second.id


async def test_a_resident_who_writes_twice_is_heard_twice(smsc: Smsc, channel: Make, ear: Any) -> None:
    """The same word, answered in between."""
    async with ear.listening(channel()):
        await smsc.write("+62811", "112", "TOLONG")
        await smsc.write("+62811", "112", "TOLONG")
        first, second = await ear.until(2)
    assert first.id != second.id


async def test_sending_and_listening_share_one_session(
    smsc: Smsc, channel: Make, ear: Any, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """Most carriers allow few binds."""
    sms = channel()
    async with ear.listening(sms):
        await asyncio.gather(*(sms.send(notice, to(5, start=5 * n), outcomes.append) for n in range(4)))
        await smsc.write("+62811", "112", "Terima kasih")
    assert (smsc.binds, len(outcomes)) == (1, 20)


async def test_close_says_goodbye_and_may_be_repeated(
    smsc: Smsc, channel: Make, outcomes: list[Outcome], notice: Notice, to: To
) -> None:
    """And the channel can be used again after it."""
    sms = channel()
    await sms.close()
    await sms.send(notice, to(1), outcomes.append)
    await sms.close()
    await sms.close()
    await sms.send(notice, to(1, start=1), outcomes.append)
    assert (smsc.binds, len(outcomes)) == (2, 2)


def test_the_parts_of_every_try_carry_the_same_reference(notice: Notice) -> None:
    """Also from another process; another alert most likely has another."""
    assert reference(replace(notice, id="urn:oid:1")) == 30
    assert len({reference(replace(notice, id=f"urn:oid:{n}")) for n in range(100)}) > 50
