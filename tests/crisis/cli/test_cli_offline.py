"""Commands that need no service: playbooks, settings, and how faults are told."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from crisis.__main__ import run
from crisis.cli.verdict import judge
from tests.crisis.cli.conftest import ROOT, Ran, surroundings

Crisis = Callable[..., Ran]
FLOOD = (ROOT / "playbooks" / "flood.yaml").read_text()


@pytest.fixture
def crisis(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Crisis:
    """`crisis("playbook", "check", env={...})` runs the command in this process: a second saved each time."""

    def here(*arguments: str, env: Mapping[str, str] | None = None) -> Ran:
        with monkeypatch.context() as surrounded:
            for name, value in (env or {}).items():
                surrounded.setenv(name, value)
            code = run(arguments)
        said = capsys.readouterr()
        return Ran(code=code, out=said.out, err=said.err)

    return here


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the playbooks that a test may spoil."""
    return Path(shutil.copytree(ROOT / "playbooks", tmp_path / "playbooks"))


def test_our_own_playbooks_are_right(crisis: Crisis) -> None:
    """The folder of the settings is checked, and each file is told with what it holds."""
    ran = crisis("playbook", "check", "--json")
    assert (ran.code, ran.err) == (0, "")
    flood = next(p for p in ran.told["playbooks"] if p["playbook"] == "flood")
    assert ran.told["valid"]
    assert flood["valid"]
    assert (flood["languages"], flood["levels"]) == (["id", "en"], ["potensi", "waspada", "siaga", "awas"])
    assert flood["questions"] > 0
    assert flood["words"] > 1000
    assert flood["faults"] == []
    assert [Path(r["file"]).name for r in ran.told["replies"]] == ["replies.yaml"]


def test_every_fault_of_every_file_is_told_at_its_line(crisis: Crisis, folder: Path) -> None:
    """Two spoiled files give two faults, each with file, line and field, and exit code 1."""
    line = next(n for n, text in enumerate(FLOOD.splitlines(), 1) if text.startswith("sms_parts:"))
    (folder / "flood.yaml").write_text(FLOOD.replace("sms_parts: 2", "sms_parts: 9"))
    (folder / "replies.yaml").unlink()
    ran = crisis("playbook", "check", str(folder))
    assert ran.code == 1
    assert f"{folder}/flood.yaml:{line}: sms_parts: " in ran.err
    assert f"{folder}/replies.yaml: cannot be read: " in ran.err
    assert "Traceback" not in ran.err
    assert "wrong" in ran.out
    assert "right" in ran.out


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("flood.yaml", FLOOD.replace("sms_parts: 2", "sms_parts: 1"), "the budget is 1"),
        ("flood.yaml", FLOOD + "\ncolour: red\n", "colour"),
        ("flood.yaml", "", "is empty"),
        ("flood.yaml", "playbook: [", "is not valid YAML"),
        ("flod.yaml", FLOOD, "playbook"),
        ("flood.yml", FLOOD, "rename it flood.yaml"),
    ],
)
def test_a_broken_file_is_wrong(tmp_path: Path, name: str, content: str, says: str) -> None:
    """One file alone is judged as the service would judge it, its fit to the channels too."""
    file = tmp_path / name
    file.write_text(content)
    verdict = judge([file])
    assert any(says in str(fault) for fault in verdict.faults), verdict.faults
    assert verdict.as_dict()["valid"] is False


def test_a_file_that_is_not_there_is_one_sentence(crisis: Crisis, tmp_path: Path) -> None:
    """A slip in a file's name is told as such, to machines too."""
    ran = crisis("playbook", "check", str(tmp_path / "none.yaml"), "--json")
    assert ran.code == 1
    assert ran.told["valid"] is False
    assert ran.err == f"{tmp_path}/none.yaml: cannot be read: No such file or directory\n"


def test_a_playbook_is_shown_as_it_would_go_out(crisis: Crisis) -> None:
    """The slots' examples stand in the words of the level and language asked for."""
    ran = crisis("playbook", "show", "flood", "--level", "siaga", "--language", "en", "--json")
    assert ran.code == 0
    assert ran.told["parts"] == ["siaga"]
    assert {r["language"] for r in ran.told["renditions"]} == {"en"}
    texts = {r["channel"]: r["text"] for r in ran.told["renditions"]}
    assert set(texts) == {"sms", "telegram", "mastodon", "page", "radio", "webhook"}
    assert all("Desa Kuala Dua" in text and "{{" not in text for text in texts.values())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "tsunami"), "there is no playbook tsunami in "),
        (
            ("show", "flood", "--level", "merah"),
            "playbook flood has no level 'merah'; it has potensi, waspada, siaga, awas",
        ),
        (("show", "flood", "--language", "jv"), "playbook flood has no language 'jv'; it has id, en"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(crisis: Crisis, arguments: tuple[str, ...], says: str) -> None:
    """A wrong name is answered with the right ones."""
    ran = crisis("playbook", *arguments)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(says)
    assert ran.err.count("\n") == 1


def test_the_schema_is_a_json_schema_of_a_playbook(crisis: Crisis) -> None:
    """Editors can check a playbook while it is typed."""
    ran = crisis("playbook", "schema")
    assert ran.code == 0
    assert ran.told["$schema"].startswith("https://json-schema.org/")
    assert "levels" in ran.told["properties"]


def test_settings_are_told_with_secrets_masked(crisis: Crisis) -> None:
    """Every variable has a description; a token or an account never appears."""
    env = {"CRISIS_TOKEN": "tok-secret", "CRISIS_SMS": "smpp://u:hunter2@h/?source=B", "CRISIS_PORT": "0"}
    ran = crisis("settings", "--json", env=env)
    rows = {row["name"]: row for row in ran.told["settings"]}
    assert ran.code == 0
    assert ran.told["valid"]
    assert all(row["description"] for row in rows.values())
    assert rows["CRISIS_PORT"]["value"] == "0"
    assert rows["CRISIS_PORT"]["default"] == "8080"
    assert rows["CRISIS_TOKEN"]["value"] == rows["CRISIS_SMS"]["value"] == "********"
    assert "tok-secret" not in ran.out
    assert "hunter2" not in ran.out


def test_settings_that_are_wrong_are_shown_and_told(crisis: Crisis) -> None:
    """The command that a fault points to works in the presence of that fault."""
    ran = crisis("settings", env={"CRISIS_TOKE": "x", "CRISIS_PORT": "http", "CRISIS_KEY": "abc123"})
    assert ran.code == 1
    assert "CRISIS_PORT" in ran.out
    assert "abc123" not in ran.out
    assert "environment: CRISIS_TOKE: is not a setting of Crisis; see `crisis settings`" in ran.err
    assert "environment: CRISIS_PORT: " in ran.err


@pytest.mark.parametrize(
    "command", [("serve",), ("migrate",), ("alert", "list"), ("officer", "add", "A", "--role", "admin")]
)
def test_an_unknown_setting_is_refused_by_every_command(crisis: Crisis, command: tuple[str, ...]) -> None:
    """A slip in a variable's name never means its default."""
    ran = crisis(*command, env={"CRISIS_TOKE": "x", "CRISIS_DATA_DIR": "/nowhere"})
    says = "environment: CRISIS_TOKE: is not a setting of Crisis; see `crisis settings`\n"
    assert (ran.code, ran.out, ran.err) == (1, "", says)


@pytest.mark.parametrize(
    ("arguments", "env", "code", "says"),
    [
        (("alert", "list"), {}, 1, "CRISIS_TOKEN is not set"),
        (("alert", "list"), {"CRISIS_TOKEN": "é"}, 1, "CRISIS_TOKEN holds signs that cannot be sent"),
        (("alert", "list"), {"CRISIS_TOKEN": "t", "CRISIS_URL": "http://127.0.0.1:1"}, 1, "is `crisis serve` running?"),
        (("alert", "list"), {"CRISIS_TOKEN": "t", "CRISIS_URL": "http://127.0.0.1:x"}, 1, "CRISIS_URL: "),
        (("alert", "list"), {"CRISIS_TOKEN": "t", "CRISIS_URL": "http://"}, 1, "CRISIS_URL"),
        (("trigger", "flood", "--set", "place"), {}, 1, "--set: place: write it SLOT=VALUE"),
        (("trigger", "flood", "--expires", "21:00"), {}, 1, "--expires: 21:00 is no time with a zone"),
        (("trigger", "flood", "--from-cap", "/none.xml"), {}, 1, "/none.xml: cannot be read"),
        (("trigger", "flood", "--mode", "real"), {}, 2, "--mode"),
        (("trigger",), {}, 2, "PLAYBOOK"),
        (("alert", "show", "x"), {}, 2, "ID"),
        (("alrt",), {}, 2, "alrt"),
    ],
)
def test_a_slip_is_one_clear_sentence(
    crisis: Crisis, arguments: tuple[str, ...], env: dict[str, str], code: int, says: str
) -> None:
    """Whoever mistypes is told what and where, never shown our inside; 2 is for usage."""
    ran = crisis(*arguments, env=env)
    assert (ran.code, ran.out) == (code, "")
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_a_reader_that_has_enough_is_no_fault() -> None:
    """`crisis playbook schema | head -c1` ends without a complaint."""
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as torn:
        done = subprocess.run(
            [sys.executable, "-m", "crisis", "playbook", "schema"],
            env=surroundings({}), stdout=torn, stderr=subprocess.PIPE, timeout=60, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, b"")


def test_the_command_is_a_process_with_an_exit_code() -> None:
    """What the tests above see in this process is what a shell sees."""
    done = subprocess.run(
        [sys.executable, "-m", "crisis", "alert", "list"],
        env=surroundings({}), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("CRISIS_TOKEN is not set")


def test_the_version_is_told(crisis: Crisis) -> None:
    """A machine can ask which version it speaks to."""
    ran = crisis("version", "--json")
    assert ran.code == 0
    assert list(json.loads(ran.out)) == ["version"]
