"""Feeds from the command line: added, read, shown, replayed and switched off, with a sentence for each fault."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.sandbox.feeds import FeedServer
from tests.crisis.cli.conftest import Ran
from tests.stories.town import Town, residents

Asks = Callable[..., Awaitable[Ran]]


def rain(identifier: str) -> str:
    """A weather warning for the north."""
    sent = datetime.now(UTC).replace(microsecond=0)
    at, until = (m.isoformat().replace("+00:00", "-00:00") for m in (sent, sent + timedelta(hours=3)))
    return f"""<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{identifier}</identifier>
<sender>bmkg@example.test</sender><sent>{at}</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
<info><language>id</language><category>Met</category><event>Hujan Lebat</event><urgency>Immediate</urgency>
<severity>Severe</severity><certainty>Observed</certainty><expires>{until}</expires><headline>Hujan</headline>
<area><areaDesc>Utara</areaDesc><polygon>0.0,109.0 0.0,109.5 0.4,109.5 0.4,109.0 0.0,109.0</polygon></area></info>
</alert>"""


@pytest.fixture
async def bmkg() -> AsyncIterator[FeedServer]:
    async with FeedServer() as server:
        yield server


async def test_a_feed_is_added_read_shown_and_switched_off(town: Town, asks: Asks, bmkg: FeedServer) -> None:
    """Every step has words for people and JSON for machines."""
    await town.settle(residents(3))
    page = bmkg.publish("/rain.xml", rain("w1"))
    ran = await asks("Ani", "feed", "add", "bmkg", "--format", "cap", "--url", bmkg.url("/rain.xml"), "--every", "1h",
                     "--host", "a.example", "--host", "b.example", "--mode", "exercise")  # fmt: skip
    assert (ran.code, ran.out) == (0, "")
    assert "bmkg is added; its alerts open drafts in mode Exercise" in ran.err
    ran = await asks("Rina", "feed", "poll", "bmkg", "--json")
    assert (ran.code, ran.told["read"]) == (0, True)
    ran = await asks("Rina", "feed", "list", "--json")
    (feed,) = ran.told
    assert (feed["state"], feed["every"], feed["hosts"]) == ("reading", 3600, ["a.example", "b.example"])
    ran = await asks("Rina", "feed", "list")
    assert (ran.code, "bmkg" in ran.out, "reading" in ran.out) == (0, True, True)
    ran = await asks("Rina", "feed", "show", "bmkg", "--json")
    assert [(e["identifier"], e["did"]) for e in ran.told] == [("w1", "drafted")]
    ran = await asks("Rina", "feed", "show", "bmkg")
    assert (ran.code, "w1" in ran.out, "drafted" in ran.out) == (0, True, True)
    page.fault = "error"
    ran = await asks("Rina", "feed", "poll", "bmkg")
    assert ran.code == 1
    assert "bmkg: http://127.0.0.1:" in ran.err
    assert "answered 500" in ran.err
    ran = await asks("Ani", "feed", "off", "bmkg")
    assert (ran.code, ran.out) == (0, "bmkg is switched off\n")
    ran = await asks("Rina", "feed", "poll", "bmkg")
    assert (ran.code, "switched off" in ran.err) == (1, True)
    assert (await asks("Ani", "feed", "on", "bmkg", "--json")).told["enabled"] is True


async def test_a_replay_tells_of_each_file_what_would_become_of_it(
    town: Town, asks: Asks, bmkg: FeedServer, tmp_path: Path
) -> None:
    """A dry run changes nothing; a file that cannot be read is told and does not stop the next."""
    await town.settle(residents(3))
    good, bad = tmp_path / "good.xml", tmp_path / "bad.xml"
    good.write_text(rain("w1"))
    bad.write_text("<html>")
    await asks("Ani", "feed", "add", "bmkg", "--format", "cap", "--url", bmkg.url("/none.xml"))
    ran = await asks("Rina", "feed", "replay", "bmkg", str(bad), str(good), "--json")
    assert ran.code == 1
    assert str(bad) in ran.err
    (line,) = ran.out.splitlines()
    told = json.loads(line)
    assert (told["file"], told["dry"], told["came"][0]["did"]) == (str(good), True, "drafted")
    ran = await asks("Rina", "feed", "replay", "bmkg", str(good))
    assert (ran.code, "dry run, nothing was changed" in ran.out, "flood" in ran.out) == (0, True, True)
    assert (await asks("Rina", "feed", "show", "bmkg", "--json")).told == []
    ran = await asks("Rina", "feed", "replay", "bmkg", str(good), "--for-real")
    assert (ran.code, "role admin" in ran.err) == (1, True)
    ran = await asks("Ani", "feed", "replay", "bmkg", str(good), "--for-real")
    assert (ran.code, "stored and done" in ran.out) == (0, True)
    assert (await asks("Rina", "feed", "replay", "bmkg", str(tmp_path / "none"))).code == 1


FAULTS = (
    ("Ani", ("add", "x", "--format", "none", "--url", "https://a.example/"), "feed: format: there is no format"),
    ("Ani", ("add", "X", "--format", "cap", "--url", "https://a.example/"), "feed: name: write 1 to 40"),
    ("Ani", ("add", "x", "--format", "cap", "--url", "a.example"), "feed: url: write a full address"),
    ("Ani", ("add", "x", "--format", "cap", "--url", "https://a.example/", "--every", "soon"), "no span of time"),
    ("Ani", ("add", "x", "--format", "cap", "--url", "https://a.example/", "--may-release"), "--mode"),
    ("Ani", ("add", "x", "--format", "cap", "--url", "https://a.example/", "--trust", "/none"), "cannot be read"),
    ("Rina", ("add", "x", "--format", "cap", "--url", "https://a.example/"), "role admin"),
    ("Rina", ("show", "none"), "there is no feed 'none'"),
    ("Rina", ("poll", "none"), "there is no feed 'none'"),
    ("Rina", ("off", "none"), "role admin"),
    ("Ani", ("off", "none"), "there is no feed 'none'"),
    ("Rina", ("show", "../alerts"), "there is no feed"),
)


async def test_a_feed_on_trial_is_made_actual_and_nothing_else_of_it_changes(town: Town, asks: Asks) -> None:
    """What is not named stays; who is no admin is told so; nothing named is a fault."""
    await asks("Ani", "feed", "add", "bmkg", "--format", "cap", "--url", "http://127.0.0.1:9/x", "--every", "1h")
    ran = await asks("Ani", "feed", "change", "bmkg", "--mode", "actual", "--may-release")
    assert (ran.code, ran.out) == (
        0,
        "bmkg is changed: mode Actual, may release by itself where the playbook allows it\n",
    )
    (feed,) = (await asks("Rina", "feed", "list", "--json")).told
    assert (feed["mode"], feed["may_release"], feed["every"], feed["must_sign"]) == ("Actual", True, 3600, False)
    ran = await asks("Ani", "feed", "change", "bmkg", "--no-may-release")
    assert ran.out == "bmkg is changed: mode Actual, opens drafts only\n"
    ran = await asks("Rina", "feed", "change", "bmkg", "--may-release")
    assert (ran.code, "admin" in ran.err) == (1, True)
    ran = await asks("Ani", "feed", "change", "bmkg")
    assert (ran.code, ran.err) == (1, "nothing to change of bmkg: name what, for example --mode actual\n")


async def test_each_fault_is_one_sentence(town: Town, asks: Asks) -> None:
    """What is wrong, where, and exit code 1."""
    for who, arguments, says in FAULTS:
        ran = await asks(who, "feed", *arguments)
        assert (ran.code, ran.out) == (1, ""), arguments
        assert says in ran.err, arguments


async def test_the_token_of_a_posted_feed_is_printed_alone(town: Town, asks: Asks) -> None:
    """Standard output holds the token and nothing else, so that a script can take it."""
    ran = await asks("Ani", "feed", "add", "bpbd", "--format", "post")
    assert ran.code == 0
    token = ran.out.strip()
    assert len(token) > 30
    assert "/api/v1/feeds/bpbd/alerts" in ran.err
    status, _ = await town.call("", "POST", "/api/v1/feeds/bpbd/alerts", rain("w1"), Authorization=f"Bearer {token}")
    assert status == 201
    ran = await asks("Rina", "feed", "formats")
    assert (ran.code, "bmkg-nowcast" in ran.out) == (0, True)


async def test_what_there_is_not_yet_is_told_in_words(town: Town, asks: Asks, tmp_path: Path) -> None:
    """No feed, nothing told, nobody to ask, no such file: each says what to do instead."""
    assert "an admin adds one with `crisis feed add`" in (await asks("Rina", "feed", "list")).out
    assert (await asks("Ani", "feed", "add", "bpbd", "--format", "post")).code == 0
    assert "it has told nothing yet" in (await asks("Rina", "feed", "show", "bpbd")).out
    ran = await asks("Rina", "feed", "poll", "bpbd")
    assert (ran.code, "never asked, it posts what is new: see what came with" in ran.err) == (1, True)
    ran = await asks("Rina", "feed", "replay", "bpbd", str(tmp_path / "gone"))
    assert (ran.code, ran.err.count("gone")) == (1, 1)
