"""Webhook: the CAP document arrives byte for byte, once, and every fault is reported as what it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from channels.contract import Address, Misconfigured, Notice, Outcome, Result
from channels.push.webhook import Webhook
from crisis.settings import Settings
from deploy.sandbox.loopback import Fault
from deploy.sandbox.webhook import Taken, WebhookSandbox

DOCUMENT = "<alert>\r\n  caf\u00e9 \u00ad</alert>\n".encode()
NOTICE = Notice(id="urn:oid:2.49.0.1.7", language="id", text="Banjir", document=DOCUMENT)


async def given(*addresses: Address) -> AsyncIterator[Address]:
    for address in addresses:
        yield address


def target(number: int = 1) -> Address:
    return Address(id=number, value="webhook:", key=f"key-{number}")


async def send(url: str, *addresses: Address, notice: Notice = NOTICE, timeout: float = 5) -> list[Outcome]:
    """Send through a channel of its own, with a patience of its own."""
    channel = Webhook.from_url(url, timeout=timeout)
    outcomes: list[Outcome] = []
    await channel.open()
    try:
        async with asyncio.timeout(10):
            await channel.send(notice, given(*addresses), outcomes.append)
    finally:
        await channel.close()
    return outcomes


async def test_the_document_arrives_byte_for_byte_with_its_name_and_key() -> None:
    """A signature over it must still hold: nothing is parsed, indented or encoded again."""
    async with WebhookSandbox(token="s3cret") as server:
        (outcome,) = await send(server.url, target())
    assert server.taken == [Taken(identifier=NOTICE.id, key="key-1", document=DOCUMENT)]
    assert outcome == Outcome(address_id=1, result=Result.ACCEPTED)


async def test_a_second_try_with_the_same_key_is_the_same_document() -> None:
    """A retry after a lost reply is told apart from a new alert."""
    async with WebhookSandbox() as server:
        server.fault = "drop"
        (lost,) = await send(server.url, target())
        server.fault = None
        (again,) = await send(server.url, target())
    assert (lost.result, again.result, server.tries, len(server.taken)) == (Result.UNKNOWN, Result.ACCEPTED, 2, 1)


@pytest.mark.parametrize(
    ("fault", "result", "code"),
    [
        ("throttle", Result.THROTTLED, "429"),
        ("error", Result.UNREACHABLE, "500"),
        ("refuse", Result.REFUSED, "422"),
        ("hang", Result.UNKNOWN, "no reply in time"),
        ("drop", Result.UNKNOWN, "connection lost"),
    ],
)
async def test_every_fault_is_reported_as_what_it_is(fault: Fault, result: Result, code: str) -> None:
    """Refused is final; the others are tried again, as long after as the system asked."""
    async with WebhookSandbox() as server:
        server.fault, server.retry_after = fault, 7
        (outcome,) = await send(server.url, target(), timeout=0.3)
    assert (outcome.result, outcome.code) == (result, code)
    assert outcome.after == (7 if fault == "throttle" else None)


async def test_a_system_that_is_not_there_is_unreachable(free_port: Callable[[], int]) -> None:
    """For its address, not for the account: it is tried again on its own."""
    (outcome,) = await send(f"http://t@127.0.0.1:{free_port()}/cap", target())
    assert (outcome.result, outcome.code) == (Result.UNREACHABLE, "connection refused")


async def test_a_wrong_token_stops_the_account_and_is_never_told() -> None:
    """Only an officer can mend it; what is raised holds no secret."""
    async with WebhookSandbox(token="right") as server:
        with pytest.raises(Misconfigured) as caught:
            await send(server.url.replace("right", "wr0ng"), target())
    assert "wr0ng" not in repr(caught.value)


async def test_an_alert_without_a_document_is_refused_not_sent_empty() -> None:
    """An empty alert would stand on somebody's screen as one."""
    async with WebhookSandbox() as server:
        (outcome,) = await send(server.url, target(), notice=replace(NOTICE, document=b""))
    assert (outcome.result, server.requests) == (Result.REFUSED, 0)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://siaga.example/cap", "has no token"),
        ("http://t@siaga.example/cap", "over https only"),
        ("ftp://t@siaga.example/cap", "must start with https://"),
        ("https://t@[::1/cap", "cannot be read"),
        ("https://a%0ab@siaga.example/cap", "characters no token has"),
        ("", "cannot be read"),
    ],
)
def test_a_wrong_address_is_refused_in_a_sentence(url: str, says: str) -> None:
    """Before the service starts, without the token in it."""
    with pytest.raises(Misconfigured, match=says):
        Webhook.from_url(url)


def test_each_target_is_an_account_of_its_own() -> None:
    """Named by its host, so that officers see which one is in trouble, and never by its token."""
    settings = Settings.read(
        {
            "CRISIS_WEBHOOK": "https://a@one.example/cap\n https://b@two.example:8443/x?y=1  https://c@one.example/2",
            "CRISIS_EXERCISE_WEBHOOK": "https://d@one.example/drill",
        }
    )
    assert settings.accounts() == {
        "webhook:one.example": "https://a@one.example/cap",
        "webhook:two.example:8443": "https://b@two.example:8443/x?y=1",
        "webhook:one.example:2": "https://c@one.example/2",
        "webhook:one.example/exercise": "https://d@one.example/drill",
    }
