"""`crisis cap`: what an officer or a machine is told about CAP files, without the service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from crisis.__main__ import run
from tests.crisis.cli.conftest import Ran, surroundings

Crisis = Callable[..., Ran]
GOOD = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>A-1</identifier><sender>pos@example.org</sender>
<sent>2026-11-21T08:15:00+07:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
<info><language>id</language><category>Met</category><event>Banjir</event><urgency>Immediate</urgency>
<severity>Severe</severity><certainty>Likely</certainty><expires>2026-11-21T14:15:00+07:00</expires>
<headline>Banjir di Kuala Dua</headline><area><areaDesc>Kuala Dua</areaDesc></area></info></alert>"""
WARN = GOOD.replace("<expires>2026-11-21T14:15:00+07:00</expires>", "")
INVALID = GOOD.replace("<identifier>A-1<", "<identifier>A 1<").replace("T14:15", "T07:15")
REFUSED = GOOD.replace("<alert", "<!DOCTYPE alert>\n<alert", 1)
FEED = f"""<feed xmlns="http://www.w3.org/2005/Atom"><id>f</id><title>F</title><updated>2026-11-21T01:00:00Z</updated>
<entry><id>1</id><title>T</title><updated>2026-11-21T01:00:00Z</updated><content>{INVALID[38:]}</content></entry>
<entry><id>2</id><title>T</title><updated>2026-11-21T01:00:00Z</updated><link href="https://x.example/2"/></entry>
<entry><id>3</id><title>T</title><updated>2026-11-21T01:00:00Z</updated><content><![CDATA[{REFUSED}]]></content></entry>
</feed>"""


@pytest.fixture
def crisis(capsys: pytest.CaptureFixture[str]) -> Crisis:
    """`crisis("cap", "check", ...)` runs the command in this process."""

    def here(*arguments: str | Path) -> Ran:
        code = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Ran(code=code, out=said.out, err=said.err)

    return here


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One file of each verdict, a feed of them, and what is no XML."""
    for name, text in {"b/good.xml": GOOD, "a/warn.cap": WARN, "invalid.xml": INVALID, "refused.XML": REFUSED}.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    (tmp_path / "feed.atom").write_text(FEED)
    (tmp_path / "README.md").write_text("about these files")
    (tmp_path / "plain").write_text(GOOD)
    return tmp_path


def lines(ran: Ran) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ran.out.splitlines()]


def test_each_file_is_one_line_for_a_machine(crisis: Crisis, folder: Path) -> None:
    """A folder is walked in sorted order; XML without a suffix counts, other files do not."""
    ran = crisis("cap", "check", folder, "--json")
    told = [(Path(one["file"]).name, one["verdict"], one["version"], one["alerts"]) for one in lines(ran)]
    assert told == [
        ("warn.cap", "warn", "1.2", 1),
        ("good.xml", "valid", "1.2", 1),
        ("feed.atom", "invalid", "1.2", 1),
        ("invalid.xml", "invalid", "1.2", 1),
        ("plain", "valid", "1.2", 1),
        ("refused.XML", "refused", "", 0),
    ]
    assert (ran.code, ran.err) == (1, "")


def test_every_rule_is_told_with_its_place(crisis: Crisis, folder: Path) -> None:
    """Faults and warnings are kept apart; in a feed the place begins with its entry."""
    (invalid,) = lines(crisis("cap", "check", folder / "invalid.xml", "--json"))
    assert {(one["rule"], one["where"]) for one in invalid["errors"]} >= {
        ("R-ID-CHARS", "identifier"),
        ("R-TIME-ORDER", "info[0]/expires"),
    }
    (warn,) = lines(crisis("cap", "check", folder / "a", "--json"))
    assert [(one["rule"], one["where"]) for one in warn["warnings"]] == [("W-EXPIRES-MISSING", "info[0]/expires")]
    assert warn["errors"] == []
    (feed,) = lines(crisis("cap", "check", folder / "feed.atom", "--json"))
    places = {(one["rule"], one["where"]) for one in feed["errors"]}
    assert {("R-ID-CHARS", "entry[0]/identifier"), ("S-DTD", "entry[2]")} <= places
    (refused,) = lines(crisis("cap", "check", folder / "refused.XML", "--json"))
    assert [one["rule"] for one in refused["errors"]] == ["S-DTD"]
    assert all(one["says"] for one in (*feed["errors"], *refused["errors"], *invalid["errors"]))


def test_people_see_a_line_a_file_and_the_sum(crisis: Crisis, folder: Path) -> None:
    """The verdict comes first, the faults below it, and at the end how many of each."""
    ran = crisis("cap", "check", folder)
    assert ran.code == 1
    assert f"valid    {folder}/b/good.xml (CAP 1.2, 1 alert)\n" in ran.out
    assert "         R-ID-CHARS identifier: " in ran.out
    assert ran.out.endswith("6 files: 2 valid, 1 warn, 2 invalid, 1 refused\n")


@pytest.mark.parametrize("name", ["b/good.xml", "a/warn.cap"])
def test_a_usable_file_is_no_failure(crisis: Crisis, folder: Path, name: str) -> None:
    """Warnings alone leave the exit code at 0."""
    assert crisis("cap", "check", folder / name).code == 0


def test_a_file_that_is_not_there_does_not_stop_the_others(crisis: Crisis, folder: Path) -> None:
    """It is one sentence on stderr; a machine sees it in its line too."""
    ran = crisis("cap", "check", folder / "none.xml", folder / "b", "--json")
    assert ran.code == 1
    assert [one["verdict"] for one in lines(ran)] == ["refused", "valid"]
    assert ran.err == f"{folder}/none.xml: cannot be read: No such file or directory\n"


def test_no_name_in_a_folder_stops_or_hides_a_file(tmp_path: Path) -> None:
    """A name of any bytes is told in UTF-8, even where the terminal takes nothing else; a dead link is told too."""
    (tmp_path / os.fsdecode(b"bad\xff.xml")).write_text(GOOD)
    (tmp_path / "gone.xml").symlink_to("nowhere.xml")
    (tmp_path / "round.xml").symlink_to("round.xml")
    ran = subprocess.run(
        [sys.executable, "-m", "crisis", "cap", "check", str(tmp_path), "--json"],
        env=surroundings({"PYTHONIOENCODING": "utf-8:strict"}), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    told = [json.loads(line) for line in ran.stdout.decode().splitlines()]
    assert [(Path(one["file"]).name, one["verdict"]) for one in told] == [
        ("bad\\xff.xml", "valid"), ("gone.xml", "refused"), ("round.xml", "refused"),
    ]  # fmt: skip
    assert (ran.returncode, ran.stderr.decode().count("\n")) == (1, 2)


def test_an_unknown_profile_is_told_with_the_known(crisis: Crisis, folder: Path) -> None:
    """A slip in its name never means no profile."""
    ran = crisis("cap", "check", folder / "b", "--profile", "ipawz")
    assert (ran.code, ran.out) == (1, "")
    assert "there is no profile 'ipawz'; there are " in ran.err
    assert "ipaws" in ran.err


def test_a_profile_adds_its_rules(crisis: Crisis, folder: Path) -> None:
    """What is valid CAP may still not be what a profile asks for."""
    (verdict,) = lines(crisis("cap", "check", folder / "b", "--profile", "ipaws", "--json"))
    assert verdict["verdict"] == "invalid"
    assert {one["rule"][:2] for one in verdict["errors"]} == {"P-"}


def test_what_only_profiles_ask_is_a_fault_only_when_asked_for(crisis: Crisis, tmp_path: Path) -> None:
    """CAP lets infos differ in category; with a profile that does not, it is an error, told once."""
    start, end = GOOD.index("<info>"), GOOD.index("</alert>")
    other = GOOD[start:end].replace(">id<", ">en<").replace("Met<", "Geo<").replace("Banjir", "Flood")
    (tmp_path / "two.xml").write_text(GOOD[:end] + other + GOOD[end:])
    (plain,) = lines(crisis("cap", "check", tmp_path / "two.xml", "--json"))
    assert (plain["verdict"], plain["errors"]) == ("warn", [])
    assert [one["rule"] for one in plain["warnings"]] == ["P-CATEGORY-SAME"]
    (asked,) = lines(crisis("cap", "check", tmp_path / "two.xml", "--profile", "ipaws", "--json"))
    assert asked["verdict"] == "invalid"
    told = [one["rule"] for one in (*asked["errors"], *asked["warnings"])]
    assert told.count("P-CATEGORY-SAME") == 1


def test_read_prints_one_alert_a_line(crisis: Crisis, folder: Path) -> None:
    """What could be understood is told even of invalid files; refused ones and mere links are named beside."""
    ran = crisis("cap", "read", folder, "--json")
    told = [(Path(one["file"]).name, one.get("where", ""), one["identifier"]) for one in lines(ran)]
    assert told == [
        ("warn.cap", "", "A-1"),
        ("good.xml", "", "A-1"),
        ("feed.atom", "entry[0]", "A 1"),
        ("invalid.xml", "", "A 1"),
        ("plain", "", "A-1"),
    ]
    assert lines(ran)[0]["warnings"][0]["rule"] == "W-EXPIRES-MISSING"
    assert ran.code == 1
    assert "refused.XML: S-DTD: " in ran.err
    assert "feed.atom: entry[2]: S-DTD: " in ran.err
    assert "1 entries only lead to alerts, which were not fetched: https://x.example/2" in ran.err


def test_read_shows_people_what_counts(crisis: Crisis, folder: Path) -> None:
    """Who, what, how bad, until when and where."""
    ran = crisis("cap", "read", folder / "b")
    assert ran.code == 0
    for words in ("Actual Alert A-1", "Banjir di Kuala Dua", "Immediate/Severe/Likely", "14:15:00+07:00", "Kuala Dua"):
        assert words in ran.out


def test_what_is_read_can_be_written(crisis: Crisis, folder: Path, tmp_path: Path) -> None:
    """The record of `read --json` goes into `write` as it is, and comes out as strict CAP."""
    record = tmp_path / "record.json"
    record.write_text(crisis("cap", "read", folder / "b", "--json").out)
    written = crisis("cap", "write", record)
    assert (written.code, written.err) == (0, "")
    assert etree.fromstring(written.out.encode()).tag == "{urn:oasis:names:tc:emergency:cap:1.2}alert"
    assert crisis("cap", "write", folder / "b" / "good.xml", "--out", tmp_path / "out.xml").out == ""
    assert (tmp_path / "out.xml").read_text() == written.out
    assert crisis("cap", "diff", record, tmp_path / "out.xml").out.endswith("nothing changed that people see\n")


def test_a_record_may_begin_with_a_byte_order_mark(crisis: Crisis, folder: Path, tmp_path: Path) -> None:
    """Some editors put one before any text they save."""
    record = tmp_path / "record.json"
    record.write_text(crisis("cap", "read", folder / "b", "--json").out, encoding="utf-8-sig")
    assert crisis("cap", "write", record).code == 0


def test_write_tells_every_rule_that_is_broken(crisis: Crisis, folder: Path) -> None:
    """Nothing is written as long as one is."""
    ran = crisis("cap", "write", folder / "invalid.xml")
    assert (ran.code, ran.out) == (1, "")
    assert "R-ID-CHARS" in ran.err
    assert "R-TIME-ORDER" in ran.err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (FEED.replace(INVALID[38:], GOOD[38:] + GOOD[38:]), "holds 2 alerts, not one"),
        ("{", "is not a JSON record"),
        ('{"identifier": "A"}', "sender: is missing"),
        ('{"identifier": "\\ud800"}', "is not a JSON record"),
        ("<html/>", "R-NS: "),
    ],
)
def test_what_is_not_one_alert_is_one_sentence(crisis: Crisis, tmp_path: Path, content: str, says: str) -> None:
    """Whoever gives the wrong file is told which and why."""
    file = tmp_path / "file"
    file.write_text(content)
    ran = crisis("cap", "write", file)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"{file}: ")
    assert says in ran.err
    assert ran.err.count("\n") == 1


def test_diff_tells_what_changed(crisis: Crisis, folder: Path, tmp_path: Path) -> None:
    """For people a table, for machines the same changes with a sentence each."""
    later = tmp_path / "later.xml"
    later.write_text(GOOD.replace("Severe", "Extreme"))
    told = crisis("cap", "diff", folder / "b" / "good.xml", later, "--json").told
    assert told["changes"] == [
        {
            "where": "info[id]/severity",
            "was": "Severe",
            "now": "Extreme",
            "says": "info[id]/severity changed from 'Severe' to 'Extreme'.",
        }
    ]
    assert told["old"] == {"sender": "pos@example.org", "identifier": "A-1", "sent": "2026-11-21T08:15:00+07:00"}
    ran = crisis("cap", "diff", folder / "b" / "good.xml", later)
    assert ran.code == 0
    assert "info[id]/severity" in ran.out


def test_words_of_an_alert_cannot_steer_the_terminal(crisis: Crisis, tmp_path: Path) -> None:
    """Control and direction characters of strangers are shown as replacement signs."""
    file = tmp_path / "odd.xml"
    file.write_text(GOOD.replace("Kuala Dua<", "Kuala &#x202e;&#x9b;31mDua<"))
    for arguments in (("read", file), ("check", file), ("read", file, "--json")):
        ran = crisis("cap", *arguments)
        assert not {"\u202e", "\x9b"} & set(ran.out + ran.err)


def test_standard_input_is_a_file(folder: Path) -> None:
    """`curl ... | crisis cap check -` judges what came in."""
    done = subprocess.run(
        [sys.executable, "-m", "crisis", "cap", "check", "-", "--json"],
        env=surroundings({}), input=INVALID.encode(), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, b"")
    assert json.loads(done.stdout)["file"] == "-"
