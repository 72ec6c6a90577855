"""Residents write: they are heard, answered, registered, and left in peace when they wish."""

from __future__ import annotations

import asyncio
from typing import Any

from crisis.model.code import spell
from tests.stories.town import Town, residents

RINI = "+6281201000010"  # one of residents(...): the numbers count up
OFFICE = "BPBD"


async def in_force(town: Town, people: str = "") -> Any:
    """A live SMS alert for the north."""
    await town.settle(people or residents(3))
    alert = await town.trigger(channels=["sms", "telegram"])
    await town.approve(alert)
    await town.done(alert["id"])
    return alert


async def heard_by(town: Town, number: str, count: int) -> list[str]:
    """What a number has been sent, once there are `count` texts."""

    def texts() -> list[str]:
        return [t.text for t in town.smsc.submitted if t.destination.lstrip("+") == number.lstrip("+")]

    await town.smsc.until(lambda: len(texts()) >= count, 10)
    return texts()


async def test_a_question_the_playbook_answers_is_answered_at_once_on_the_same_channel(town: Town) -> None:
    """Where the shelter is, by SMS, from the slots the officer filled, marked as an exercise."""
    await in_force(town)
    await town.smsc.write(RINI, OFFICE, "dimana posko pengungsian?")
    texts = await heard_by(town, RINI, 1)
    assert "SDN 05 Kuala Dua" in texts[0]
    assert texts[0].startswith("LATIHAN")
    (inquiry,) = await town.must("Rina", "GET", "/api/v1/inquiries")
    assert (inquiry["state"], inquiry["answers"][0]["by"]) == ("auto_answered", "playbook")
    assert any(why.startswith("faq:flood/") for why in inquiry["why"])


async def test_telegram_asks_and_is_answered_on_telegram(town: Town) -> None:
    """The answer goes back on the channel the question came from."""
    await in_force(town, residents(1, 2))
    await town.telegram.write(1000001, "Where is the shelter?")
    await town.telegram.until(lambda t: any("SDN 05" in s.text and str(s.chat_id) == "1000001" for s in t.sent[2:]))


async def test_what_the_playbook_does_not_answer_an_officer_does(town: Town) -> None:
    """The resident is told so at once, and gets the officer's words by SMS."""
    await in_force(town)
    await town.smsc.write(RINI, OFFICE, "Apakah sapi saya boleh dibawa naik truk tentara?")
    await heard_by(town, RINI, 1)
    (inquiry,) = await town.must("Rina", "GET", "/api/v1/inquiries?state=open")
    assert "sapi" in inquiry["text"]
    assert "*" in inquiry["from"]  # masked for an officer
    said = {"text": "Boleh. Truk menunggu di SDN 05 sampai pukul 22.00 WIB."}
    await town.must("Rina", "POST", f"/api/v1/inquiries/{inquiry['id']}/answer", said)
    texts = await heard_by(town, RINI, 2)
    assert "Truk menunggu" in texts[1]
    assert "BPBD Contoh" in texts[1]


async def test_a_life_at_risk_jumps_the_queue(town: Town) -> None:
    """Danger is paged, stands first in the inbox, and hears at once to call for help."""
    await in_force(town)
    await town.smsc.write("+62812010000011", OFFICE, "kapan air surut di kebun saya di hilir?")
    await town.smsc.write(RINI, OFFICE, "tolong kami terjebak di atap, air sudah sedada, ada bayi")
    texts = await heard_by(town, RINI, 1)
    assert "112" in texts[0]
    inbox = await town.must("Sari", "GET", "/api/v1/inquiries?state=open,auto_answered")
    assert inbox[0]["priority"] == 1
    assert inbox[0]["from"] == RINI  # a supervisor sees the number
    (alarm,) = await town.must("Rina", "GET", "/api/v1/alarms")
    assert alarm["kind"] == "life_at_risk"
    await town.must("Rina", "POST", f"/api/v1/alarms/{alarm['id']}/seen")
    assert await town.must("Rina", "GET", "/api/v1/alarms") == []


async def test_who_says_stop_is_told_so_and_hears_no_alert_again(town: Town) -> None:
    """BERHENTI is confirmed; the update leaves that number out; a new import does not undo it."""
    alert = await in_force(town, residents(12))
    await town.smsc.write(RINI, OFFICE, "Berhenti.")
    texts = await heard_by(town, RINI, 2)
    assert "DAFTAR" in texts[1]
    await town.must("Ani", "POST", "/api/v1/residents", residents(12))
    body = {"purpose": "update", "slots": {"level_m": "2"}}
    second = await town.must("Rina", "POST", f"/api/v1/alerts/{alert['id']}/follow", body)
    await town.approve(second)
    assert (await town.done(second["id"]))["sms"]["accepted"] == 11
    assert len(await heard_by(town, RINI, 2)) == 2


async def test_daftar_registers_a_new_number_for_an_area(town: Town) -> None:
    """An unknown number joins by name of the area and gets the next alert; a wrong name registers nobody."""
    await town.settle(residents(1))
    await town.smsc.wait_bound()
    new = "+6281299998888"
    await town.smsc.write(new, OFFICE, "DAFTAR")
    assert "DAFTAR" in (await heard_by(town, new, 1))[0]
    await town.smsc.write(new, OFFICE, "DAFTAR Atlantis")
    await heard_by(town, new, 2)
    await town.smsc.write(new, OFFICE, "daftar utara")
    assert "Utara" in (await heard_by(town, new, 3))[2]
    alert = await town.trigger(channels=["sms"])
    assert alert["audience"]["addresses"] == 2
    await town.approve(alert)
    assert len(await heard_by(town, new, 4)) == 4


async def test_a_text_the_provider_sends_twice_is_filed_once(town: Town) -> None:
    """Telegram repeats an update that was not confirmed: one inquiry, one answer."""
    await in_force(town, residents(1, 1))
    await town.telegram.write(1000000, "dimana posko?")
    await town.telegram.until(lambda t: len(t.sent) >= 2)
    house = town.service.house
    rows = await house.pool.fetch("SELECT account, provider_id FROM inquiry")
    assert len(rows) == 1
    with_again = await house.pool.fetchval(
        "SELECT count(*) FROM inquiry WHERE account = $1 AND provider_id = $2", *rows[0].values()
    )
    assert with_again == 1


async def test_no_number_and_no_word_of_a_resident_is_in_any_log_line(town: Town, capfd: Any) -> None:
    """Neither the carrier's fault nor an inquiry writes an address or a text to the log."""
    await in_force(town, residents(4, 2))
    town.smsc.fault = "throttle"
    await town.smsc.write(RINI, OFFICE, "rahasia sekali ini pertanyaan saya")
    async with asyncio.timeout(10):
        while not await town.must("Rina", "GET", "/api/v1/inquiries?state=open"):
            await town.service.house.progress.wait(0.05)
    logged = "".join(capfd.readouterr())
    assert "inbound.filed" in logged
    for secret in ("rahasia", RINI[1:], "81201000010", "1000001", *town.tokens.values()):
        assert secret not in logged


async def test_who_stops_and_joins_again_is_warned_again(town: Town) -> None:
    """STOP and then DAFTAR: the next alert reaches them, without a restart of anything."""
    await town.settle(residents(12))
    await town.smsc.wait_bound()
    await town.smsc.write(RINI, OFFICE, "STOP")
    await heard_by(town, RINI, 1)
    await town.smsc.write(RINI, OFFICE, "DAFTAR Utara")
    await heard_by(town, RINI, 2)
    alert = await town.trigger(channels=["sms"])
    await town.approve(alert)
    assert (await town.done(alert["id"]))["sms"]["accepted"] == 12
    assert len(await heard_by(town, RINI, 3)) == 3


async def test_a_text_that_cannot_be_stored_whole_is_filed_and_holds_up_nobody(town: Town) -> None:
    """NUL and half an emoji by Telegram: filed without them, and the next resident is heard."""
    await in_force(town, residents(1, 2))
    await town.telegram.write(1000000, "tolong\x00 ini \ud83d rusak?")
    await town.telegram.write(1000001, "dimana posko?")
    await town.telegram.until(lambda t: any("SDN 05" in s.text and s.chat_id == "1000001" for s in t.sent[2:]))
    assert len(await town.must("Rina", "GET", "/api/v1/inquiries")) == 2


async def test_a_request_that_cannot_be_stored_is_the_callers_fault(town: Town) -> None:
    """A NUL in a reason is 400 in one sentence, not a failure of the service."""
    await town.settle(residents(1))
    alert = await town.trigger()
    status, told = await town.call("Budi", "POST", f"/api/v1/alerts/{alert['id']}/return", {"reason": "a\x00bcd"})
    assert (status, "cannot be stored" in told["error"]) == (400, True)


async def test_a_resident_asks_by_sms_whether_an_alert_is_real(town: Town) -> None:
    """The code of the notice is confirmed, one nobody sent is not, and a slip is told apart."""
    alert = await in_force(town, residents(12))
    code = spell(alert["id"])
    (notice,) = await heard_by(town, RINI, 1)
    assert f" Code {code} " in notice
    slip = f"{code[:-1]}{9 - int(code[-1])}"
    asked = ((code, "Yes, from BPBD"), (spell(4711), "Do not pass it on"), (slip, "do not match"))
    for n, (wrote, says) in enumerate(asked):
        await town.smsc.write(RINI, OFFICE, f"CHECK {wrote}")
        assert says in (await heard_by(town, RINI, n + 2))[-1]
