"""What residents write after the first alert, by SMS, Telegram and the web form, and what they hear."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from deploy.demo_desk import until
from deploy.demo_district import Resident
from deploy.demo_process import AGENCY
from deploy.demo_scene import Scene

ODD = "Apakah pasar ikan tetap buka besok pagi untuk pedagang?"
REPLY = "Pasar ikan tutup besok. Kabar berikutnya lewat SMS ini."
DANGER = "TOLONG kami terjebak di atap, air sudah setinggi dada, ada bayi"
HELP = "Tim SAR sedang menuju ke tempat Anda. Tetap di atap, lambaikan kain."
CODE = re.compile(r"(?:Kode|Code) (\d+)")
NONCE = re.compile(r'name="nonce" value="([^"]+)"')


async def questions(scene: Scene) -> None:
    """Let residents ask, have officers answer what the playbook cannot, and let one resident leave."""
    asker, odd, trapped, leaver, doubter = (p for p in scene.warned("sms")[:50:10])
    await _by_sms(scene, asker)
    await _is_it_real(scene, doubter)
    await _by_telegram(scene)
    await _by_web(scene)
    await _by_officer(scene, odd)
    await _life_at_risk(scene, trapped)
    await _stop(scene, leaver)


async def _by_sms(scene: Scene, asker: Resident) -> None:
    said = await _write(scene, asker, "dimana posko pengungsian?")
    scene.timeline.tell("questions", f'"dimana posko pengungsian?" was answered: "{said}"', channel="sms")
    scene.timeline.check("a question by SMS is answered from the playbook", "SDN 05 Contoh" in said, said)


async def _is_it_real(scene: Scene, person: Resident) -> None:
    """Have somebody doubt the alert, and ask by the code in it."""
    got = scene.sms_to(person.address)[0]
    code = CODE.findall(got)
    scene.timeline.check("the SMS carries a code to check it by", len(code) == 1, got)
    said = await _write(scene, person, f"CEK {''.join(code)}")
    scene.timeline.tell("questions", f'"CEK {"".join(code)}" was answered: "{said}"', channel="sms")
    headline = scene.alerts["siaga"]["words"][person.language]["headline"]
    scene.timeline.check("who doubts an alert is told that it is ours", headline in said, said)
    page = await scene.desk.page(f"/check/{''.join(code)}?lang=id")
    scene.timeline.check("the page says so too", AGENCY in page and "Sungai Raya" in page)


async def _write(scene: Scene, person: Resident, text: str) -> str:
    """Write as a resident and give what comes back to that phone."""
    before = len(scene.sms_to(person.address))
    await scene.smsc.write(person.address, "BPBD", text)
    return await _heard(lambda: scene.sms_to(person.address), before, f'the answer to "{text}"')


async def _heard(inbox: Callable[[], list[str]], before: int, what: str) -> str:
    async def more() -> list[str]:
        return inbox()[before:]

    texts: list[str] = await until(what, more)
    return texts[0]


async def _by_telegram(scene: Scene) -> None:
    person = next(p for p in scene.warned("telegram") if p.language == "en")
    before = len(scene.chat_of(person.address))
    await scene.telegram.write(person.address, "where is the shelter?")
    said = await _heard(lambda: scene.chat_of(person.address), before, "the answer on Telegram")
    scene.timeline.tell("questions", f'"where is the shelter?" was answered: "{said}"', channel="telegram")
    scene.timeline.check("a question on Telegram is answered in its language", "Shelters:" in said, said)


async def _by_web(scene: Scene) -> None:
    """Fill in the form of the page as a browser does, and read the answer on the page it leads to."""
    desk = scene.desk
    nonce = NONCE.search(await desk.page("/ask?exercise=1&lang=id"))
    form = {"question": "berapa tinggi air", "answer_in": "id", "exercise": "1", "nonce": nonce[1] if nonce else ""}
    async with desk.session.post(f"{desk.url}/ask?lang=id", data=form, allow_redirects=False) as reply:
        where = reply.headers.get("Location", "")
        scene.timeline.check("the form leads to a page of its own", reply.status == 303, reply.status)

    async def answered() -> bool:
        return "Air 1,2 m" in await desk.page(where)

    await until("the answer on the web page", answered)
    scene.timeline.tell("questions", '"berapa tinggi air" was answered on a page only the asker knows', channel="web")
    (scene.kept / "page" / "1-siaga-answer.html").write_text(await desk.page(where), encoding="utf-8")


async def _by_officer(scene: Scene, person: Resident) -> None:
    said = await _write(scene, person, ODD)
    scene.timeline.check("what the playbook cannot answer is not answered by guessing", REPLY not in said, said)
    await _answer(scene, "Rina", ODD, REPLY)
    said = await _until_said(scene, person, REPLY)
    scene.timeline.tell("questions", f'"{ODD}" went to Rina, who answered: "{said}"', channel="sms")


async def _answer(scene: Scene, who: str, asked: str, text: str) -> None:
    """Have an officer find a question in the inbox and answer it."""

    async def found() -> dict[str, Any] | None:
        inbox = await scene.desk.must(who, "GET", "/inquiries?state=open")
        return next((inquiry for inquiry in inbox if inquiry["text"] == asked), None)

    inquiry: dict[str, Any] = await until(f'"{asked}" in the inbox', found)
    await scene.desk.must(who, "POST", f"/inquiries/{inquiry['id']}/assign")
    await scene.desk.must(who, "POST", f"/inquiries/{inquiry['id']}/answer", {"text": text})


async def _until_said(scene: Scene, person: Resident, text: str) -> str:
    async def said() -> str:
        return next((one for one in scene.sms_to(person.address) if text in one), "")

    found: str = await until(f'"{text}" on a phone', said)
    return found


async def _life_at_risk(scene: Scene, person: Resident) -> None:
    said = await _write(scene, person, DANGER)
    scene.timeline.check("who is in danger hears at once what to do", "112" in said, said)
    alarm = await until("the alarm of a life at risk", _alarm_of(scene))
    scene.timeline.tell("questions", f"ALARM to all officers: {alarm['says']}", channel="sms")
    await scene.desk.must("Sari", "POST", f"/alarms/{alarm['id']}/seen")
    await _answer(scene, "Sari", DANGER, HELP)
    said = await _until_said(scene, person, HELP)
    scene.timeline.tell("questions", f'Sari answered: "{said}"', channel="sms")


def _alarm_of(scene: Scene) -> Callable[[], Awaitable[dict[str, Any] | None]]:
    async def raised() -> dict[str, Any] | None:
        alarms = await scene.desk.must("Sari", "GET", "/alarms")
        return next((alarm for alarm in alarms if alarm["kind"] == "life_at_risk"), None)

    return raised


async def _stop(scene: Scene, person: Resident) -> None:
    said = await _write(scene, person, "BERHENTI")
    scene.timeline.facts["left"] = person.address
    scene.timeline.facts["left_heard"] = len(scene.sms_to(person.address))
    scene.timeline.tell("questions", f'BERHENTI was obeyed: "{said}"', channel="sms")
