"""The book of feeds: what may be set, when a feed is asked next, how it stands, and who is called when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crisis import db
from crisis.errors import BadInput, NotAllowed, NotFound
from crisis.flow import feedbook, register
from crisis.model.alert import Mode
from crisis.model.feed_rules import Kind, NewFeed, Stand, call, check, next_poll, standing
from crisis.model.officer import Officer, Role

MINUTE = timedelta(minutes=1)
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Pontianak")
KINDS = {
    "cap": Kind(way="polled", says="CAP", every=MINUTE),
    "wis2": Kind(way="subscribed", says="WIS2", every=MINUTE),
    "post": Kind(way="posted", says="posted", every=MINUTE),
}


def new(**changes: Any) -> NewFeed:
    return NewFeed(
        **{"name": "bmkg", "format": "cap", "url": "https://bmkg.example/rss.xml", "every": MINUTE} | changes
    )


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({}, "", ""),
        ({"url": "http://bmkg.example:8080/rss?x=1", "hosts": ("a.example", "10.0.0.1", "::1")}, "", ""),
        ({"format": "wis2", "url": "mqtts://everyone:everyone@globalbroker.example:8883/cache/a/wis2/#"}, "", ""),
        ({"format": "post", "url": ""}, "", ""),
        ({"may_release": True, "mode": Mode.ACTUAL}, "", ""),
        ({"name": "BMKG"}, "name", "small letters"),
        ({"name": "a" * 41}, "name", "small letters"),
        ({"name": "-a"}, "name", "small letters"),
        ({"format": "rss"}, "format", "there is no format 'rss'; there are cap, post, wis2"),
        ({"url": ""}, "url", "https://"),
        ({"url": "bmkg.example/rss"}, "url", "https://"),
        ({"url": "ftp://bmkg.example/rss"}, "url", "https://"),
        ({"url": "https:///rss"}, "url", "https://"),
        ({"url": "https://bmkg.example:99999/"}, "url", "https://"),
        ({"url": "https://[::1/"}, "url", "https://"),
        ({"url": "https://bmkg.example/a b"}, "url", "https://"),
        ({"url": "https://bmkg.example/\r\nX: y"}, "url", "https://"),
        ({"url": "https://bmkg.example/" + "a" * 2000}, "url", "https://"),
        ({"format": "post", "url": "https://a.example/"}, "url", "has no address"),
        ({"format": "wis2", "url": "https://a.example/"}, "url", "mqtts://"),
        ({"format": "wis2", "url": "mqtts://a.example"}, "url", "name the topics"),
        ({"every": timedelta(seconds=9)}, "every", "10 seconds"),
        ({"every": timedelta(days=2), "quiet_after": timedelta(days=9)}, "every", "once a day"),
        ({"quiet_after": MINUTE}, "quiet_after", "longer"),
        ({"quiet_after": timedelta(days=400)}, "quiet_after", "366 days"),
        ({"hosts": ("https://a.example",)}, "hosts", "no name of a host"),
        ({"hosts": ("*",)}, "hosts", "no name of a host"),
        ({"hosts": ("A.example",)}, "hosts", "no name of a host"),
        ({"certificates": "-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----"}, "certificates", "PEM"),
        ({"certificates": "hello"}, "certificates", "PEM"),
        ({"must_sign": True}, "certificates", "--trust"),
        ({"may_release": True}, "may_release", "--mode"),
    ],
)
def test_what_is_wrong_with_a_feed_is_said_at_its_field(changes: dict[str, Any], field: str, says: str) -> None:
    """One sentence each, which tells what to write."""
    faults = check(new(**changes), KINDS)
    assert [fault.field for fault in faults] == ([field] if field else [])
    assert all(says in fault.says for fault in faults)


@pytest.mark.parametrize(
    ("every", "failures", "chance", "asked", "wait"),
    [
        (60, 0, 0.9, None, 60),
        (60, 1, 0.0, None, 60),
        (60, 2, 0.0, None, 120),
        (60, 3, 0.0, None, 240),
        (60, 5, 0.0, None, 900),
        (60, 5000, 0.0, None, 900),
        (60, 2, 0.5, None, 126),
        (3600, 3, 0.0, None, 3600),
        (60, 1, 0.0, 300, 300),
        (60, 4, 0.0, 5, 480),
        (60, 1, 0.0, 9_999_999, 6 * 3600),
    ],
)
def test_a_failing_feed_is_asked_ever_later(
    every: int, failures: int, chance: float, asked: int | None, wait: int
) -> None:
    """Doubling up to a quarter of an hour, never sooner than its rhythm or than it asks, and never for days."""
    retry = None if asked is None else timedelta(seconds=asked)
    later = next_poll(timedelta(seconds=every), failures, NOW, chance=chance, retry_after=retry)
    assert later - NOW == timedelta(seconds=wait)


def stand(**changes: Any) -> Stand:
    given = {"name": "f", "enabled": True, "quiet_after": timedelta(hours=24), "created_at": NOW - timedelta(days=9)}
    return Stand(**given | changes)


READ = {"tried_at": NOW, "read_at": NOW, "changed_at": NOW - timedelta(hours=1)}


@pytest.mark.parametrize(
    ("changes", "state", "says"),
    [
        ({}, "new", "not asked yet"),
        ({"posted": True}, "new", "nothing was posted yet"),
        (READ, "reading", "read 2026-11-21 19:00 WIB, last told something new 2026-11-21 18:00 WIB"),
        (READ | {"changed_at": None, "created_at": NOW}, "reading", "has told nothing yet"),
        (READ | {"changed_at": NOW - timedelta(days=2)}, "quiet", "last told something new 2026-11-19"),
        (READ | {"read_at": NOW - timedelta(minutes=6)}, "late", "not read since 2026-11-21 18:54 WIB"),
        (READ | {"read_at": NOW - timedelta(minutes=6), "posted": True}, "reading", "read 2026-11-21 18:54 WIB"),
        (
            READ | {"trouble": "it answered 500", "failures": 3},
            "trouble",
            "it answered 500 (last read 2026-11-21 19:00",
        ),
        ({"trouble": "it answered 500", "failures": 1}, "trouble", "(never read, 1 failed in a row)"),
        (READ | {"enabled": False, "trouble": "x"}, "off", "switched off"),
    ],
)
def test_how_a_feed_stands_is_one_word_and_one_sentence(changes: dict[str, Any], state: str, says: str) -> None:
    """Nothing new, silence, lateness and trouble never look alike; times are absolute, with their zone."""
    word, sentence = standing(stand(**changes), MINUTE, NOW, ZONE)
    assert word == state
    assert says in sentence


TROUBLE = {"trouble": "it answered 500", "failures": 4, "read_at": NOW - timedelta(minutes=8)}


@pytest.mark.parametrize(
    ("changes", "called"),
    [
        (READ, False),
        (TROUBLE, True),
        (TROUBLE | {"failures": 1, "read_at": NOW - timedelta(minutes=2)}, False),
        (TROUBLE | {"failures": 4, "read_at": NOW - timedelta(minutes=2)}, True),
        (TROUBLE | {"failures": 1}, True),
        (TROUBLE | {"called_at": NOW - timedelta(minutes=1)}, False),
        (TROUBLE | {"called_at": NOW - timedelta(hours=1)}, True),
        (TROUBLE | {"read_at": None, "called_at": NOW - timedelta(minutes=1)}, False),
        (TROUBLE | {"enabled": False}, False),
        (READ | {"changed_at": NOW - timedelta(hours=25)}, True),
        (READ | {"changed_at": NOW - timedelta(hours=25), "called_at": NOW - timedelta(minutes=30)}, False),
        (READ | {"changed_at": NOW - timedelta(hours=25), "called_at": NOW - timedelta(hours=2)}, True),
        (READ | {"changed_at": None, "created_at": NOW - timedelta(hours=23)}, False),
    ],
)
def test_officers_are_called_once_to_lasting_trouble_or_silence(changes: dict[str, Any], called: bool) -> None:
    """More than three polls or five minutes of trouble, or a silence that is too long; each once."""
    assert bool(call(stand(**changes), MINUTE, NOW, ZONE)) is called


@pytest.fixture
async def officers(pool: db.Pool) -> dict[str, Officer]:
    found: dict[str, Officer] = {}
    for name, role in (("Ani", Role.ADMIN), ("Rina", Role.SUPERVISOR)):
        token = await register.add_officer(pool, name, role, found.get("Ani"), NOW)
        officer = await register.who_is(pool, token)
        assert officer is not None
        found[name] = officer
    return found


async def test_only_an_admin_sets_up_feeds(pool: db.Pool, officers: dict[str, Officer]) -> None:
    """A feed may release without an officer, so nobody below decides about one."""
    with pytest.raises(NotAllowed):
        await feedbook.add(pool, new(), KINDS, officers["Rina"], NOW)
    await feedbook.add(pool, new(), KINDS, officers["Ani"], NOW)
    with pytest.raises(NotAllowed):
        await feedbook.change(pool, "bmkg", {"enabled": False}, KINDS, officers["Rina"], NOW)
    with pytest.raises(BadInput, match="there is such a feed already"):
        await feedbook.add(pool, new(), KINDS, officers["Ani"], NOW)
    with pytest.raises(NotFound):
        await feedbook.change(pool, "none", {"enabled": False}, KINDS, officers["Ani"], NOW)
    acts = await pool.fetch("SELECT act, officer_id FROM audit WHERE act LIKE 'feed.%'")
    assert [(row["act"], row["officer_id"]) for row in acts] == [("feed.add", officers["Ani"].id)]


async def test_a_changed_feed_is_checked_whole_and_read_afresh(pool: db.Pool, officers: dict[str, Officer]) -> None:
    """The ETag of the old address is forgotten, what is not named stays, and what is wrong changes nothing."""
    by = officers["Ani"]
    await feedbook.add(pool, new(hosts=("a.example",)), KINDS, by, NOW)
    turn = await feedbook.take(pool, "bmkg", NOW)
    told = feedbook.Note(at=NOW, next_at=NOW + MINUTE, read=True, changed=True, etag='"1"', last_modified="x")
    assert await feedbook.note(pool, turn, turn.ends, told)
    await feedbook.change(pool, "bmkg", {"url": "https://new.example/"}, KINDS, by, NOW)
    row = await feedbook.one(pool, "bmkg")
    assert (row["url"], row["hosts"], row["etag"], row["last_modified"]) == (
        "https://new.example/",
        ["a.example"],
        "",
        "",
    )
    for wrong in ({"url": "x"}, {"may_release": True}, {"must_sign": True}, {"every": timedelta(seconds=1)}):
        with pytest.raises(BadInput):
            await feedbook.change(pool, "bmkg", wrong, KINDS, by, NOW)
    await feedbook.change(pool, "bmkg", {"may_release": True, "mode": Mode.ACTUAL}, KINDS, by, NOW)
    await feedbook.change(pool, "bmkg", {"enabled": False}, {}, by, NOW)  # its format is gone: off is always possible
    feed = feedbook.feed_of(await feedbook.one(pool, "bmkg"))
    assert (feed.may_release, feed.mode, feed.hosts) == (True, Mode.ACTUAL, ("a.example",))


async def test_a_posted_feeds_token_is_kept_as_its_hash_only(pool: db.Pool, officers: dict[str, Officer]) -> None:
    """It opens its own feed and no other, and a new one makes the old one worthless."""
    by = officers["Ani"]
    token = await feedbook.add(pool, new(name="p", format="post", url=""), KINDS, by, NOW)
    await feedbook.add(pool, new(name="q", format="post", url=""), KINDS, by, NOW)
    assert await feedbook.add(pool, new(), KINDS, by, NOW) == ""
    assert (await feedbook.posted_by(pool, "p", token) or {})["name"] == "p"
    for name, wrong in (("q", token), ("p", token + "x"), ("p", ""), ("bmkg", ""), ("none", token)):
        assert await feedbook.posted_by(pool, name, wrong) is None
    again = await feedbook.change(pool, "p", {"new_token": True}, KINDS, by, NOW)
    assert again != token
    assert await feedbook.posted_by(pool, "p", token) is None
    assert await feedbook.posted_by(pool, "p", again) is not None
    dump = str(
        [dict(row) for row in await pool.fetch("SELECT * FROM feed")]
        + [dict(row) for row in await pool.fetch("SELECT * FROM audit")]
    )
    assert token not in dump
    assert again not in dump
