"""Where a station takes its kits, taken from the URL in its register; never shows user, password or host."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from channels.contract import Misconfigured

PORTS: Final[Mapping[str, int]] = {
    "sftp": 22,
    "ftp": 21,
    "ftps": 21,
    "dav": 80,
    "davs": 443,
    "liquidsoap": 1234,
    "icecast": 8000,
}
LOCAL: Final = ("file", "usb")  # a folder of this machine
BARE: Final = ("mailto", "rss")  # URLs without //
SCHEMES: Final = (*LOCAL, *PORTS, *BARE)
SETTINGS: Final[Mapping[str, frozenset[str]]] = {
    "usb": frozenset({"folder"}),
    "sftp": frozenset({"key", "hostkey"}),
    "ftps": frozenset({"tls"}),
    "liquidsoap": frozenset({"path"}),
}
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
MAILBOX: Final = re.compile(r"[^@\s,<>\"]+@[^@\s,<>\"]+")
FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
QUEUE: Final = re.compile(r"[A-Za-z0-9_.()-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A way's URL in parts, percent-decoded; `path` has no slash at its end."""

    scheme: str
    host: str = field(default="", repr=False)
    port: int = 0
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    path: str = field(default="", repr=False)
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)


def place(way: str) -> Place:
    """Take a station's way apart; Misconfigured says in one sentence what is wrong, and quotes none of it."""
    try:
        parts = urlsplit(way.strip())
        port = parts.port
        settings = dict(_settings(parts.query))
    except ValueError:
        raise _wrong("its URL cannot be read; write special characters of user and password as %XX") from None
    if parts.scheme not in SCHEMES:
        raise _wrong(f"it must begin with one of {', '.join(SCHEMES)}, as in sftp://user@host/folder")
    found = Place(
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=port or (990 if settings.get("tls") == "implicit" else PORTS.get(parts.scheme, 0)),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        path=unquote(parts.path).rstrip("/"),
        settings=settings,
    )
    if flaw := _flaw(found, parts):
        raise _wrong(flaw)
    return found


def _settings(query: str) -> list[tuple[str, str]]:
    # Not parse_qsl: it reads the + of a fingerprint as a space.
    return [
        (unquote(key), unquote(value)) for key, _, value in (part.partition("=") for part in query.split("&") if part)
    ]


def _wrong(says: str) -> Misconfigured:
    return Misconfigured(f"way: {says}", code="bad way")


def _flaw(found: Place, parts: SplitResult) -> str:
    """Say what is wrong with a way, or nothing."""
    known = SETTINGS.get(found.scheme, frozenset())
    if found.settings.keys() - known:  # not named: it may be the tail of a password that was not written as %XX
        return f"it has an unknown setting; known for {found.scheme}: {', '.join(sorted(known)) or 'none'}"
    if parts.fragment:
        return "it has a # in it; write that as %23"
    texts = (found.host, found.user, found.password, found.path, *found.settings.values())
    if any(CONTROL.search(text) for text in texts):
        return "it has a control character in it"
    if found.scheme in LOCAL:
        return _flaw_of_folder(found, parts)
    if found.scheme in BARE:
        return _flaw_of_bare(found, parts)
    if not found.host:
        return f"it names no host; write {found.scheme}://host/..."
    return _flaw_of_host(found)


def _flaw_of_folder(found: Place, parts: SplitResult) -> str:
    if parts.netloc or not found.path.startswith("/"):
        return f"give a folder of this machine as {found.scheme}:///absolute/path"
    folder = found.settings.get("folder", "")
    return "its folder must lie on the stick" if folder.startswith("/") or ".." in folder.split("/") else ""


def _flaw_of_bare(found: Place, parts: SplitResult) -> str:
    if parts.netloc:
        return f"write {found.scheme}: without //"
    if found.scheme == "mailto" and not all(MAILBOX.fullmatch(one) for one in found.path.split(",")):
        return "give mailboxes as mailto:studio@station or mailto:one@station,two@station"
    return ""


def _flaw_of_host(found: Place) -> str:
    key = found.settings.get("hostkey", "")
    match found.scheme:
        case "sftp" if not found.user:
            return "it names no user; write sftp://user@host/folder"
        case "sftp" if key != "any" and not FINGERPRINT.fullmatch(key):
            return "pin the server's key with ?hostkey=SHA256:... (ssh-keygen -lf shows it), or say ?hostkey=any"
        case "ftps" if found.settings.get("tls", "explicit") not in ("explicit", "implicit"):
            return "tls must be explicit or implicit"
        case "liquidsoap" if not QUEUE.fullmatch(found.path.lstrip("/")):
            return "name the queue: liquidsoap://host:port/queue?path=/folder/of/kits"
        case "liquidsoap" if not found.settings.get("path", "").startswith("/"):
            return "say where Liquidsoap finds the kits: ?path=/folder/of/kits"
        case "icecast" if not found.password or not found.path.lstrip("/"):
            return "give password and mount: icecast://source:password@host:port/mount"
    return ""
