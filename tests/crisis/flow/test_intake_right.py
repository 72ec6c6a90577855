"""What one feed or sender says never harms what another told, nor what officers decided."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from crisis import db
from crisis.cap.entry import Entry
from crisis.cap.nouns import Alert, MsgType
from crisis.flow import release
from crisis.flow.intake import Taken
from crisis.flow.intake_case import MOST_CALLS
from crisis.flow.intake_open import MOST_LEAVE
from crisis.model.alert import Mode
from crisis.model.feed import Feed
from crisis.model.officer import Officer, Role
from tests.crisis.flow.intake_town import BOTH, NORTH, NOW, District, entry, naming, open_district, rain

SOON = NOW + timedelta(minutes=10)
MAY = {"may_release": True}
BUDI = Officer(id=2, name="Rina", role=Role.APPROVER)


@pytest.fixture(name="district")
async def make_district(pool: db.Pool) -> District:
    return await open_district(pool)


async def another(district: District, name: str = "other", **changes: object) -> Feed:
    """Add a second feed."""
    mode = changes.get("mode", Mode.EXERCISE)
    feed_id = await district.pool.fetchval(
        "INSERT INTO feed (name, format, mode, every, quiet_after) VALUES ($1, 'cap', $2, '1 min', '1 d') RETURNING id",
        name,
        str(mode),
    )
    return replace(district.feed, id=feed_id, name=name, **changes)


async def tell(district: District, feed: Feed, alert: Alert, minutes: float = 10) -> Taken:
    return await district.intake().take(feed, entry(alert), NOW + timedelta(minutes=minutes))


def cancel(first: Alert, number: int = 8, **changes: object) -> Alert:
    return replace(rain(number), msg_type=MsgType.CANCEL, references=naming(first), infos=(), **changes)


def update(first: Alert, number: int = 3) -> Alert:
    return replace(rain(number, BOTH), msg_type=MsgType.UPDATE, references=naming(first))


async def states(district: District) -> list[tuple[str, str, str]]:
    return [(a["purpose"], a["level"], a["state"]) for a in await district.alerts()]


@pytest.mark.parametrize("make", [cancel, update], ids=["cancel", "update"])
async def test_a_feed_changes_nothing_that_only_another_feed_told(district: District, make: object) -> None:
    """Anybody can write another's name as sender: an officer decides, and what is live stays."""
    await district.take(rain(), **MAY)
    taken = await tell(district, await another(district, may_release=True), make(rain()))  # type: ignore[operator]
    assert taken.did.endswith("drafted")
    assert any("only feed bmkg told" in why for why in taken.why)
    assert (await states(district))[0][2] == "live"


async def test_a_feed_that_told_the_same_alert_may_follow_it(district: District) -> None:
    """Two mirrors of one source are as good as one."""
    mirror = await another(district, may_release=True)
    await district.take(rain(), **MAY)
    await tell(district, mirror, rain())
    assert (await tell(district, mirror, update(rain()))).did == "update released"


@pytest.mark.parametrize("who", ["feed", "sender"])
async def test_a_strangers_cancel_does_not_take_a_draft_away(district: District, who: str) -> None:
    """The draft waits for its officer, who is called to both."""
    await district.take(rain())
    feed = await another(district) if who == "feed" else district.feed
    sender = {} if who == "feed" else {"sender": "stranger@example.org"}
    taken = await tell(district, feed, cancel(rain(), **sender))
    assert (taken.did, await states(district)) == ("called", [("alert", "potensi", "draft")])
    assert "stays, read both and decide" in (await district.alarms())[-1][1]


async def test_a_strangers_milder_update_does_not_replace_a_draft(district: District) -> None:
    """What a feed told is what the officer reads."""
    await district.take(rain())
    taken = await tell(district, await another(district), update(rain()))
    assert (taken.did, await states(district)) == ("called", [("alert", "potensi", "draft")])


async def test_a_cancel_sent_ahead_by_another_feed_silences_nothing(district: District) -> None:
    """Identifiers can be guessed: the alert opens all the same, as a draft that tells of it."""
    trial = await another(district, "trial")
    await tell(district, trial, cancel(rain()), 0)
    taken = await district.take(rain(), SOON, **MAY)
    assert taken.did == "drafted"
    assert any("It was cancelled" in why and "by another feed" in why for why in taken.why)


async def test_an_unsigned_cancel_silences_nothing_where_signatures_are_asked(district: District) -> None:
    """The same by the same feed: what must be signed and is not ends nothing."""
    await district.take(cancel(rain()), must_sign=True)
    assert (await district.take(rain(), SOON, must_sign=True, **MAY)).did == "drafted"


async def test_a_feed_on_trial_never_takes_an_alert_from_a_real_feed(district: District) -> None:
    """Whichever tells it first: the real one opens it for real, once."""
    real = await another(district, "real", mode=Mode.ACTUAL)
    assert (await district.take(rain())).did == "drafted"
    for _ in range(3):
        assert (await tell(district, real, rain())).did == "drafted"
    assert [a["mode"] for a in await district.alerts()] == ["Exercise", "Actual"]
    await tell(district, district.feed, update(rain()))
    assert (await tell(district, real, update(rain()), 20)).did == "drafted"
    live = [(a["mode"], a["state"]) for a in await district.alerts() if a["state"] == "draft"]
    assert ("Actual", "draft") in live


@pytest.mark.parametrize("how", ["update", "same name", "new name"])
async def test_what_officers_ended_no_feed_opens_again_by_itself(district: District, how: str) -> None:
    """They know something: the feed's next word is a draft."""
    first = await district.take(rain(), **MAY)
    await tell(district, await another(district), cancel(rain()))
    ending = (await district.alerts())[-1]
    await district.pool.execute("ALTER TABLE alert DISABLE TRIGGER alert_is_frozen")
    await district.pool.execute(
        "UPDATE alert SET state = 'live', sent = $2, approved_by = 2 WHERE id = $1", ending["id"], SOON
    )
    await district.pool.execute("UPDATE alert SET state = 'cancelled' WHERE id = $1", first.alert_id)
    await district.pool.execute("UPDATE incident SET state = 'closed'")
    again = {
        "update": update(rain()),
        "same name": rain(2, BOTH, identifier=rain().identifier),
        "new name": rain(4, BOTH),
    }[how]
    taken = await district.take(again, NOW + timedelta(minutes=20), **MAY)
    assert taken.did == "drafted"
    assert any(f"officers ended or rejected alert {ending['id']}" in why for why in taken.why)


async def test_what_an_officer_rejected_comes_back_as_a_draft_at_most(district: District) -> None:
    """Also when the feed has since been given leave to release."""
    first = await district.take(rain())
    ani = Officer(id=1, name="Ani", role=Role.ADMIN)
    await release.submit(district.pool, first.alert_id or 0, ani, NOW, timedelta(1))
    await release.reject(district.pool, first.alert_id or 0, BUDI, "bukan banjir", NOW)
    taken = await district.take(rain(2, BOTH), SOON, **MAY)
    assert taken.did == "drafted"
    assert any("officers ended or rejected" in why for why in taken.why)


async def test_what_officers_released_no_feed_changes_by_itself(district: District) -> None:
    """They may have raised its level: a nowcast must not lower it."""
    await district.take(rain(), **MAY)
    await district.pool.execute("ALTER TABLE alert DISABLE TRIGGER alert_is_frozen")
    await district.pool.execute("UPDATE alert SET pre_authorised = NULL, approved_by = 1, level = 'siaga'")
    taken = await district.take(update(rain()), SOON, **MAY)
    assert taken.did == "update drafted"
    assert any("was released by officers, and they change it" in why for why in taken.why)


async def test_a_feed_that_floods_calls_officers_so_often_and_no_more(district: District) -> None:
    """Every draft is there; one call tells that there are more than anybody is called to."""
    for n in range(MOST_CALLS + 5):
        assert (await district.take(rain(1, NORTH, sender=f"s{n}@example.org"))).did == "drafted"
    kinds = [kind for kind, _ in await district.alarms()]
    assert (kinds.count("feed_draft"), kinds.count("feed_flood")) == (MOST_CALLS, 1)
    assert len(await district.alerts()) == MOST_CALLS + 5


async def test_a_feed_that_floods_residents_is_stopped(district: District) -> None:
    """So many leave within an hour; the next is a draft."""
    did = [(await district.take(rain(1, NORTH, sender=f"s{n}@example.org"), **MAY)).did for n in range(MOST_LEAVE + 1)]
    assert did == ["released"] * MOST_LEAVE + ["drafted"]


async def test_a_feed_that_floods_with_nonsense_calls_no_more_either(district: District) -> None:
    """Each is kept with its own reason."""
    for n in range(MOST_CALLS + 3):
        await district.intake().take(district.feed, Entry(raw=b"%d" % n, refused=f"reason {n}"), NOW)
    kinds = [kind for kind, _ in await district.alarms()]
    assert (kinds.count("feed_refused"), kinds.count("feed_flood")) == (MOST_CALLS, 1)


async def test_no_feed_speaks_beside_officers_who_warn_of_the_same(district: District) -> None:
    """While they say that the water is there, nobody is told that no flood was reported."""
    await district.take(rain(), **MAY)
    await district.pool.execute("ALTER TABLE alert DISABLE TRIGGER alert_is_frozen")
    await district.pool.execute("UPDATE alert SET pre_authorised = NULL, approved_by = 1, level = 'siaga'")
    taken = await district.take(rain(2, sender="another@bmkg.go.id"), SOON, **MAY)
    assert taken.did == "drafted"
    assert any("must not contradict" in why for why in taken.why)


@pytest.mark.parametrize("how", ["updates", "new alerts"])
async def test_an_older_word_that_arrives_late_changes_nothing(district: District, how: str) -> None:
    """The newer one warned a wider area: nobody in it is told that it is over."""
    await district.take(rain(), **MAY)
    newer, older = rain(5, BOTH, expires=NOW + timedelta(hours=5)), rain(3, expires=NOW + timedelta(hours=6))
    if how == "updates":
        naming_first = {"msg_type": MsgType.UPDATE, "references": naming(rain())}
        newer, older = replace(newer, **naming_first), replace(older, **naming_first)
    assert (await district.take(newer, SOON, **MAY)).did == "update released"
    taken = await district.take(older, SOON, **MAY)
    assert (taken.did, len(await district.alerts())) == ("late", 2)
    assert any("later than this, came before" in why for why in taken.why)


async def test_an_older_cancel_that_arrives_late_waits_for_an_officer(district: District) -> None:
    """The sender warned again after it."""
    await district.take(rain(), **MAY)
    await district.take(update(rain(), 5), SOON, **MAY)
    assert (await district.take(cancel(rain(), 3), SOON, **MAY)).did == "end drafted"


async def test_what_ends_in_a_moment_is_told_to_nobody(district: District) -> None:
    """A text that says "until now" only takes trust from the next."""
    taken = await district.take(rain(expires=NOW + timedelta(minutes=2)), **MAY)
    assert (taken.did, await district.alerts()) == ("late", [])
    assert any("too soon to warn anybody" in why for why in taken.why)


@pytest.mark.parametrize(
    "text", ["0812-3456-7890", "+62 812 3456 7890", "INI HANYA LATIHAN", "this is a drill", "hoaks"]
)
async def test_a_stranger_puts_no_number_and_no_drill_into_our_words(district: District, text: str) -> None:
    """What a source calls itself, and why it ended, goes to residents: its domain and identifier do instead."""
    await district.take(rain(sender_name=text), **MAY)
    await district.take(replace(cancel(rain()), note=text), SOON, **MAY)
    first, last = await district.alerts()
    assert (first["state"], last["purpose"], last["state"]) == ("cancelled", "cancel", "live")
    for alert in (first, last):
        assert text not in json.dumps(alert["notices"])
        assert "BMKG" in alert["notices"]["sms"]["id"]


async def test_officers_read_why_a_feed_on_trial_ends_nothing_real(district: District) -> None:
    """In words, with both modes."""
    await district.take(rain(), mode=Mode.ACTUAL, **MAY)
    assert (await district.take(cancel(rain()), SOON, **MAY)).did == "called"
    says = (await district.alarms())[-1][1]
    assert "may not change alert" in says
    assert "it is in mode Actual, this end in Exercise" in says
