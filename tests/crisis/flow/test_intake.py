"""What feeds tell becomes drafts, updates and ends, and leaves by itself only with every key turned."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from shapely import box

from crisis import db
from crisis.cap.entry import Entry
from crisis.cap.nouns import Alert, Area, MsgType, ResponseType, Scope, Severity, Status
from crisis.cap.sign import Signer, make_key, sign
from crisis.cap.write import write
from crisis.errors import IllegalMove
from crisis.feeds import FORMATS
from crisis.flow import intake_book, release
from crisis.flow.intake import Taken
from crisis.model.alert import Mode
from crisis.model.officer import Officer, Role
from tests.crisis.flow.intake_town import (
    BOTH,
    FAR,
    NOW,
    OUTLET,
    District,
    bring_areas,
    entry,
    naming,
    open_district,
    playbooks,
    quake,
    rain,
)

LATER = NOW + timedelta(minutes=30)
MAY = {"may_release": True}


@pytest.fixture(name="district")
async def make_district(pool: db.Pool) -> District:
    return await open_district(pool)


def over(first: Alert, number: int = 9) -> Alert:
    """The sender's all-clear for an alert."""
    clear = rain(number, response_types=(ResponseType.ALL_CLEAR,))
    return replace(clear, msg_type=MsgType.UPDATE, references=naming(first), note="Hujan sudah berhenti")


def cancelled(first: Alert, number: int = 8) -> Alert:
    """The sender's cancel of an alert."""
    cancel = replace(rain(number), msg_type=MsgType.CANCEL, references=naming(first), note="Kesalahan data radar")
    return replace(cancel, infos=())


async def test_heavy_rain_in_a_feed_opens_a_draft_and_calls_an_officer(district: District) -> None:
    """Words, area, expiry and source come from the source; grades never claim more than our level does."""
    taken = await district.take(rain())
    (alert,) = await district.alerts()
    assert (taken.did, taken.new, taken.alert_id) == ("drafted", True, alert["id"])
    assert (alert["state"], alert["drafted_by"], alert["mode"]) == ("draft", None, "Exercise")
    assert (alert["playbook"], alert["level"], alert["source"]) == ("flood", "potensi", "BMKG")
    assert alert["expires"] == NOW + timedelta(hours=3)
    assert (alert["facts"]["severity"], alert["facts"]["certainty"]) == ("Minor", "Possible")
    assert alert["facts"]["source_event"] == "Hujan Lebat dan Petir"
    assert alert["slots"]["place"] == alert["area_desc"] == "Utara"
    assert alert["notices"]["sms"]["id"].startswith("LATIHAN: POTENSI BANJIR Utara.")
    ((kind, says),) = await district.alarms()
    assert kind == "feed_draft"
    assert "feed bmkg may not release" in says
    assert any("flood/hujan_lebat is met" in why for why in taken.why)


async def test_the_same_content_told_again_has_no_effect(district: District) -> None:
    """Not at the next poll, not by another feed, not by a later start of the service."""
    first = await district.take(rain())
    again = [await district.take(rain(), LATER), await district.intake().take(district.feed, entry(rain()), LATER)]
    assert [(t.new, t.did, t.source_alert_id) for t in again] == [(False, "drafted", first.source_alert_id)] * 2
    assert len(await district.alerts()) == len(await district.alarms()) == 1
    seen = await district.pool.fetchrow("SELECT * FROM source_seen")
    assert (seen["first_at"], seen["last_at"]) == (NOW, LATER)


async def test_two_workers_with_the_same_alert_open_one_draft(district: District) -> None:
    """Eight at once: one is first, the others find what it did."""
    taken = await asyncio.gather(*(district.take(rain()) for _ in range(8)))
    assert sorted(t.new for t in taken) == [False] * 7 + [True]
    assert {t.alert_id for t in taken} == {(await district.alerts())[0]["id"]}
    assert len(await district.alerts()) == 1


async def test_a_dry_run_tells_what_would_happen_and_leaves_nothing(district: District) -> None:
    """For replays: the same decision, no row, no alarm."""
    taken = await district.intake().take(district.feed, entry(rain()), NOW, dry=True)
    assert taken.did == "drafted"
    assert await district.alerts() == await district.alarms() == []
    assert await district.pool.fetchval("SELECT count(*) FROM source_alert") == 0


async def test_with_every_key_turned_it_leaves_and_supervisors_are_told(district: District) -> None:
    """The rule, the playbook's level and the feed all say so: released, first batch there, on the record."""
    taken = await district.take(rain(), **MAY)
    (alert,) = await district.alerts()
    assert (taken.did, alert["state"]) == ("released", "live")
    assert alert["pre_authorised"] == "rule flood/hujan_lebat for feed bmkg"
    assert alert["approved_by"] is None
    assert await district.pool.fetchval("SELECT sum(cardinality(address_ids)) FROM batch") == 12
    acts = [r["act"] for r in await district.pool.fetch("SELECT act FROM audit WHERE subject = $1", alert["id"])]
    assert "alert.pre_authorised" in acts
    kinds = [kind for kind, _ in await district.alarms()]
    assert kinds == ["pre_authorised"]
    role = await district.pool.fetchval("SELECT role FROM alarm")
    assert role == "supervisor"


def _rule(**changes: Any) -> dict[str, Any]:
    rule = playbooks()["flood"].feeds[0]
    return {"feeds": (rule.model_copy(update=changes),)}


@pytest.mark.parametrize(
    ("feed", "books", "changes", "says"),
    [
        ({"may_release": False}, {}, {}, "feed bmkg may not release"),
        (MAY, _rule(then="draft"), {}, "asks for a draft"),
        (MAY, {"approval": playbooks()["flood"].approval.model_copy(update={"pre_authorised": ()})}, {}, "not pre-"),
        (MAY | {"must_sign": True}, {}, {}, "must sign, and it is not signed"),
        (MAY, {}, {"scope": Scope.RESTRICTED, "restriction": "x"}, "its scope is Restricted"),
    ],
    ids=["feed", "rule", "level", "signature", "scope"],
)
async def test_one_key_that_is_missing_makes_it_a_draft_and_is_named(
    district: District, feed: dict[str, Any], books: dict[str, Any], changes: dict[str, Any], says: str
) -> None:
    """Nothing leaves without an officer unless everything allows it, and the officer reads what did not."""
    district.books = playbooks(**books)
    taken = await district.take(rain(**changes), **feed)
    assert taken.did == "drafted"
    assert any(says in why for why in taken.why), taken.why
    ((kind, told),) = await district.alarms()
    assert (kind, says in told) == ("feed_draft", True)


async def test_an_alert_whose_area_is_only_described_is_a_draft_at_most(district: District) -> None:
    """Names are not geometry: an officer looks at the map first."""
    described = rain()
    info = replace(described.infos[0], areas=(Area(desc="Utara"),))
    taken = await district.take(replace(described, infos=(info,)), **MAY)
    assert (taken.did, [a["state"] for a in await district.alerts()]) == ("drafted", ["draft"])
    assert any("known only by names" in why for why in taken.why)


async def test_a_broken_signature_never_releases_and_never_silences(district: District) -> None:
    """Somebody altered it, or a server re-wrote it: an officer decides, with that in view."""
    alert = rain()
    raw = entry(alert).raw.replace(b"</alert>", b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/></alert>')
    taken = await district.intake().take(replace(district.feed, **MAY), entry(alert, raw), NOW)
    assert taken.did == "drafted"
    assert (await district.fate(taken.source_alert_id))["signature"] == "broken"
    assert any("signature is broken" in why for why in taken.why)


async def test_what_lacks_an_account_stays_a_draft(district: District) -> None:
    """A release that cannot leave by every way it was drafted for does not leave in part."""
    district.outlets = []
    taken = await district.take(rain(), **MAY)
    assert taken.did == "drafted"
    assert any("has no account now" in why for why in taken.why)


@pytest.mark.parametrize(
    ("changes", "did"),
    [
        ({"status": Status.TEST}, "recorded"),
        ({"status": Status.SYSTEM}, "recorded"),
        ({"status": Status.DRAFT}, "recorded"),
        ({"msg_type": MsgType.ACK}, "recorded"),
        ({"sent": NOW + timedelta(minutes=11)}, "held"),
        ({"expires": NOW - timedelta(minutes=1), "sent": NOW - timedelta(hours=4)}, "late"),
        ({"severity": Severity.MINOR}, "nothing"),
        ({"severity": Severity.UNKNOWN}, "nothing"),
        ({"event": "Petir", "description": "Tidak ada hujan lebat.", "headline": "Petir"}, "nothing"),
        ({"event": "Angin Kencang", "headline": "Angin", "description": "Angin kencang."}, "nothing"),
    ],
)
async def test_what_warns_nobody_here_is_recorded_with_its_reason(
    district: District, changes: dict[str, Any], did: str
) -> None:
    """Stored, explained, and no officer is called for it."""
    if changes.get("event") == "Angin Kencang":
        changes["infos"] = (replace(rain(**changes).infos[0], event_codes=()),)
    taken = await district.take(rain(**changes), **MAY)
    assert (taken.did, taken.alert_id) == (did, None)
    assert taken.why
    assert await district.alerts() == await district.alarms() == []


async def test_an_alert_elsewhere_opens_nothing(district: District) -> None:
    """Nobody here is warned of rain far away."""
    taken = await district.take(rain(1, FAR), **MAY)
    assert taken.did == "outside"
    assert await district.alerts() == []


async def test_what_was_held_is_taken_up_when_its_time_has_come(district: District) -> None:
    """A sender's clock that is ahead costs a delay, not the alert."""
    ahead = rain(sent=NOW + timedelta(minutes=20))
    assert (await district.take(ahead)).did == "held"
    assert (await district.take(ahead, LATER)).did == "drafted"


async def test_an_exercise_of_the_source_is_an_exercise_here(district: District) -> None:
    """Whatever the feed may do, nobody is really warned by somebody's drill."""
    await district.take(rain(status=Status.EXERCISE, note="Latihan"), mode=Mode.ACTUAL)
    assert [a["mode"] for a in await district.alerts()] == ["Exercise"]


async def test_a_refused_entry_keeps_its_bytes_and_calls_once(district: District) -> None:
    """One alarm for a feed and a reason, however often it is polled and however many there are."""
    for number in range(3):
        bad = Entry(raw=b"<alert>%d \x00\xff" % number, where=f"entry[{number}]", refused="S-MALFORMED: not XML.")
        for _ in range(2):
            taken = await district.intake().take(district.feed, bad, NOW)
            assert taken.did == "refused"
    assert await district.pool.fetchval("SELECT count(*) FROM source_alert WHERE refused <> ''") == 3
    assert await district.pool.fetchval("SELECT raw FROM source_alert ORDER BY id LIMIT 1") == b"<alert>0 \x00\xff"
    ((kind, says),) = await district.alarms()
    assert (kind, says) == ("feed_refused", "feed bmkg: an entry was refused: S-MALFORMED: not XML.")


async def test_text_that_postgres_cannot_keep_does_not_stop_an_alert(district: District) -> None:
    """JSON feeds may hold NUL and half characters."""
    taken = await district.take(rain(headline="Hujan lebat \x00\ud800 di sini"))
    assert taken.did == "drafted"


async def test_a_wider_alert_with_a_later_end_replaces_the_draft(district: District) -> None:
    """Never a pile of drafts: the newer one stands, the older is rejected, in the same incident."""
    await district.take(rain())
    wider = rain(2, BOTH, expires=NOW + timedelta(hours=5))
    taken = await district.take(replace(wider, msg_type=MsgType.UPDATE, references=naming(rain())))
    first, second = await district.alerts()
    assert (taken.did, first["state"], second["state"]) == ("drafted", "rejected", "draft")
    assert (second["incident_id"], second["purpose"]) == (first["incident_id"], "alert")
    assert second["area_desc"] in ("Utara, Selatan", "Selatan, Utara")
    assert second["expires"] == NOW + timedelta(hours=5)
    told = await intake_book.of_ours(await district.pool.acquire(), second["id"])
    assert told is not None
    assert {"info[id]/expires", "info[id]/area[Kalimantan Barat]/outline"} <= {c["where"] for c in told["changes"]}


@pytest.mark.parametrize("how", ["update", "new alert"])
async def test_a_released_alert_is_updated_also_when_the_source_sends_a_new_alert(district: District, how: str) -> None:
    """BMKG never sends Updates: a new Alert of the same kind and place is one."""
    await district.take(rain(), **MAY)
    wider = rain(2, BOTH, expires=NOW + timedelta(hours=5))
    if how == "update":
        wider = replace(wider, msg_type=MsgType.UPDATE, references=naming(rain()))
    taken = await district.take(wider, NOW + timedelta(minutes=2), **MAY)
    first, second = await district.alerts()
    assert (taken.did, second["purpose"], second["number"]) == ("update released", "update", 2)
    assert (first["state"], second["state"]) == ("superseded", "live")
    assert second["incident_id"] == first["incident_id"]
    assert "PEMBARUAN 1" in second["notices"]["sms"]["id"]


async def test_an_update_without_anything_new_is_only_recorded(district: District) -> None:
    """The same place, level and end, with a later time of issue: residents are not disturbed."""
    await district.take(rain(), **MAY)
    same = rain(2)
    taken = await district.take(same, NOW + timedelta(minutes=2), **MAY)
    assert (taken.did, len(await district.alerts())) == ("recorded", 1)
    assert taken.alert_id == (await district.alerts())[0]["id"]


async def test_a_draft_in_an_officers_hands_is_never_changed(district: District) -> None:
    """They are called instead, and see what changed."""
    first = await district.take(rain())
    rina = Officer(id=2, name="Rina", role=Role.OFFICER)
    await release.submit(district.pool, first.alert_id or 0, rina, NOW, timedelta(minutes=3))
    taken = await district.take(rain(2, BOTH))
    assert (taken.did, taken.alert_id) == ("called", first.alert_id)
    (alert,) = await district.alerts()
    assert alert["state"] == "pending"
    kind, says = (await district.alarms())[-1]
    assert kind == "feed_changed"
    assert "read it again" in says


@pytest.mark.parametrize(("end", "purpose"), [(over, "all_clear"), (cancelled, "cancel")], ids=["clear", "cancel"])
async def test_the_end_of_the_source_ends_ours(district: District, end: Any, purpose: str) -> None:
    """What left without an officer ends without one; the words give the source's reason."""
    await district.take(rain(), **MAY)
    taken = await district.take(end(rain()), NOW + timedelta(minutes=10), **MAY)
    last = (await district.alerts())[-1]
    assert (taken.did, last["purpose"], last["state"]) == ("end released", purpose, "live")
    assert "BMKG: " in last["notices"]["sms"]["id"]
    assert await district.pool.fetchval("SELECT state FROM incident") == "closed"


async def test_an_end_waits_for_officers_where_they_released_it(district: District) -> None:
    """They took it upon them; the feed only prepares the end."""
    await district.take(rain(), **MAY)
    await district.pool.execute("ALTER TABLE alert DISABLE TRIGGER alert_is_frozen")
    await district.pool.execute("UPDATE alert SET pre_authorised = NULL, approved_by = 1")
    await district.pool.execute("ALTER TABLE alert ENABLE TRIGGER alert_is_frozen")
    taken = await district.take(cancelled(rain()), NOW + timedelta(minutes=10), **MAY)
    assert taken.did == "end drafted"
    assert any("was released by officers" in why for why in taken.why)


async def test_an_end_before_anything_left_withdraws_the_draft(district: District) -> None:
    """Nothing is sent about a warning that nobody got."""
    await district.take(rain())
    taken = await district.take(cancelled(rain()), NOW + timedelta(minutes=10))
    assert (taken.did, [a["state"] for a in await district.alerts()]) == ("withdrawn", ["rejected"])


async def test_a_late_alert_whose_cancel_is_here_already_opens_nothing(district: District) -> None:
    """Networks deliver in any order."""
    assert (await district.take(cancelled(rain()), NOW + timedelta(minutes=10))).did == "nothing"
    assert (await district.take(rain(), NOW + timedelta(minutes=11), **MAY)).did == "late"
    assert await district.alerts() == []


async def test_the_same_warning_in_another_language_is_a_twin(district: District) -> None:
    """Two language feeds of one sender make one alert."""
    first = await district.take(rain())
    english = {"language": "en", "event": "Heavy Rain and Thunderstorm", "headline": "Heavy rain in West Kalimantan"}
    for identifier in (rain().identifier, "2.49.0.1.360.0.2026.11.21.12.61.701"):
        taken = await district.take(rain(identifier=identifier, description="Heavy rain is expected.", **english))
        assert (taken.did, taken.alert_id) == ("twin", first.alert_id)
    assert len(await district.alerts()) == 1


async def test_an_update_in_the_other_language_follows_its_twin(district: District) -> None:
    """Whichever language comes first, it is the same incident."""
    english = {"language": "en", "event": "Heavy Rain and Thunderstorm", "headline": "Heavy rain in West Kalimantan"}
    other = rain(1, identifier="2.49.0.1.360.0.2026.11.21.12.61.701", description="Heavy rain.", **english)
    await district.take(rain(), **MAY)
    await district.take(other, **MAY)
    update = rain(2, BOTH, description="Heavy rain.", references=naming(other), msg_type=MsgType.UPDATE, **english)
    taken = await district.take(update, NOW + timedelta(minutes=5), **MAY)
    assert taken.did == "update released"
    assert len({a["incident_id"] for a in await district.alerts()}) == 1


async def test_another_senders_cancel_never_ends_by_itself(district: District) -> None:
    """A feed that carries many senders cannot be used by one against another."""
    await district.take(rain(), **MAY)
    taken = await district.take(replace(cancelled(rain()), sender="stranger@example.org"), NOW, **MAY)
    assert taken.did == "end drafted"
    assert (await district.alerts())[0]["state"] == "live"


async def test_a_feed_in_exercise_never_touches_the_real_thing(district: District) -> None:
    """An incident that is real is not updated by a feed on trial."""
    district.outlets = [OUTLET]
    await district.take(rain(), mode=Mode.ACTUAL, **MAY)
    taken = await district.take(rain(2, BOTH, msg_type=MsgType.UPDATE, references=naming(rain())), NOW, **MAY)
    assert taken.did == "called"
    taken = await district.take(cancelled(rain()), NOW + timedelta(minutes=10), **MAY)
    assert taken.did == "called"
    assert [(a["mode"], a["state"]) for a in await district.alerts()] == [("Actual", "live")]


async def test_what_cannot_be_drafted_calls_an_officer_with_the_reason(district: District) -> None:
    """Nobody lives in the south: nothing is sent, and somebody looks at it."""
    taken = await district.take(rain(1, ((-0.3, 109.1), (-0.3, 109.4), (-0.1, 109.4), (-0.1, 109.1), (-0.3, 109.1))))
    assert taken.did == "undrafted"
    ((kind, says),) = await district.alarms()
    assert kind == "feed_undrafted"
    assert "nobody enrolled for exercises lives in Selatan" in says


@pytest.mark.parametrize(
    ("expires", "got", "note"),
    [
        (None, timedelta(hours=6), "does not say until when"),
        (NOW + timedelta(days=40), timedelta(hours=12), "7 days at most"),  # a drill ends after 12 h all the same
        (NOW + timedelta(hours=2), timedelta(hours=2), ""),
    ],
)
async def test_expiry_is_the_sources_within_reason(
    district: District, expires: datetime | None, got: timedelta, note: str
) -> None:
    """Missing: the rule's; absurd: capped, and said."""
    taken = await district.take(rain(expires=expires))
    assert (await district.alerts())[0]["expires"] == NOW + got
    assert note in "\n".join(taken.why)


async def test_an_earthquake_near_by_warns_the_areas_within_reach(district: District) -> None:
    """Its epicentre lies at sea; the areas near enough are warned whole."""
    taken = await district.take(quake("6.4", 0.2, 108.5, "Tidak berpotensi tsunami"))
    (alert,) = await district.alerts()
    assert (taken.did, alert["playbook"], alert["level"]) == ("drafted", "earthquake", "kuat")
    assert alert["slots"]["magnitude"] == 6.4
    assert len(alert["area_ids"]) == 2


@pytest.mark.parametrize(
    ("potential", "level"),
    [
        ("Tidak berpotensi tsunami", None),
        ("tdk berpotensi tsunami", None),
        ("Berpotensi TSUNAMI untuk diteruskan pada masyarakat", "tsunami"),
    ],
)
async def test_far_away_only_a_tsunami_counts(district: District, potential: str, level: str | None) -> None:
    """ "Tidak berpotensi tsunami" is no tsunami."""
    await district.take(quake("7.6", -4.0, 105.0, potential), **MAY)
    assert [a["level"] for a in await district.alerts()] == ([level] if level else [])
    assert all(a["state"] == "draft" for a in await district.alerts())


async def test_an_old_earthquake_in_a_list_opens_nothing(district: District) -> None:
    """A feed's first look reads fifteen quakes of the past week."""
    taken = await district.take(quake("6.4", 0.2, 108.5, "-", sent=NOW - timedelta(days=2)))
    assert (taken.did, await district.alerts()) == ("late", [])


async def test_each_earthquake_is_its_own_incident(district: District) -> None:
    """An aftershock is no update of the first shock."""
    await district.take(quake("6.4", 0.2, 108.5, "-"))
    await district.take(quake("6.1", 0.3, 108.5, "-"))
    assert len({a["incident_id"] for a in await district.alerts()}) == 2


async def test_areas_brought_in_later_are_known_at_once(district: District) -> None:
    """The outlines are kept in memory, and read again when they change."""
    intake = district.intake()
    assert (await intake.take(district.feed, entry(rain(1, FAR)), NOW)).did in ("outside", "nothing")
    await bring_areas(district.pool, {"61.12.03": ("Jauh", box(100.0, 3.0, 100.6, 3.6))})
    taken = await intake.take(district.feed, entry(rain(2, FAR)), NOW)
    assert taken.did == "undrafted"  # nobody lives there, but it is ours now


async def test_a_pre_authorised_release_needs_a_draft_nobody_touched(district: District) -> None:
    """What an officer wrote or submitted leaves by an approver only."""
    taken: Taken = await district.take(rain())
    rina = Officer(id=2, name="Rina", role=Role.OFFICER)
    await release.submit(district.pool, taken.alert_id or 0, rina, NOW, timedelta(minutes=3))
    async with district.pool.acquire() as connection:
        with pytest.raises(IllegalMove, match="in an officer's hands"):
            await release.release_pre_authorised(connection, taken.alert_id or 0, "rule", [OUTLET], NOW)


async def test_a_province_of_polygons_by_a_busy_sender_is_released(district: District) -> None:
    """With a province of 150 polygons and two weeks of alerts of the same sender."""
    intake = district.intake()
    tiles = [
        tuple((0.02 * y + a, 108.9 + 0.04 * x + b) for a, b in ((0, 0), (0, 0.04), (0.02, 0.04), (0.02, 0), (0, 0)))
        for x in range(15)
        for y in range(10)
    ]
    for number in range(60):
        await intake.take(district.feed, entry(rain(number + 100, *tiles, severity=Severity.MINOR, sent=NOW)), NOW)
    began = time.perf_counter()
    taken = await intake.take(replace(district.feed, **MAY), entry(rain(1, *tiles)), NOW)
    spent = time.perf_counter() - began
    print(f"seen to released: {spent * 1000:.0f} ms")
    assert taken.did == "released"


TODAY = datetime.now(UTC).replace(microsecond=0)  # a signature is checked against the machine's clock when it is made


def today() -> Alert:
    return rain(sent=TODAY, effective=TODAY, expires=TODAY + timedelta(hours=3))


def signed(alert: Alert, signer: Signer) -> Entry:
    """The alert as a feed of signed CAP gives it."""
    (only,) = FORMATS["cap"].parse(sign(write(alert), signer), "https://example.org/cap.xml", TODAY)
    return only


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    folder = tmp_path_factory.mktemp("keys")
    paths = folder / "key.pem", folder / "certificate.pem"
    for path, pem in zip(paths, make_key("BMKG", TODAY), strict=True):
        path.write_bytes(pem)
    return Signer.load(*paths)


async def test_a_feed_that_must_sign_releases_what_a_trusted_certificate_signed(
    district: District, signer: Signer
) -> None:
    """The pinned certificate is the third key."""
    feed = replace(district.feed, may_release=True, must_sign=True, certificates=signer.pem)
    taken = await district.intake().take(feed, signed(today(), signer), TODAY)
    assert taken.did == "released", taken.why
    assert (await district.fate(taken.source_alert_id))["signature"] == "valid"


@pytest.mark.parametrize("certificates", ["", "other"])
async def test_what_a_stranger_signed_is_a_draft_where_signatures_are_asked(
    district: District, signer: Signer, certificates: str
) -> None:
    """Unaltered is not enough: by whom counts."""
    pem = make_key("Somebody", TODAY)[1].decode() if certificates else ""
    feed = replace(district.feed, may_release=True, must_sign=True, certificates=pem)
    taken = await district.intake().take(feed, signed(today(), signer), TODAY)
    assert taken.did == "drafted"
    assert any("nobody this feed trusts" in why for why in taken.why), taken.why


async def test_what_was_altered_after_signing_is_a_draft_at_most(district: District, signer: Signer) -> None:
    """One letter is enough, whether or not signatures are asked for."""
    raw = sign(write(today()), signer).replace(b"Hujan Lebat disertai", b"Hujan lebat disertai")
    (altered,) = FORMATS["cap"].parse(raw, "https://example.org/cap.xml", TODAY)
    taken = await district.intake().take(replace(district.feed, **MAY, certificates=signer.pem), altered, TODAY)
    assert taken.did == "drafted"
    assert (await district.fate(taken.source_alert_id))["signature"] == "broken"
