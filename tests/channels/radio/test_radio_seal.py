"""Promises of the seal: a station checks a kit with minisign, and nothing that was changed passes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from shutil import which

import pytest

from channels.radio.seal import BadKey, Sealer, new_key, verified

SUMS = b"0" * 64 + b"  script.txt\n"


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    (tmp_path / "key.pem").write_bytes(new_key())
    return Sealer.load(tmp_path / "key.pem")


def test_what_is_signed_is_verified_and_nothing_else(sealer: Sealer) -> None:
    """Other bytes, another comment, another key, noise: none of them passes; twice the same bytes."""
    signature = sealer.sign(SUMS, "kit 1")
    assert signature == sealer.sign(SUMS, "kit 1")
    assert verified(SUMS, signature, sealer.public) == "kit 1"
    assert verified(SUMS + b" ", signature, sealer.public) is None
    assert verified(SUMS, signature.replace(b"kit 1", b"kit 2"), sealer.public) is None
    assert verified(SUMS, signature, _other(sealer)) is None
    for noise in (b"", b"x\ny\nz\nw\n", b"\xff" * 99, signature[:80]):
        assert verified(SUMS, noise, sealer.public) is None
    assert verified(SUMS, signature, "no key") is None


def _other(sealer: Sealer) -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    other = Sealer(Ed25519PrivateKey.generate())
    assert other.public != sealer.public
    return other.public


@pytest.mark.parametrize(
    ("content", "says"), [(None, "cannot be read"), (b"hello", "is no key"), (b"rsa", "is no Ed25519 key")]
)
def test_a_wrong_key_is_told_in_one_sentence(tmp_path: Path, content: bytes | None, says: str) -> None:
    """With the file's name and what to do."""
    path = tmp_path / "key.pem"
    if content == b"rsa":
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        key = generate_private_key(SECP256R1())
        content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadKey, match=rf"key\.pem: .*{says}.*; .*keygen"):
        Sealer.load(path)


@pytest.mark.peer
def test_minisign_agrees(sealer: Sealer, tmp_path: Path, peer: Callable[..., str]) -> None:
    """The tool a station can get from its distribution accepts ours, and refuses a changed file."""
    minisign = peer("minisign", which("minisign"))
    (tmp_path / "SHA256SUMS").write_bytes(SUMS)
    (tmp_path / "SHA256SUMS.minisig").write_bytes(sealer.sign(SUMS, "kit 1"))
    command = [minisign, "-V", "-P", sealer.public, "-m", tmp_path / "SHA256SUMS"]
    good = subprocess.run(command, capture_output=True, timeout=10, check=False)
    assert (good.returncode, b"kit 1" in good.stdout) == (0, True), good.stderr
    (tmp_path / "SHA256SUMS").write_bytes(SUMS + b"x")
    assert subprocess.run(command, capture_output=True, timeout=10, check=False).returncode != 0
