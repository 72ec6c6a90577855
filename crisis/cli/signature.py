"""Signatures of CAP alerts at the command line: make the office's key, sign a file, judge files of others."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from crisis.cap import sign as signing
from crisis.cap import trust
from crisis.cap import verify as judging
from crisis.cap.verify import SignatureState
from crisis.cli import out
from crisis.cli.cap_files import STDIN, one, shown
from crisis.cli.office import read_file
from crisis.cli.options import AsJson
from crisis.errors import BadInput

ACCEPTED = {SignatureState.VALID, SignatureState.LENIENT}
KEY_FILE, CERTIFICATE_FILE = "signing-key.pem", "signing-certificate.pem"

File = Annotated[Path, typer.Argument(metavar="FILE", help="A CAP 1.2 alert that is not signed yet.")]
Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="CAP alerts, signed or not; - is standard input.")]
Key = Annotated[
    Path, typer.Option("--key", envvar="CRISIS_SIGNING_KEY", show_default=False, help="PEM file of the private key.")
]
Certificate = Annotated[
    Path,
    typer.Option(
        "--certificate",
        envvar="CRISIS_SIGNING_CERTIFICATE",
        show_default=False,
        help="PEM file of its certificate, followed by those of its authorities, if any.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Where it goes; standard output without it.", show_default=False),
]
Trust = Annotated[
    list[Path],
    typer.Option(
        "--trust",
        metavar="PEM_FILE",
        default_factory=list,
        show_default=False,
        help="Certificates that are trusted, of senders or authorities; may be repeated.",
    ),
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", show_default=False, help="When it was received, with zone; now without it."),
]
Name = Annotated[str, typer.Option("--name", help='The office as receivers shall see it, like "BPBD Kubu Raya".')]
Folder = Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the two files go.")]


def register(app: typer.Typer) -> None:
    """Add `sign`, `verify` and `keygen` to the command that holds them."""
    app.command("sign")(sign)
    app.command("verify")(verify)
    app.command("keygen")(make_key)


def sign(file: File, key: Key, certificate: Certificate, out_file: Out = None) -> None:
    """Sign a CAP alert; its bytes stay as they are, with one signature more."""
    signed = signing.sign(read_file(file), signing.Signer.load(key, certificate))
    if out_file is None:
        sys.stdout.buffer.write(signed)
        return
    _write(out_file, signed)
    out.say(f"{out_file}: signed, {len(signed):,} bytes", aside=True)


def verify(files: Files, trusted: Trust, at: At = None, as_json: AsJson = False) -> None:
    """Judge the signature of each alert; the exit code is 0 only if every one is valid and trusted."""
    pinned = "\n".join(_pins(path) for path in trusted)
    moment = _moment(at)
    rows = [_judged(file, pinned, moment) for file in files]
    for row in rows:
        out.tell(row, line=True) if as_json else out.say(f"{row['file']}: {row['state']}: {row['says']}")
    if not all(row["accepted"] for row in rows):
        raise typer.Exit(1)


def make_key(name: Name, folder: Folder, as_json: AsJson = False) -> None:
    """Make the key and the certificate by which an office without an authority signs its alerts."""
    files = {"key": folder / KEY_FILE, "certificate": folder / CERTIFICATE_FILE}
    for path in files.values():
        if path.exists():
            raise BadInput(f"{path}: is there already and is kept; choose another folder, or move it away first")
    secret, certificate = signing.make_key(name, datetime.now(UTC))
    _create(files["key"], secret, 0o600)
    _create(files["certificate"], certificate, 0o644)
    _told({what: str(path) for what, path in files.items()}, certificate, as_json)


def _told(files: dict[str, str], pem: bytes, as_json: bool) -> None:
    (certificate,) = trust.read_certificates(pem.decode())
    expires = certificate.not_valid_after_utc
    if as_json:
        out.tell({**files, "fingerprint": trust.fingerprint(certificate), "expires": expires.isoformat()})
        return
    out.say(f"Key: {files['key']} (secret: keep a copy offline, give it to nobody)")
    out.say(f"Certificate: {files['certificate']} (give it to everyone who receives your alerts)")
    out.say(f"SHA-256 {trust.fingerprint(certificate)}, until {expires:%Y-%m-%d}")
    out.say(f"Settings: CRISIS_SIGNING_KEY={files['key']} CRISIS_SIGNING_CERTIFICATE={files['certificate']}")


def _judged(file: Path, pinned: str, at: datetime) -> dict[str, Any]:
    name = shown(file)
    try:
        verdict = judging.verify(one(STDIN) if name == STDIN else read_file(file), pinned, at)
    except BadInput as error:
        says = str(error).replace(str(file), name)
        return {"file": name, "state": "refused", "says": says, "signer": "", "accepted": False}
    accepted = verdict.state in ACCEPTED
    return {
        "file": name,
        "state": str(verdict.state),
        "says": verdict.says,
        "signer": verdict.signer,
        "accepted": accepted,
    }


def _pins(path: Path) -> str:
    pem = read_file(path).decode("ascii", "replace")
    try:
        if trust.read_certificates(pem):
            return pem
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    raise BadInput(f"{path}: there is no PEM certificate in it")


def _moment(given: str | None) -> datetime:
    if given is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadInput(f"--at: {given} is no time with a zone; write it like 2026-11-21T21:00+07:00")
    return moment


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror or error})") from error


def _create(path: Path, content: bytes, mode: int) -> None:
    """Write a file that is not there yet, with its mode from its first byte on."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror or error})") from error
