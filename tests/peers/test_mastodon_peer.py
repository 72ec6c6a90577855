"""Mastodon against a server that others wrote: mastodon-mock."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from channels.contract import Address, Misconfigured, Notice, Outcome, Result
from channels.social.mastodon import Mastodon

pytestmark = pytest.mark.peer
ROOT = Path(__file__).parents[2]
NOTICE = Notice(id="alert-1", language="id-ID", text="[LATIHAN] Banjir: pindah ke tempat tinggi.")


@pytest.fixture(scope="module")
def mock(
    peer: Callable[..., str],
    server: Callable[..., AbstractContextManager[subprocess.Popen[Any]]],
    free_port: Callable[[], int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The origin of a running mastodon-mock."""
    found = shutil.which("mastodon_mock", path=ROOT / ".venv-peers" / "bin") or shutil.which("mastodon_mock")
    program, port = peer("mastodon-mock", found), free_port()
    argv = [program, "serve", "--in-memory", "--host", "127.0.0.1", "--port", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with server(argv, port, cwd=tmp_path_factory.mktemp("mastodon"), **quiet):
        yield f"127.0.0.1:{port}"


async def given(*addresses: Address) -> AsyncIterator[Address]:
    for address in addresses:
        yield address


def page(number: int = 1, *, key: str, thread: str = "") -> Address:
    return Address(id=number, value="mastodon:id", key=key, thread=thread)


async def send(host: str, *addresses: Address, notice: Notice = NOTICE) -> list[Outcome]:
    channel = Mastodon.from_url(f"http://mock_token@{host}/")
    outcomes: list[Outcome] = []
    try:
        async with asyncio.timeout(10):
            await channel.send(notice, given(*addresses), outcomes.append)
    finally:
        await channel.close()
    return outcomes


async def look(host: str, path: str, body: Any = None) -> Any:
    """Ask the peer itself, past our own client."""
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer mock_token"}) as session:
        method = "GET" if body is None else "POST"
        async with session.request(method, f"http://{host}{path}", json=body) as reply:
            return await reply.json()


async def test_a_post_is_read_back_as_it_was_approved(mock: str) -> None:
    """What the peer shows is what we sent."""
    (outcome,) = await send(mock, page(key="read-back"))
    shown = await look(mock, f"/api/v1/statuses/{outcome.refs[0]}")
    assert outcome.result is Result.ACCEPTED
    assert (shown["content"], shown["language"], shown["visibility"]) == (
        f"<p>{NOTICE.text}</p>",
        "id",
        "public",
    )


async def test_the_peer_takes_a_second_try_for_the_first(mock: str) -> None:
    """The same key is the same post."""
    (first,) = await send(mock, page(key="twice"))
    (second,) = await send(mock, page(key="twice"))
    assert first.refs == second.refs


async def test_the_peer_threads_a_follow_up(mock: str) -> None:
    """The update stands under the first post."""
    (first,) = await send(mock, page(key="thread-1"))
    (update,) = await send(mock, page(key="thread-2", thread=first.refs[0]))
    context = await look(mock, f"/api/v1/statuses/{first.refs[0]}/context")
    assert [post["id"] for post in context["descendants"]] == [update.refs[0]]


async def test_the_peer_refuses_a_text_we_measure_as_too_long(mock: str) -> None:
    """500 characters go out, 501 are refused, by both measures."""
    for length, result in ((500, Result.ACCEPTED), (501, Result.REFUSED)):
        notice = Notice(id="a", language="id", text="x" * length)
        (outcome,) = await send(mock, page(key=f"long-{length}"), notice=notice)
        assert (outcome.result, Mastodon.limit.fits(notice.text)) == (result, result is Result.ACCEPTED)


async def test_the_peer_refuses_a_bad_token(mock: str) -> None:
    """The account is reported as set up wrongly."""
    channel = Mastodon.from_url(f"http://wrong@{mock}/")
    outcomes: list[Outcome] = []
    with pytest.raises(Misconfigured):
        await channel.send(NOTICE, given(page(key="bad")), outcomes.append)
    await channel.close()
    assert [outcome.result for outcome in outcomes] == [Result.UNREACHABLE]


@pytest.mark.parametrize(
    ("effect", "result", "after"),
    [
        ({"type": "ratelimit"}, Result.THROTTLED, 300.0),
        ({"type": "status", "status": 503}, Result.UNREACHABLE, None),
        ({"type": "malformed"}, Result.UNKNOWN, None),
    ],
)
async def test_the_peers_faults_are_told_apart(
    mock: str, effect: dict[str, Any], result: Result, after: float | None
) -> None:
    """A fault injected at the peer comes out as what it is, and the next try goes through."""
    rule = {"match": {"methods": ["POST"], "path": "/api/v1/statuses"}, "effect": effect, "count": 1}
    await look(mock, "/api/v1/_mock/faults", rule)
    (faulty,) = await send(mock, page(key=f"fault-{effect}"))
    (again,) = await send(mock, page(key=f"fault-{effect}"))
    assert (faulty.result, faulty.after, again.result) == (result, after, Result.ACCEPTED)
