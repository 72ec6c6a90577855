"""Signatures at the command line: a key is made once, a signed file verifies, a changed one ends in exit code 1."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from crisis.cli import signature
from crisis.errors import BadInput
from tests.crisis.cap.forge import ALERT

KEY, CERTIFICATE = "office/signing-key.pem", "office/signing-certificate.pem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended: its exit code, what it wrote, and the fault it told."""

    code: int
    out: bytes
    said: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


Cap = Callable[..., Ended]


@pytest.fixture
def cap(tmp_path: Path) -> Cap:
    """`cap("sign", FILE, ...)` runs a command; names of files are below the test's folder."""
    app = typer.Typer()
    signature.register(app)

    def run(*arguments: str, env: Mapping[str, str] | None = None, given: bytes | None = None) -> Ended:
        ran = CliRunner().invoke(app, list(arguments), input=given, env=dict(env or {}))
        if ran.exception is not None and not isinstance(ran.exception, BadInput | SystemExit):
            raise ran.exception
        said = str(ran.exception) if isinstance(ran.exception, BadInput) else ran.stderr
        return Ended(code=ran.exit_code, out=ran.stdout_bytes, said=said)

    return run


@pytest.fixture
def folder(tmp_path: Path, cap: Cap) -> Path:
    """A folder with an alert, and an office that has made its key."""
    (tmp_path / "alert.xml").write_text(ALERT)
    assert cap("keygen", "--name", "BPBD Kubu Raya", "--out", str(tmp_path / "office")).code == 0
    return tmp_path


@pytest.fixture
def signed(folder: Path, cap: Cap) -> Path:
    """The alert as the office signed it."""
    pair = ("--key", str(folder / KEY), "--certificate", str(folder / CERTIFICATE))
    ran = cap("sign", str(folder / "alert.xml"), *pair, "--out", str(folder / "signed.xml"))
    assert (ran.code, ran.out) == (0, b"")
    return folder / "signed.xml"


def test_a_key_is_secret_and_is_never_overwritten(folder: Path, cap: Cap) -> None:
    """Mode 0600 for the key; a second run changes nothing, even when only one of the files is there."""
    key, certificate = folder / KEY, folder / CERTIFICATE
    before = key.read_bytes(), certificate.read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    again = ("keygen", "--name", "BPBD", "--out", str(folder / "office"))
    assert "is there already" in cap(*again).said
    assert (key.read_bytes(), certificate.read_bytes()) == before
    key.unlink()
    assert cap(*again).code == 1
    assert not key.exists()


def test_what_was_made_is_told_to_people_and_machines(tmp_path: Path, cap: Cap) -> None:
    """Where the files are, the fingerprint and the end; never the key."""
    ran = cap("keygen", "--name", "BPBD", "--out", str(tmp_path / "a"), "--json")
    told = json.loads(ran.out)
    assert told["key"] == str(tmp_path / "a" / "signing-key.pem")
    assert len(told["fingerprint"]) == 95
    assert datetime.fromisoformat(told["expires"]) > datetime.now(UTC) + timedelta(days=4 * 365)
    people = cap("keygen", "--name", "BPBD", "--out", str(tmp_path / "b")).out
    assert b"CRISIS_SIGNING_KEY" in people
    assert b"PRIVATE" not in ran.out + people


def test_a_signed_file_verifies_against_the_certificate_of_its_office(signed: Path, folder: Path, cap: Cap) -> None:
    """One line a file; exit code 0 only if every one is accepted."""
    ran = cap("verify", str(signed), "--trust", str(folder / CERTIFICATE), "--json")
    assert ran.code == 0
    (row,) = ran.rows
    assert (row["file"], row["state"], row["signer"], row["accepted"]) == (str(signed), "valid", "BPBD Kubu Raya", True)
    assert b"valid: signed by BPBD Kubu Raya" in cap("verify", str(signed), "--trust", str(folder / CERTIFICATE)).out


def test_the_settings_name_the_key_where_the_command_does_not(folder: Path, cap: Cap) -> None:
    """And without --out the signed alert goes to standard output, byte for byte."""
    env = {"CRISIS_SIGNING_KEY": str(folder / KEY), "CRISIS_SIGNING_CERTIFICATE": str(folder / CERTIFICATE)}
    ran = cap("sign", str(folder / "alert.xml"), env=env)
    assert ran.code == 0
    assert ran.out.startswith(ALERT.removesuffix("</alert>").encode())


def test_files_that_are_not_accepted_end_in_exit_code_1(signed: Path, folder: Path, cap: Cap) -> None:
    """Altered, unsigned, unreadable: each is told, and none hides another."""
    (folder / "altered.xml").write_text(signed.read_text().replace("Banjir", "Aman"))
    (folder / "page.xml").write_text("<p>")
    names = ["signed.xml", "altered.xml", "alert.xml", "page.xml", "missing.xml"]
    ran = cap("verify", *(str(folder / name) for name in names), "--trust", str(folder / CERTIFICATE), "--json")
    assert ran.code == 1
    assert [row["state"] for row in ran.rows] == ["valid", "broken", "none", "refused", "refused"]
    assert all(row["says"] for row in ran.rows)


def test_a_name_of_any_bytes_is_told(tmp_path: Path, cap: Cap) -> None:
    """A file named in another encoding is judged like any other, and its name is printable."""
    file = tmp_path / os.fsdecode(b"\xff.xml")
    file.write_text(ALERT)
    names = [str(file), str(tmp_path / os.fsdecode(b"gone\xff.xml"))]
    rows = cap("verify", *names, "--json").rows
    assert [(Path(row["file"]).name, row["state"]) for row in rows] == [
        ("\\xff.xml", "none"),
        ("gone\\xff.xml", "refused"),
    ]


def test_nothing_is_trusted_without_trust_or_outside_of_its_time(signed: Path, folder: Path, cap: Cap) -> None:
    """No pin, or received before the certificate began: untrusted."""
    assert [row["state"] for row in cap("verify", str(signed), "--json").rows] == ["untrusted"]
    pinned = ("--trust", str(folder / CERTIFICATE), "--json")
    early = cap("verify", str(signed), *pinned, "--at", "2020-01-01T00:00+07:00")
    assert (early.code, early.rows[0]["state"]) == (1, "untrusted")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("verify", "signed.xml", "--at", "2026-11-21T08:15"), "--at: 2026-11-21T08:15 is no time with a zone"),
        (("verify", "signed.xml", "--at", "soon"), "--at: soon is no time with a zone"),
        (("verify", "signed.xml", "--trust", "alert.xml"), "alert.xml: no PEM certificates"),
        (("verify", "signed.xml", "--trust", "empty.pem"), "empty.pem: there is no PEM certificate"),
        (("sign", "signed.xml", "--key", KEY, "--certificate", CERTIFICATE), "carries a signature already"),
        (("sign", "alert.xml", "--key", CERTIFICATE, "--certificate", CERTIFICATE), "no PEM private key"),
        (("sign", "alert.xml", "--key", KEY, "--certificate", CERTIFICATE, "--out", "no/x.xml"), "cannot be written"),
        (("keygen", "--name", "x" * 65, "--out", "other"), "1 to 64 printable characters"),
        (("keygen", "--name", "x", "--out", "alert.xml"), "cannot be written"),
    ],
)
@pytest.mark.usefixtures("signed")
def test_every_fault_is_one_sentence(
    folder: Path, cap: Cap, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], says: str
) -> None:
    """Told at once, with exit code 1."""
    monkeypatch.chdir(folder)
    (folder / "empty.pem").write_text("")
    ran = cap(*arguments)
    assert (ran.code, says in ran.said) == (1, True), ran.said
    assert "\n" not in ran.said


def test_standard_input_is_judged_too(folder: Path, cap: Cap) -> None:
    """A pipe gives the same verdict as the file it comes from."""
    ran = cap("verify", "-", "--json", given=(folder / "alert.xml").read_bytes())
    assert [(row["file"], row["state"]) for row in ran.rows] == [("-", "none")]
    assert [row["state"] for row in cap("verify", "-", "--json", given=b"").rows] == ["refused"]
