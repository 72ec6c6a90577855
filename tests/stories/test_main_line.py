"""The main job: one flood playbook becomes alerts on every channel, updates follow, and it ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.stories.town import SLOTS, Hands, Town, residents


async def test_a_flood_alert_reaches_every_resident_and_every_page(town: Town) -> None:
    """Two officers release a flood exercise and each channel takes it, marked, exactly once."""
    await town.settle(residents(300, 100))
    alert = await town.trigger()
    assert alert["state"] == "pending"
    await town.approve(alert)
    progress = await town.done(alert["id"])
    assert {c: (d["audience"], d["accepted"], d["twice"]) for c, d in progress.items()} == {
        "sms": (300, 300, 0),
        "telegram": (100, 100, 0),
        "mastodon": (2, 2, 0),
        "page": (2, 2, 0),
        "radio": (2, 2, 0),
    }
    texts = town.smsc.submitted
    assert len({t.destination for t in texts}) == 300
    for text in texts:
        marker = "LATIHAN" if "LATIHAN" in text.text else "EXERCISE"
        assert text.text.startswith(marker)
        assert text.text.endswith(marker)
    status, page = await town.page("/exercise")
    assert status == 200
    assert "Desa Kuala Dua" in page


async def test_what_leaves_is_what_the_approver_read(town: Town) -> None:
    """The bytes on the wire are those of the alert the approver was shown, in each resident's language."""
    await town.settle(residents(10, 5))
    alert = await town.trigger()
    await town.approve(alert)
    await town.done(alert["id"])
    assert {t.text for t in town.smsc.submitted} == set(alert["notices"]["sms"].values())
    assert {s.text for s in town.telegram.sent} == {alert["notices"]["telegram"]["id"]}
    assert {p.text for p in town.mastodon.posts} == set(alert["notices"]["mastodon"].values())


async def test_delivered_is_claimed_from_receipts_only(town: Town) -> None:
    """Telegram gives no receipts, so nothing there is ever called delivered; SMS is, once the carrier says so."""
    town.smsc.undeliverable = lambda number: number.endswith("7")
    await town.settle(residents(20, 5))
    alert = await town.trigger(channels=["sms", "telegram"])
    await town.approve(alert)
    progress = await town.until(lambda p: p["sms"]["delivered"] + p["sms"]["undelivered"] == 20, alert["id"])
    assert (progress["sms"]["delivered"], progress["sms"]["undelivered"]) == (18, 2)
    assert (await town.done(alert["id"]))["telegram"]["delivered"] == 0


async def test_an_update_goes_to_everyone_the_first_alert_reached(town: Town) -> None:
    """Someone who moved out of the area since still hears the update, and posts follow their own thread."""
    await town.settle(residents(30))
    first = await town.trigger(channels=["sms", "mastodon"])
    await town.approve(first)
    await town.done(first["id"])
    moved = residents(30).replace("61.01", "61.02").splitlines()[:11]
    await town.must("Ani", "POST", "/api/v1/residents", "\n".join(moved))
    body = {"purpose": "update", "level": "awas", "slots": {"level_m": "3,5"}}
    second = await town.must("Rina", "POST", f"/api/v1/alerts/{first['id']}/follow", body)
    await town.approve(second)
    await town.done(second["id"])
    twice = [t.destination for t in town.smsc.submitted]
    assert len(twice) == 60
    assert all(twice.count(number) == 2 for number in set(twice))
    by_id = {p.id: p for p in town.mastodon.posts}
    follow_ups = [p for p in town.mastodon.posts if p.in_reply_to_id]
    assert len(follow_ups) == 2
    assert all(by_id[p.in_reply_to_id].language == p.language for p in follow_ups)
    assert (await town.must("Rina", "GET", f"/api/v1/alerts/{first['id']}"))["state"] == "superseded"


async def test_a_cancel_goes_to_those_reached_and_closes_the_incident(town: Town) -> None:
    """A cancel is pre-written, reaches whoever had the alert and nobody else, and nothing can follow it."""
    await town.settle(residents(12))
    first = await town.trigger(channels=["sms"])
    await town.approve(first)
    await town.done(first["id"])
    await town.must("Ani", "POST", "/api/v1/residents", residents(5, seed=2))  # came later: was never warned
    body = {"purpose": "cancel", "reason": "salah wilayah"}
    cancel = await town.must("Rina", "POST", f"/api/v1/alerts/{first['id']}/follow", body)
    assert cancel["msg_type"] == "Cancel"
    await town.approve(cancel)
    progress = await town.done(cancel["id"])
    assert progress["sms"]["audience"] == 12
    status, told = await town.call("Rina", "POST", f"/api/v1/alerts/{first['id']}/follow", {"purpose": "update"})
    assert status == 409
    assert "closed" in told["error"]


async def test_the_all_clear_ends_the_incident(town: Town) -> None:
    """The all-clear is a CAP Update with response AllClear, and after it nothing of the incident is in force but it."""
    await town.settle(residents(3))
    first = await town.trigger(channels=["sms"])
    await town.approve(first)
    await town.done(first["id"])
    body = {"purpose": "all_clear", "reason": "air surut di bawah 0,3 m di semua pos"}
    clear = await town.must("Rina", "POST", f"/api/v1/alerts/{first['id']}/follow", body)
    assert (clear["msg_type"], clear["facts"]["response"]) == ("Update", ["AllClear"])
    await town.approve(clear)
    await town.done(clear["id"])
    assert len(town.smsc.submitted) == 6
    live = await town.must("Rina", "GET", "/api/v1/alerts?state=live")
    assert [a["id"] for a in live] == [clear["id"]]


async def test_the_submitter_can_never_approve(town: Town) -> None:
    """Not by the API, and not by the database either."""
    await town.settle(residents(1))
    body = {"playbook": "flood", "level": "siaga", "mode": "Exercise", "areas": ["61.01"], "slots": SLOTS}
    alert = await town.must("Budi", "POST", "/api/v1/alerts", body)
    approve = {"words_hash": alert["words_hash"]}
    status, told = await town.call("Budi", "POST", f"/api/v1/alerts/{alert['id']}/approve", approve)
    assert status == 403
    assert "another officer" in told["error"]
    with pytest.raises(Exception, match="approver_is_another_person"):
        await town.service.house.pool.execute("UPDATE alert SET approved_by = submitted_by WHERE id = $1", alert["id"])
    assert town.smsc.submitted == []


async def test_an_approval_is_of_the_words_that_were_read(town: Town) -> None:
    """A hash of other words releases nothing."""
    await town.settle(residents(1))
    alert = await town.trigger()
    wrong = {"words_hash": "0" * 64}
    status, told = await town.call("Budi", "POST", f"/api/v1/alerts/{alert['id']}/approve", wrong)
    assert status == 409
    assert "changed since you read it" in told["error"]


async def test_break_glass_needs_the_role_and_a_reason_and_calls_every_supervisor(town: Town) -> None:
    """One supervisor may release a pre-approved level alone; it is on the record for all."""
    await town.settle(residents(4))
    alert = await town.trigger(channels=["sms"])
    path = f"/api/v1/alerts/{alert['id']}/break-glass"
    assert (await town.call("Rina", "POST", path, {"reason": "sendirian"}))[0] == 403
    assert (await town.call("Sari", "POST", path, {"reason": " "}))[0] == 400
    live = await town.must("Sari", "POST", path, {"reason": "jaringan putus, tidak ada petugas lain"})
    assert live["state"] == "live"
    assert (await town.done(alert["id"]))["sms"]["accepted"] == 4
    alarms = await town.must("Sari", "GET", "/api/v1/alarms")
    assert [(a["kind"], a["role"]) for a in alarms] == [("break_glass", "supervisor")]


async def test_a_returned_alert_comes_back_and_a_rejected_one_never_does(town: Town) -> None:
    """Return needs a reason and lets the author submit again; reject is the end."""
    await town.settle(residents(1))
    alert = await town.trigger()
    one = f"/api/v1/alerts/{alert['id']}"
    assert (await town.must("Budi", "POST", f"{one}/return", {"reason": "tinggi air salah"}))["state"] == "returned"
    assert (await town.call("Budi", "POST", f"{one}/approve", {"words_hash": alert["words_hash"]}))[0] == 409
    assert (await town.must("Rina", "POST", f"{one}/submit"))["state"] == "pending"
    assert (await town.must("Budi", "POST", f"{one}/reject", {"reason": "tidak perlu"}))["state"] == "rejected"
    assert (await town.call("Rina", "POST", f"{one}/submit"))[0] == 409


async def test_the_same_key_twice_is_one_alert(town: Town) -> None:
    """A second click changes nothing; the same key for another alert is refused."""
    await town.settle(residents(1))
    body = {"playbook": "flood", "level": "siaga", "mode": "Exercise", "areas": ["61.01"], "slots": SLOTS}
    headers = {"Idempotency-Key": "k1"}
    first = await town.must("Rina", "POST", "/api/v1/alerts", body, **headers)
    again = await town.must("Rina", "POST", "/api/v1/alerts", body, **headers)
    assert again["id"] == first["id"]
    status, _ = await town.call("Rina", "POST", "/api/v1/alerts", body | {"level": "awas"}, **headers)
    assert status == 409


async def test_an_exercise_reaches_only_those_enrolled_for_it(town: Town) -> None:
    """Residents who did not enrol for exercises are never startled by one."""
    await town.settle(residents(5))
    await town.must("Ani", "POST", "/api/v1/residents", residents(7, seed=3, exercise="no"))
    alert = await town.trigger(channels=["sms"])
    assert alert["audience"]["addresses"] == 5
    await town.approve(alert)
    assert (await town.done(alert["id"]))["sms"]["accepted"] == 5


async def test_a_drill_never_uses_an_account_for_actual(town: Town) -> None:
    """This town has exercise accounts only: an Actual alert is refused, naming the setting."""
    await town.settle(residents(1))
    body = {"playbook": "flood", "level": "siaga", "mode": "Actual", "areas": ["61.01"], "slots": SLOTS}
    status, told = await town.call("Rina", "POST", "/api/v1/alerts", body)
    assert status == 400
    assert "CRISIS_SMS" in told["error"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"areas": []}, "there is no area"),
        ({"areas": ["61.03"]}, "nobody"),
        ({"areas": ["99.99"]}, "is no area we know"),
        ({"level": "merah"}, "no level"),
        ({"playbook": "angin"}, "no playbook"),
        ({"slots": SLOTS | {"time_observed": "nanti malam"}}, "time_observed"),
        ({"slots": SLOTS | {"level_m": "99"}}, "level_m"),
        ({"channels": ["fax"]}, "fax"),
        ({"cap": "<alert/>"}, "alert"),
    ],
)
async def test_bad_input_is_refused_in_one_sentence_and_stores_nothing(town: Town, change: dict, says: str) -> None:
    """No geometry, nobody there, wrong slots: 4xx, what and where, and no alert."""
    await town.settle(residents(1))
    body = {"playbook": "flood", "level": "siaga", "mode": "Exercise", "areas": ["61.01"], "slots": SLOTS} | change
    status, told = await town.call("Rina", "POST", "/api/v1/alerts", body)
    assert 400 <= status < 500
    assert says in told["error"]
    assert await town.service.house.pool.fetchval("SELECT count(*) FROM alert") == 0


async def test_nothing_changes_without_a_token(town: Town) -> None:
    """No token, a wrong one, or too low a role: 403."""
    assert (await town.call("", "POST", "/api/v1/alerts", {}))[0] == 403
    assert (await town.call("", "GET", "/api/v1/alerts"))[0] == 403
    assert (await town.call("Rina", "POST", "/api/v1/residents", "x"))[0] == 403
    assert (await town.call("Rina", "POST", "/api/v1/officers", {"name": "X", "role": "admin"}))[0] == 403
    town.tokens["nobody"] = "wrong"
    assert (await town.call("nobody", "GET", "/api/v1/alerts"))[0] == 403


async def test_a_dry_run_shows_everything_and_stores_nothing(town: Town) -> None:
    """All renditions with size and cost, the audience, and not one row."""
    await town.settle(residents(10, 4))
    body = {"playbook": "flood", "level": "awas", "mode": "Exercise", "areas": ["Utara"], "slots": SLOTS}
    shown = await town.must("Rina", "POST", "/api/v1/alerts", body | {"dry_run": True})
    assert shown["audience"]["by_channel"] == {"sms": 10, "telegram": 4}
    sms = [r for r in shown["renditions"] if r["channel"] == "sms"]
    assert sum(r["addresses"] for r in sms) == 10
    assert {r["channel"] for r in shown["renditions"]} == {"sms", "telegram", "mastodon", "page", "radio"}
    assert await town.service.house.pool.fetchval("SELECT count(*) FROM alert") == 0


async def test_the_clock_reminds_then_calls_supervisors_then_ends_the_alert(town: Town, hands: Hands) -> None:
    """The promised update is asked for, missed, escalated; at its expiry the alert is in force no more."""
    await town.settle(residents(1))
    alert = await town.trigger(channels=["sms"])
    await town.approve(alert)
    await town.done(alert["id"])
    for ahead, kinds in ((61, {"update_due"}), (75, {"update_due", "update_overdue"})):
        hands.ahead = timedelta(minutes=ahead)
        while {a["kind"] for a in await town.must("Sari", "GET", "/api/v1/alarms")} != kinds:
            await town.service.house.alerts.wait(0.05)
    hands.ahead = timedelta(hours=13)
    while (await town.must("Rina", "GET", f"/api/v1/alerts/{alert['id']}"))["state"] != "expired":
        await town.service.house.alerts.wait(0.05)


async def test_an_alert_that_waits_for_approval_calls_for_it(town: Town, hands: Hands) -> None:
    """Nobody can say later that they did not know it was waiting."""
    await town.settle(residents(1))
    await town.trigger()
    hands.ahead = timedelta(minutes=4)
    while not (alarms := await town.must("Budi", "GET", "/api/v1/alarms")):
        await town.service.house.alerts.wait(0.05)
    assert alarms[0]["kind"] == "approval_waits"
