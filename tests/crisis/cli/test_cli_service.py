"""Commands that ask a running service: a district set up, warned, answered and told that it is over."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.crisis.cli.conftest import Crisis, Ran, as_officer, surroundings
from tests.stories.town import KEY, Town, areas, residents

Asks = Callable[..., Awaitable[Ran]]

SET = (
    "--set", "place=Desa Kuala Dua", "--set", "level_m=1,2", "--set", "time_observed=2026-11-21 19.30 WIB",
    "--set", "shelters=SDN 05 Kuala Dua; Masjid Nurul Iman", "--set", "posko=0561-765432",
)  # fmt: skip
FLOOD = ("trigger", "flood", "--level", "siaga", "--area", "Utara", "--mode", "exercise", *SET)


@pytest.fixture
async def settled(town: Town) -> Town:
    """The town with its areas and forty residents."""
    await town.settle(residents(30, 10))
    return town


@pytest.fixture
async def pending(settled: Town) -> int:
    """An alert that Rina submitted."""
    number: int = (await settled.trigger())["id"]
    return number


async def test_areas_and_residents_come_from_files_and_wrong_rows_are_told(
    town: Town, asks: Asks, tmp_path: Path
) -> None:
    """What is right is stored, each wrong row is told with its line, and nothing at all is exit code 1."""
    shapes, people, bad = tmp_path / "areas.geojson", tmp_path / "people.csv", tmp_path / "bad.csv"
    shapes.write_text(areas())
    people.write_text(residents(3) + "\n12,sms,id,61.01,yes,0,yes\n")
    bad.write_text("address,channel,language,area,consent\n12,sms,id,61.01,yes\n")
    ran = await asks("Ani", "area", "import", str(shapes), "--json")
    assert (ran.code, ran.told["saved"], ran.told["refused"]) == (0, 3, 0)
    ran = await asks("Ani", "resident", "import", str(people))
    assert (ran.code, ran.out) == (0, "3 added, 0 updated, 0 moved, 1 refused\n")
    assert ran.err.startswith("people.csv:5: address: ")
    ran = await asks("Ani", "resident", "import", str(bad))
    assert ran.code == 1
    assert f"{bad}: nothing was stored" in ran.err
    ran = await asks("Ani", "area", "list", "--json")
    assert {row["code"]: row["residents"] for row in ran.told} == {"61.01": 3, "61.02": 0, "61.03": 0}


async def test_a_file_that_cannot_be_used_is_refused_whole(town: Town, asks: Asks, tmp_path: Path) -> None:
    """A wrong file, a missing one and a wrong role are each one sentence, and nothing is stored."""
    file = tmp_path / "x.geojson"
    file.write_text("{")
    for who, arguments, says in (
        ("Ani", ("area", "import", str(file)), "x.geojson"),
        ("Ani", ("area", "import", str(tmp_path / "none")), "cannot be read"),
        ("Rina", ("area", "import", str(file)), "this needs the role admin"),
    ):
        ran = await asks(who, *arguments)
        assert (ran.code, ran.out) == (1, "")
        assert says in ran.err
    assert (await asks("Ani", "area", "list", "--json")).told == []


async def test_a_dry_run_shows_everything_and_stores_nothing(settled: Town, asks: Asks) -> None:
    """Every rendition with text, size, audience and cost; for people the mode, the area and the hash too."""
    ran = await asks("Rina", *FLOOD, "--dry-run", "--json")
    assert ran.code == 0, ran.err
    shown = ran.told
    assert {r["channel"] for r in shown["renditions"]} == {"sms", "telegram", "mastodon", "page", "radio"}
    assert all(
        r["text"] and r["parts"] and "LATIHAN" in r["text"] for r in shown["renditions"] if r["language"] == "id"
    )
    assert shown["audience"]["by_channel"] == {"sms": 30, "telegram": 10}
    ran = await asks("Rina", *FLOOD, "--dry-run")
    assert ran.code == 0
    assert ran.out.startswith(" EXERCISE / LATIHAN")
    for says in ("Utara", "km2", "40 addresses", "sms 30, telegram 10", "Desa Kuala Dua", "expires", "hash"):
        assert says in ran.out
    assert (await asks("Rina", "alert", "list", "--json")).told == []


async def test_a_dry_run_over_an_empty_area_fails(settled: Town, asks: Asks) -> None:
    """The preview is shown, the refusal is told, and a machine sees exit code 1."""
    ran = await asks("Rina", *(a if a != "Utara" else "Kosong" for a in FLOOD), "--dry-run", "--json")
    assert ran.code == 1
    assert ran.err == "nobody enrolled for exercises lives in Kosong: check the area, or import residents\n"
    assert ran.told["refusals"] == [ran.err.strip()]
    ran = await asks("Rina", *(a if a != "Utara" else "Kosong" for a in FLOOD), "--yes")
    assert ran.code == 1
    assert "nobody enrolled" in ran.err
    assert (await asks("Rina", "alert", "list", "--json")).told == []


async def test_a_preview_that_is_only_late_is_a_good_preview(settled: Town, asks: Asks) -> None:
    """Looking at a warning of the past is no mistake; sending it is."""
    ran = await asks("Rina", *FLOOD, "--expires", "2020-01-01T00:00+07:00", "--dry-run", "--json")
    assert ran.code == 0
    assert ran.err.startswith("it expired at 2020-01-01T00:00:00+07:00")
    ran = await asks("Rina", *FLOOD, "--expires", "2020-01-01T00:00+07:00", "--yes")
    assert ran.code == 1


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (("--area", "Atlantis"), "area: Atlantis: is no area we know"),
        (("--set", "colour=red"), "slots: colour: is no slot of flood"),
        (("--level", "merah"), "playbook flood has no level 'merah'"),
        (("--channel", "fax"), "channels: fax: is not in playbook flood"),
        (("--mode", "actual"), "none of sms, telegram, mastodon, page, radio, webhook has an account for Actual"),
    ],
)
async def test_a_wrong_wish_is_told_with_its_place(
    settled: Town, asks: Asks, changed: tuple[str, ...], says: str
) -> None:
    """What the service refuses reaches the officer as a sentence, and nothing is stored."""
    ran = await asks("Rina", *FLOOD, *changed, "--yes")
    assert (ran.code, ran.out) == (1, "")
    assert says in ran.err
    assert "Traceback" not in ran.err


async def test_nothing_is_submitted_without_a_terminal_or_a_yes(settled: Town, asks: Asks) -> None:
    """A script that forgot --yes is told what it would have done."""
    ran = await asks("Rina", *FLOOD)
    assert ran.code == 1
    assert "Submit EXERCISE flood siaga to 40 addresses in Utara? There is no terminal" in ran.err
    assert (await asks("Rina", "alert", "list", "--json")).told == []


async def at_terminal(town: Town, who: str, typed: str, *arguments: str) -> tuple[int, str]:
    """Run a command at a terminal, type a line (or Ctrl-C for none) when it asks; give its exit code and words."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crisis", *arguments, env=surroundings(as_officer(town, who)),
        stdin=theirs, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a run in the background ignores it
    )  # fmt: skip
    os.close(theirs)
    try:
        assert process.stderr is not None
        async with asyncio.timeout(60):
            asked = await process.stderr.readuntil(b"(YA): ")
            os.write(ours, typed.encode()) if typed else process.send_signal(signal.SIGINT)
            told = await process.stderr.read()
            return await process.wait(), (asked + told).decode()
    finally:
        os.close(ours)
        with contextlib.suppress(ProcessLookupError):
            process.kill()


async def test_only_a_typed_yes_submits(settled: Town, asks: Asks) -> None:
    """Anything else but YES changes nothing."""
    code, told = await at_terminal(settled, "Rina", "y\n", *FLOOD)
    assert code == 1
    assert "not confirmed: nothing was changed" in told
    assert (await asks("Rina", "alert", "list", "--json")).told == []
    code, told = await at_terminal(settled, "Rina", "YES\n", *FLOOD)
    assert (code, "Submit EXERCISE flood siaga to 40 addresses in Utara?" in told) == (0, True)
    [alert] = (await asks("Rina", "alert", "list", "--state", "pending", "--json")).told
    assert alert["submitted_by"] == "Rina"


async def test_ctrl_c_at_the_question_is_quiet(settled: Town) -> None:
    """Nothing is said, nothing is changed, and the shell sees 130."""
    code, told = await at_terminal(settled, "Rina", "", *FLOOD)
    assert code == 130
    assert "Traceback" not in told


async def test_the_same_key_twice_is_one_alert(settled: Town, asks: Asks) -> None:
    """A script that runs again after a crash does not warn twice."""
    ran = [await asks("Rina", *FLOOD, "--yes", "--json", "--key", "k-1") for _ in range(2)]
    assert [r.code for r in ran] == [0, 0]
    assert ran[0].told["id"] == ran[1].told["id"]
    assert ran[0].told["state"] == "pending"


async def test_the_author_cannot_approve_and_another_hash_releases_nothing(
    settled: Town, asks: Asks, pending: int
) -> None:
    """Two people and the words as read, or no release."""
    ran = await asks("Rina", "alert", "approve", str(pending), "--yes")
    assert ran.code == 1
    assert "approved by" in ran.err
    ran = await asks("Budi", "alert", "approve", str(pending), "--hash", "0" * 64)
    assert ran.code == 1
    assert "read it again and approve what you see" in ran.err
    assert (await asks("Budi", "alert", "show", str(pending), "--json")).told["state"] == "pending"


async def test_an_approval_is_followed_to_its_end(settled: Town, asks: Asks, pending: int) -> None:
    """The approver sees the words, and JSON lines until every channel has ended."""
    ran = await asks("Budi", "alert", "approve", str(pending), "--yes", "--follow", "--json")
    assert ran.code == 0, ran.err
    assert "Desa Kuala Dua" in ran.err  # the words, beside the JSON
    told = [json.loads(line) for line in ran.out.splitlines()]
    assert told[-1]["kind"] == "end"
    counts = {d["channel"]: d["accepted"] for d in told[-1]["dispatches"]}
    assert (counts["sms"], counts["telegram"], counts["mastodon"]) == (30, 10, 2)
    ran = await asks("Rina", "alert", "show", str(pending), "--follow")
    assert ran.code == 0
    assert "sms/exercise done 30/30 accepted" in ran.out
    ran = await asks("Rina", "alert", "show", str(pending))
    assert ran.code == 0
    for says in ("is live", "alert.approve Budi", "first", "EXERCISE / LATIHAN"):
        assert says in ran.out


async def test_an_update_and_an_all_clear_go_the_same_way(settled: Town, asks: Asks, pending: int) -> None:
    """What follows takes the place of what was, to the same people."""
    await asks("Budi", "alert", "approve", str(pending), "--yes")
    ran = await asks("Rina", "alert", "update", str(pending), "--set", "level_m=2", "--dry-run", "--json")
    assert (ran.code, ran.told["purpose"], ran.told["slots"]["level_m"]) == (0, "update", 2.0)
    ran = await asks("Rina", "alert", "update", str(pending), "--set", "level_m=2", "--yes", "--json")
    assert (ran.code, ran.told["state"]) == (0, "pending"), ran.err
    update = str(ran.told["id"])
    ran = await asks("Budi", "alert", "approve", update, "--hash", ran.told["words_hash"])
    assert (ran.code, ran.out) == (
        0,
        f"alert {update} is live; see how far it got with `crisis alert show {update} --follow`\n",
    )
    ran = await asks("Rina", "alert", "all-clear", update, "--reason", "Air surut 20 cm", "--yes", "--json")
    assert (ran.code, ran.told["purpose"]) == (0, "all_clear"), ran.err
    await asks("Budi", "alert", "approve", str(ran.told["id"]), "--hash", ran.told["words_hash"])
    rows = (await asks("Rina", "alert", "list", "--json")).told
    assert [row["state"] for row in rows] == ["live", "superseded", "superseded"]


async def test_a_supervisor_cancels_at_once(settled: Town, asks: Asks, pending: int) -> None:
    """Break-glass releases in one command, with the reason in the alarms."""
    await asks("Budi", "alert", "approve", str(pending), "--yes")
    reason = "Data sensor salah"
    ran = await asks(
        "Sari", "alert", "cancel", str(pending), "--reason", reason, "--break-glass", reason, "--yes", "--json"
    )
    assert (ran.code, ran.told["state"], ran.told["purpose"]) == (0, "live", "cancel"), ran.err
    [alarm] = [a for a in (await asks("Sari", "alarm", "list", "--json")).told if a["kind"] == "break_glass"]
    assert reason in alarm["says"]
    assert (await asks("Sari", "alarm", "seen", str(alarm["id"]))).code == 0
    ran = await asks("Sari", "alarm", "seen", str(alarm["id"]))
    assert (ran.code, ran.err) == (1, f"there is no unseen alarm {alarm['id']}\n")


async def test_an_alert_is_returned_submitted_again_and_rejected(settled: Town, asks: Asks, pending: int) -> None:
    """Each step is one command; the follower of one that never leaves is not kept waiting."""
    ran = await asks("Budi", "alert", "return", str(pending), "--reason", "Nama desa salah")
    assert (ran.code, f"alert {pending} is returned" in ran.out) == (0, True)
    assert (await asks("Rina", "alert", "submit", str(pending))).code == 0
    assert (await asks("Budi", "alert", "reject", str(pending), "--reason", "Hujan sudah berhenti")).code == 0
    ran = await asks("Rina", "alert", "show", str(pending), "--follow")
    assert (ran.code, ran.out) == (0, f"alert {pending} is rejected: nothing has left yet\n")
    ran = await asks("Rina", "alert", "submit", str(pending))
    assert ran.code == 1
    assert f"alert {pending} is rejected" in ran.err


async def test_a_warning_of_bmkg_becomes_a_preview(town: Town, asks: Asks, samples: Path) -> None:
    """The polygons of a real CAP file choose the residents; an old one may be looked at."""
    people = ["address,channel,language,latitude,longitude,consent,exercise"]
    people += [f"+6281299{n:06d},sms,id,{-6.0 - n % 9 / 10:.2f},{106.0 + n % 7 / 10:.2f},yes,yes" for n in range(63)]
    await town.must("Ani", "POST", "/api/v1/residents", "\n".join(people))
    cap = samples / "feeds/bmkg/tests_fixtures_cap_banten.xml"
    ran = await asks(
        "Rina", "trigger", "flood", "--from-cap", str(cap), "--mode", "exercise", *SET, "--dry-run", "--json"
    )
    assert ran.code == 0, ran.err
    assert 0 < ran.told["audience"]["addresses"] < 63
    assert ran.told["source"]
    assert ran.told["cap"]["severity"]


async def test_a_resident_is_answered_from_the_inbox(settled: Town, asks: Asks) -> None:
    """The question is listed, taken, answered and closed; the answer leaves on the channel it came by."""
    await settled.smsc.wait_bound()
    await settled.smsc.write("+628120100000", "BPBD", "Pak, apakah jembatan Kapuas dua ditutup malam ini?")
    async with asyncio.timeout(20):
        while not (found := (await asks("Rina", "inbox", "list", "--json")).told):
            await asyncio.sleep(0)
    number = str(found[0]["id"])
    assert "jembatan" in found[0]["text"]
    assert found[0]["from"] != "+628120100000"  # Rina is no supervisor
    assert (await asks("Rina", "inbox", "assign", number)).out == f"inquiry {number} is with Rina\n"
    assert (await asks("Rina", "inbox", "answer", number, "Ya, ditutup sampai pagi.")).code == 0
    await settled.smsc.until(lambda: any("ditutup sampai pagi" in text.text for text in settled.smsc.submitted))
    assert (await asks("Rina", "inbox", "list", "--json")).told == []
    ran = await asks("Rina", "inbox", "list", "--state", "answered")
    assert "pagi" in ran.out
    assert (await asks("Rina", "inbox", "close", number)).code == 0


async def test_the_first_officer_needs_only_the_database_and_all_others_an_admin(crisis: Crisis, town: Town) -> None:
    """Once there is an officer, nobody is added without an admin's token; a disabled token opens nothing."""
    base = {"CRISIS_DATABASE_URL": town.dsn, "CRISIS_DATA_DIR": str(town.folder)}
    ran = await crisis("officer", "add", "Eve", "--role", "admin", env=base)
    assert (ran.code, ran.out) == (1, "")
    assert "an admin adds more" in ran.err
    admin = as_officer(town, "Ani")
    ran = await crisis("officer", "add", "Pak D/wi", "--role", "officer", "--json", env=admin)
    assert (ran.code, ran.told["role"]) == (0, "officer")
    theirs = {**admin, "CRISIS_TOKEN": ran.told["token"]}
    assert (await crisis("alert", "list", "--json", env=theirs)).told == []
    assert (await crisis("officer", "disable", "Pak D/wi", env=admin)).code == 0
    ran = await crisis("alert", "list", env=theirs)
    assert ran.code == 1
    assert "this token belongs to no officer" in ran.err
    rows = (await crisis("officer", "list", "--json", env=admin)).told
    assert {row["name"] for row in rows if row["disabled_at"]} == {"Pak D/wi"}
    assert ran.out == ""
    assert "Pak D/wi" in (await crisis("officer", "list", env=admin)).out


async def test_the_first_token_is_all_that_is_printed(crisis: Crisis, empty_dsn: str, tmp_path: Path) -> None:
    """On a fresh database the token of the first admin is the only thing on standard output."""
    base = {"CRISIS_DATABASE_URL": empty_dsn, "CRISIS_DATA_DIR": str(tmp_path)}
    ran = await crisis("officer", "add", "Ani", "--role", "admin", env=base)
    assert (ran.code, len(ran.out.strip())) == (0, 43), ran  # 256 bits
    assert ran.out.strip() not in ran.err
    ran = await crisis("migrate", env=base)
    assert (ran.code, ran.out) == (0, "the database is up to date\n")


async def test_the_first_officer_can_only_be_an_admin(crisis: Crisis, dsn: str, tmp_path: Path) -> None:
    """Any other role could never add a second one."""
    base = {"CRISIS_DATABASE_URL": dsn, "CRISIS_DATA_DIR": str(tmp_path)}
    ran = await crisis("officer", "add", "Ani", "--role", "officer", env=base)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "the first officer must be an admin: add one with --role admin\n"


@contextlib.asynccontextmanager
async def serving(env: dict[str, str]) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run `crisis serve` and give it with its line of readiness."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crisis", "serve", env=surroundings(env), stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            async for line in process.stderr:
                if line.startswith(b"ready: "):
                    yield process, line.decode()
                    break
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
async def test_the_service_says_when_it_is_ready_and_stops_when_told(
    crisis: Crisis, dsn: str, tmp_path: Path, sign: signal.Signals
) -> None:
    """One line tells where it is; a second service on the same port is refused in one sentence."""
    base = {"CRISIS_DATABASE_URL": dsn, "CRISIS_DATA_DIR": str(tmp_path), "CRISIS_KEY": KEY}
    async with serving({**base, "CRISIS_PORT": "0"}) as (process, line):
        port = line.split("127.0.0.1:")[1].split()[0]
        ran = await crisis("serve", env={**base, "CRISIS_PORT": port})
        assert ran.code == 1
        assert f"CRISIS_PORT: cannot listen on 127.0.0.1:{port}" in ran.err
        assert "Traceback" not in ran.err
        process.send_signal(sign)
        async with asyncio.timeout(20):
            assert await process.wait() == 0
