"""Signs a kit's sums with Ed25519 as minisign does, so that a station can check them with a tool it can get.

Format: the minisign file format (legacy algorithm `Ed`, the whole file signed), as its manual page describes it.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

ALGORITHM = b"Ed"


class BadKey(ValueError):
    """A key that cannot sign; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Sealer:
    """An office's key for its kits."""

    key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def load(cls, path: Path) -> Sealer:
        """Load the key that `crisis radio keygen` wrote; BadKey says in a sentence why it cannot."""
        try:
            key = load_pem_private_key(path.read_bytes(), None)
        except OSError as error:
            raise BadKey(f"{path}: the kits' key cannot be read ({error.strerror}); see crisis radio keygen") from None
        except (ValueError, TypeError):
            raise BadKey(f"{path}: is no key; make one with crisis radio keygen") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise BadKey(f"{path}: is no Ed25519 key; make one with crisis radio keygen")
        return cls(key)

    @property
    def public(self) -> str:
        """The public key as minisign writes it, in one line: `minisign -V -P KEY -m SHA256SUMS`."""
        return base64.b64encode(ALGORITHM + self._name + self._raw).decode()

    @property
    def _raw(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def _name(self) -> bytes:
        return blake2b(self._raw, digest_size=8).digest()

    def sign(self, content: bytes, comment: str) -> bytes:
        """Sign; the same content and comment give the same bytes. The comment is signed too."""
        signature = self.key.sign(content)
        whole = self.key.sign(signature + comment.encode())
        lines = [
            "untrusted comment: signature of a radio kit",
            base64.b64encode(ALGORITHM + self._name + signature).decode(),
            f"trusted comment: {comment}",
            base64.b64encode(whole).decode(),
        ]
        return "\n".join([*lines, ""]).encode()


def verified(content: bytes, signature: bytes, public: str) -> str | None:
    """Give the trusted comment of a good signature, or None for one that is not of this key or these bytes."""
    try:
        _, first, comment, second = signature.decode().splitlines()[:4]
        blob, whole = base64.b64decode(first, validate=True), base64.b64decode(second, validate=True)
        known = base64.b64decode(public.strip(), validate=True)
        trusted = comment.removeprefix("trusted comment: ")
        key = Ed25519PublicKey.from_public_bytes(known[10:])
        if blob[:10] != ALGORITHM + known[2:10]:
            return None
        key.verify(blob[10:], content)
        key.verify(whole, blob[10:] + trusted.encode())
    except (ValueError, binascii.Error, InvalidSignature, UnicodeDecodeError):
        return None
    return trusted


def new_key() -> bytes:
    """Make a key, as PEM."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
