"""Stations from the command line: added, changed, closed, and read back by officer and by mail, without any secret."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from crisis.__main__ import run
from crisis.cli import kits
from crisis.cli.show import on_air
from crisis.errors import NotFound
from tests.crisis.cli.conftest import Ran, as_officer
from tests.stories.town import Town, residents

REF = "7QKMXW2H9RTBCDEF"
WAY = "sftp://bpbd:s3cret@127.0.0.1:9/drop?hostkey=any"
TAKEN = """
INSERT INTO attempt SELECT d.id, s.address_id, 9, 'accepted', 'text only: no voice for jv', ARRAY[$2], d.account, now()
FROM dispatch d CROSS JOIN station s WHERE d.alert_id = $1 AND d.channel = 'radio' AND s.name = $3
"""

Says = Callable[..., Awaitable[Ran]]


@pytest.fixture
def station(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Says:
    """`await station(env, "list")` runs `crisis station list` in this process."""

    async def run_here(env: Mapping[str, str], *arguments: str, given: bytes = b"") -> Ran:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
        capsys.readouterr()
        with capture_logs():  # the town's service runs in this process too
            code = await asyncio.to_thread(run, ["station", *arguments])
        told = capsys.readouterr()
        return Ran(code=code, out=told.out, err=told.err)

    return run_here


@pytest.fixture
def says(town: Town, station: Says) -> Says:
    """`await says("Ani", "list")` runs it as one of the town's officers."""
    return lambda who, *arguments, **given: station(as_officer(town, who), *arguments, **given)


async def released(town: Town) -> int:
    """An exercise that left on radio."""
    await town.settle(residents(3))
    alert = await town.trigger(channels=["radio"])
    await town.approve(alert)
    return int(alert["id"])


def mail(text: str) -> bytes:
    letter = EmailMessage()
    letter["From"] = "Pak Budi <studio@rri.example>"
    letter.set_content(text)
    return letter.as_bytes()


async def test_a_station_is_added_changed_closed_and_opened(says: Says) -> None:
    """Words for people, JSON for machines, and nowhere what opens its door."""
    seen = ""
    ran = await says(
        "Ani", "add", "RRI Pontianak", "--way", WAY, "--language", "id", "--formats", "wav, mp3", "--carts",
        "900001-900010", "--contact", "Pak Budi 0561-1", "--exercise",
    )  # fmt: skip
    assert (ran.code, ran.out) == (
        0,
        "RRI Pontianak is added: it gets alerts, exercises and tests by sftp://***@127.0.0.1:9/drop?hostkey=***\n",
    )
    ran = await says("Ani", "add", "Radio/Dua 50%", "--way", "-", "--language", "su", "--json", given=WAY.encode())
    seen += ran.out
    assert (ran.told["name"], ran.told["formats"], ran.told["exercise"]) == ("Radio/Dua 50%", [], False)
    ran = await says("Rina", "list", "--json")
    seen += ran.out
    assert [s["name"] for s in ran.told] == ["Radio/Dua 50%", "RRI Pontianak"]
    ran = await says("Rina", "list")
    seen += ran.out
    assert all(part in ran.out for part in ("RRI Pontianak", "900001-900010", "wav, mp3", "open", "usual"))
    ran = await says(
        "Ani", "change", "radio/dua 50%", "--carts", "7", "--way", "mailto:studio@dua.example", "--exercise"
    )
    assert ran.out == "Radio/Dua 50% is changed: it gets alerts by mailto:studio@dua.example\n"
    ran = await says("Rina", "show", "Radio/Dua 50%", "--json")
    assert (ran.told["cart_first"], ran.told["cart_last"], ran.told["exercise"]) == (7, 7, True)
    assert (await says("Ani", "change", "Radio/Dua 50%", "--carts", "none", "--json")).told["cart_first"] is None
    ran = await says("Ani", "close", "Radio/Dua 50%")
    assert ran.out == "Radio/Dua 50% is closed: it gets nothing more\n"
    ran = await says("Ani", "change", "Radio/Dua 50%", "--contact", "Bu Sri")
    assert ran.out == "Radio/Dua 50% is changed: it is closed and gets nothing\n"
    ran = await says("Rina", "show", "Radio/Dua 50%")
    assert (ran.code, "closed 20" in ran.out, "takes part" in ran.out) == (0, True, True)
    assert (await says("Ani", "open", "Radio/Dua 50%", "--json")).told["open"] is True
    assert "s3cret" not in seen


FAULTS = (
    ("Ani", ("add", "RRI PONTIANAK", "--way", WAY, "--language", "id"), "station: name: there is such a station"),
    ("Ani", ("add", "X", "--way", "gopher://u:s3cret@x", "--language", "id"), "it must begin with one of"),
    ("Ani", ("add", "X", "--way", "sftp://u:s3cret/x@h/y", "--language", "id"), "its URL cannot be read"),
    ("Ani", ("add", "X", "--way", WAY, "--language", "id", "--formats", "wax"), "format 'wax' is unknown"),
    ("Ani", ("add", "X", "--way", WAY, "--language", "id", "--carts", "9-1"), "9-1 is no range: the first comes first"),
    ("Ani", ("add", "X", "--way", WAY, "--language", "id", "--carts", "9 to 10"), "--carts: '9 to 10' is no range"),
    ("Ani", ("add", "X", "--way", WAY, "--language", "Bahasa"), "station: language: 'Bahasa' is no code"),
    ("Rina", ("add", "X", "--way", WAY, "--language", "id"), "role admin"),
    ("Rina", ("close", "RRI Pontianak"), "role admin"),
    ("Ani", ("change", "RRI Pontianak"), "nothing to change of RRI Pontianak"),
    ("Ani", ("change", "none", "--exercise"), "there is no station 'none'"),
    ("Rina", ("show", "none"), "there is no station 'none'"),
    ("Rina", ("receipts", "99"), "there is no released alert 99"),
    ("Rina", ("aired", "99", "RRI Pontianak", "--at", "21.35", "--by", "Budi"), "there is no released alert 99"),
    ("Rina", ("readback", "--mail", "/none"), "cannot be read"),
    ("Rina", ("readback", "--mail", "-"), "the mail names no code"),
)


async def test_each_fault_is_one_sentence_without_secrets(says: Says) -> None:
    """What is wrong, where, and exit code 1."""
    assert "no station is registered" in (await says("Rina", "list")).out
    assert (await says("Ani", "add", "RRI Pontianak", "--way", WAY, "--language", "id")).code == 0
    for who, arguments, sentence in FAULTS:
        ran = await says(who, *arguments)
        assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1), arguments
        assert sentence in ran.err, arguments
        assert "s3cret" not in ran.err


async def test_what_a_station_says_is_noted_and_shown(town: Town, says: Says, tmp_path: Path) -> None:
    """By mail, in a file or piped, and by an officer; twice is told so, and receipts show it all."""
    await says("Ani", "add", "RRI", "--way", WAY, "--language", "id", "--exercise")
    await says("Ani", "add", "Suara", "--way", WAY, "--language", "id", "--exercise")
    alert = await released(town)
    await town.service.house.pool.execute(TAKEN, alert, REF, "RRI")
    now = datetime.now(UTC).astimezone(town.service.house.office.zone)
    clock, after = f"{now:%H.%M}", f"{now:%Y-%m-%d %H:%M}"
    ran = await says("Rina", "readback", "--mail", "-", given=mail(f"Kode {REF}\nDisiarkan {clock} WIB"))
    assert (ran.code, ran.out) == (0, f"alert {alert} aired by RRI {after} WIB is noted\n")
    file = tmp_path / "mail.eml"
    file.write_bytes(mail(f"disiarkan {clock}\n> https://x.example/aired/{REF}"))
    ran = await says("Rina", "readback", "--mail", str(file), "--json")
    assert (ran.told["new"], [one["by"] for one in ran.told["airings"]]) == (False, ["Pak Budi"])
    for text, sentence in (
        (f"2222222222222222 {clock}", "no station was sent a kit under the code"),
        (f"{REF} 2026-01-01 10.00", "is before the alert was sent"),
    ):
        ran = await says("Rina", "readback", "--mail", "-", given=mail(text))
        assert (ran.code, sentence in ran.err, ran.out) == (1, True, "")
    ran = await says("Rina", "aired", str(alert), "Suara", "--at", clock, "--by", "Bu Sri", "--note", "by phone")
    assert (ran.code, "is noted; its kit was never taken" in ran.out) == (0, True)
    ran = await says("Rina", "aired", str(alert), "RRI", "--at", clock, "--by", "Bu Sri")
    assert "(2 reports on record)" in ran.out
    ran = await says("Rina", "aired", str(alert), "RRI", "--at", "malam", "--by", "Bu Sri")
    assert (ran.code, "write one time, such as 21.35" in ran.err) == (1, True)
    ran = await says("Rina", "receipts", str(alert), "--json")
    told = {s["station"]: s for s in ran.told["stations"]}
    assert (ran.told["accepted"], ran.told["aired"]) == (1, 2)
    assert (told["RRI"]["state"], told["RRI"]["code"]) == ("accepted", "text only: no voice for jv")
    assert [(a["by"], a["how"], a["officer"]) for a in told["RRI"]["airings"]] == [
        ("Pak Budi", "email", "Rina"),
        ("Bu Sri", "officer", "Rina"),
    ]
    ran = await says("Rina", "receipts", str(alert))
    assert all(part in ran.out for part in ("text only", "Pak Budi", "(email)", "noted by", "by phone"))
    assert "s3cret" not in ran.out


async def test_a_kit_is_built_of_what_was_released(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """`crisis radio build --alert` asks the service for the words as they went out, one notice a language."""
    for name, value in as_officer(town, "Rina").items():
        monkeypatch.setenv(name, value)
    alert = await released(town)
    told = await asyncio.to_thread(kits.of_service, alert)
    assert sorted(one.language for one in told) == ["en", "id"]
    for one in told:
        assert (one.mode, one.about is not None, one.document[:5]) == ("Exercise", True, b"<?xml")
    with pytest.raises(NotFound, match="there is no alert 99"):
        await asyncio.to_thread(kits.of_service, 99)


async def test_a_mail_waits_while_the_service_is_away(station: Says, free_port: Callable[[], int]) -> None:
    """A mail server that pipes to us keeps the mail and asks again (exit code 75)."""
    env = {"CRISIS_URL": f"http://127.0.0.1:{free_port()}", "CRISIS_TOKEN": "none"}
    ran = await station(env, "readback", "--mail", "-", given=mail(f"{REF} 10.00"))
    assert (ran.code, "is not reachable" in ran.err, ran.out) == (75, True, "")


@pytest.mark.parametrize(("channel", "audience", "told"), [("radio", 2, 1), ("radio", 0, 0), ("sms", 2, 0)])
def test_an_alerts_progress_says_what_radio_counts(channel: str, audience: int, told: int) -> None:
    """No officer takes a kit that is there for one that was heard."""
    lines = on_air({"id": 5, "dispatches": [{"channel": channel, "audience": audience}]})
    assert len(lines) == told
    assert all("`crisis station receipts 5`" in str(line) for line in lines)
