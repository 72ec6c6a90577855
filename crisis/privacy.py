"""Residents' addresses and words: sealed at rest, found by keyed hash, shown masked."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crisis.errors import BadInput, NotReady

NONCE = 12  # bytes, NIST SP 800-38D section 8.2


class Vault:
    """Seals and opens texts with one 256-bit key that never enters the database."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise BadInput("CRISIS_KEY must be 64 hex digits (256 bits)")
        # Two keys from one, so that the lookup hash tells nothing about the sealing key.
        self._cipher = AESGCM(hmac.digest(key, b"crisis seal", "sha256"))
        self._pepper = hmac.digest(key, b"crisis lookup", "sha256")

    def seal(self, text: str) -> bytes:
        """Encrypt a text (AES-256-GCM, random nonce in front)."""
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, text.encode(), None)

    def open(self, sealed: bytes) -> str:
        """Decrypt what seal() made; raise NotReady if the key is another one."""
        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], None).decode()
        except InvalidTag as error:
            raise NotReady(
                "an address was sealed with another key: set CRISIS_KEY to the key it was stored with"
            ) from error

    def lookup(self, channel: str, value: str) -> bytes:
        """Hash an address so that it can be found again and not be reversed by trying all numbers."""
        return hmac.digest(self._pepper, f"{channel}\0{value}".encode(), "sha256")


def load_key(given: str | None, folder: Path) -> bytes:
    """Give the key from the setting, else from FOLDER/key, made once and readable by its owner only."""
    if given is not None:
        return _from_hex(given, "CRISIS_KEY")
    path = folder / "key"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _from_hex(path.read_text().strip(), str(path))
    except OSError as error:
        raise NotReady(
            f"{path}: cannot be written ({error.strerror}); set CRISIS_DATA_DIR to a folder of yours"
        ) from error
    with os.fdopen(handle, "w") as file:
        key = os.urandom(32)
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())  # without the key every stored address is lost
    return key


def _from_hex(text: str, where: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise BadInput(f"{where}: must be 64 hex digits, e.g. from `openssl rand -hex 32`") from error


def token_hash(token: str) -> bytes:
    """Hash an officer's token; plain SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(token.encode()).digest()
