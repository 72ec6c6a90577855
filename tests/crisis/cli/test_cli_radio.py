"""Promises of `crisis radio`: a kit of anybody's CAP file, signed and checked; bad input in one sentence."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from crisis.__main__ import run

CAP = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>urn:oid:2.49.0.1.360.9</identifier><sender>x@bmkg.example</sender>
  <sent>2026-11-21T19:00:00+07:00</sent><status>{status}</status><msgType>Alert</msgType><scope>Public</scope>
  <info><language>id</language><category>Met</category><event>Banjir</event><urgency>Immediate</urgency>
    <severity>Severe</severity><certainty>Likely</certainty><expires>2026-11-22T01:00:00+07:00</expires>
    <senderName>BMKG</senderName><headline>Banjir di Kubu Raya</headline><instruction>Pindah.</instruction>
    <area><areaDesc>Kubu Raya</areaDesc><polygon>-0.2,109.3 -0.2,109.5 0,109.5 -0.2,109.3</polygon></area>
  </info>
</alert>"""


@dataclass
class Ran:
    """What a command came to."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def crisis(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """`crisis("build", ...)` runs a command of `crisis radio` in this process: a new one takes a second to start."""

    def ran(*arguments: str | Path) -> Ran:
        code = run(["radio", *map(str, arguments)])
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return ran


@pytest.fixture
def cap(tmp_path: Path) -> Path:
    path = tmp_path / "alert.xml"
    path.write_text(CAP.format(status="Exercise"))
    return path


def test_a_kit_is_built_from_a_cap_file_and_passes_its_check(
    cap: Path, tmp_path: Path, crisis: Callable[..., Ran]
) -> None:
    """Folder, ZIP and feed, signed; progress goes beside the answer; `check` says what fails, and by its exit code."""
    made = crisis("keygen", "--out", tmp_path / "key.pem")
    public = made.stdout.strip()
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600
    ran = crisis(
        "build", "--cap", cap, "--out", tmp_path / "kits", "--voice", "none", "--key", tmp_path / "key.pem", "--json"
    )
    assert ran.returncode == 0, ran.stderr
    (built,) = json.loads(ran.stdout)
    assert (built["mode"], built["language"], built["voice"]) == ("Exercise", "id", "")
    assert built["missing"] == ["no sound: none was asked for"]
    assert built["kit"].startswith("LATIHAN_BMKG_")
    names = sorted(path.name for path in (tmp_path / "kits").iterdir())
    assert names == sorted([built["kit"], f"{built['kit']}.zip", "feed.xml"])
    checked = crisis("check", built["folder"], "--key", public, "--json")
    rows = {row["name"]: row["verdict"] for row in json.loads(checked.stdout)["checks"]}
    assert (rows["signature"], rows["sums"], rows["mode in names"]) == ("passed", "passed", "passed")
    (Path(built["folder"]) / "RECEIPT.txt").write_text("changed")
    torn = crisis("check", built["folder"], "--key", public)
    assert (torn.returncode, "failed" in torn.stdout) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["build", "--out", "x"], "give one of --cap FILE and --alert ID"),
        (["build", "--cap", "{tmp}/none.xml", "--out", "x"], "none.xml"),
        (
            ["build", "--cap", "{tmp}/alert.xml", "--lang", "jv", "--out", "{tmp}/k"],
            "it has no words in 'jv'; it has id",
        ),
        (["build", "--cap", "{tmp}/alert.xml", "--out", "{tmp}/alert.xml/k"], "cannot be written"),
        (["build", "--cap", "{tmp}/alert.xml", "--key", "/nonexistent", "--out", "{tmp}/k"], "there is no such file"),
        (["build", "--cap", "{tmp}/draft.xml", "--out", "{tmp}/k"], "its status is Draft"),
        (["build", "--cap", "{tmp}/text.xml", "--out", "{tmp}/k"], "text.xml"),
        (["build", "--cap", "{tmp}/alert.xml", "--zone", "Mars", "--out", "{tmp}/k"], "'Mars' is not a time zone"),
        (["check", "{tmp}/none"], "is no folder of a kit"),
        (["keygen", "--out", "{tmp}/alert.xml"], "is there already"),
        (["say", "--lang", "jv"], "--lang jv"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_1(
    cap: Path, tmp_path: Path, crisis: Callable[..., Ran], arguments: list[str], says: str
) -> None:
    """What is wrong, where; no traceback."""
    (tmp_path / "draft.xml").write_text(CAP.format(status="Draft"))
    (tmp_path / "text.xml").write_text("hello")
    ran = crisis(*(argument.format(tmp=tmp_path) for argument in arguments))
    told = ran.stderr.strip().splitlines()
    assert (ran.returncode, "Traceback" in ran.stderr) == (1, False), ran.stderr
    assert says in told[-1]
