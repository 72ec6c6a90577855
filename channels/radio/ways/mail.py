"""Sends a bulletin to a station's mailbox: what to read aloud in the letter, and what fits of the kit with it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import blake2b
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

import aiosmtplib

from channels.contract import Misconfigured, Refused, SendError, Unavailable, Unsure
from channels.radio.place import CONTROL, MAILBOX
from channels.radio.station import Station
from channels.radio.ways.faults import lost, trust
from channels.radio.ways.parcel import Parcel
from channels.radio.ways.patience import AT_MOST, CONNECT, patience

LARGEST: Final = 10_000_000  # bytes of a whole letter, as it travels: what nearly every mailbox takes
TOO_LARGE: Final = (523, 534, 552)
PORTS: Final = {"smtp": 25, "starttls": 587, "smtps": 465}
HERE: Final = ("localhost", "127.0.0.1", "::1")
KINDS: Final[Mapping[str, tuple[str, str]]] = {
    ".pdf": ("application", "pdf"),
    ".mp3": ("audio", "mpeg"),
    ".amr": ("audio", "amr"),
    ".ogg": ("audio", "ogg"),
    ".wav": ("audio", "wav"),
    ".mp2": ("audio", "mpeg"),
    ".flac": ("audio", "flac"),
    ".png": ("image", "png"),
    ".txt": ("text", "plain"),
}
SOUND: Final = (".wav", ".flac", ".mp2", ".mp3", ".ogg", ".amr")  # largest first: what is left behind first


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a letter says around the script."""

    marks: Mapping[str, str]  # of a subject, by mode
    read: str
    aired: str
    ref: str
    call: str


ID: Final = Words(
    marks={"Actual": "SIARKAN SEGERA", "Exercise": "LATIHAN", "Test": "UJI COBA"},
    read="Mohon dibacakan dua kali di udara, persis seperti tertulis:",
    aired="Setelah disiarkan, sampaikan jam dan nama pembaca lewat tautan ini:",
    ref="atau sebutkan kode ini lewat telepon: {ref}",
    call="Pertanyaan: {contact}",
)
EN: Final = Words(
    marks={"Actual": "FOR IMMEDIATE BROADCAST", "Exercise": "EXERCISE", "Test": "TEST"},
    read="Please read this on air twice, exactly as it is written:",
    aired="When it has been aired, tell us when and who read it by this link:",
    ref="or give this code by telephone: {ref}",
    call="Questions: {contact}",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """The office's mail server, and the mailbox it writes from."""

    scheme: str
    host: str = field(repr=False)
    port: int
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    sender: str = field(repr=False)


def post(url: str) -> Post:
    """Read the office's setting, as in smtps://user:password@host?from=siaga@district.example; never quoted in errors.

    smtp:// is in the clear, and with a password for this machine only; starttls:// and smtps:// are not.
    """
    try:
        parts = urlsplit(url.strip())
        port, query = parts.port, dict(parse_qsl(parts.query))
    except ValueError:
        raise _wrong("its URL cannot be read; write special characters as %XX") from None
    user, host = unquote(parts.username or ""), parts.hostname or ""
    sender = query.pop("from", user)
    if parts.scheme not in PORTS or not host:
        raise _wrong("write smtp://, starttls:// or smtps:// and a host")
    if query:
        raise _wrong("it has an unknown setting; known: from")
    if not MAILBOX.fullmatch(sender) or CONTROL.search(sender):
        raise _wrong("say which mailbox the office writes from: ?from=siaga@district.example")
    if parts.scheme == "smtp" and parts.password and host not in HERE:
        raise _wrong("a password is not sent in the clear; write starttls:// or smtps://")
    return Post(
        scheme=parts.scheme,
        host=host,
        port=port or PORTS[parts.scheme],
        user=user,
        password=unquote(parts.password or ""),
        sender=sender,
    )


def _wrong(says: str) -> Misconfigured:
    return Misconfigured(f"mail server of the office: {says}", code="bad mail server")


async def carry(parcel: Parcel, station: Station, *, timeout: float, smtp: str | None = None) -> None:
    """Send a parcel as one letter to the station's mailboxes, with as much of it as their server takes.

    Raises Refused when none of the mailboxes takes it, Unsure when it may have been taken. Accepted is not read.
    """
    if not parcel.files and parcel.removes:
        return  # nothing can be taken back from a mailbox; a cancel is a letter of its own
    if not smtp:
        raise Misconfigured(
            "a station is reached by e-mail, and the office has no mail server set", code="no mail server"
        )
    office = post(smtp)
    async with patience(timeout * AT_MOST):
        client = await _greeted(office, timeout)
        try:
            await _send(client, office, parcel, station.place.path.split(","))
        finally:
            client.close()


async def _greeted(office: Post, quiet: float) -> aiosmtplib.SMTP:
    client = aiosmtplib.SMTP(
        hostname=office.host,
        port=office.port,
        use_tls=office.scheme == "smtps",
        start_tls=False,  # by hand below: whether the server offers it is known before anything is said
        tls_context=trust() if office.scheme == "smtps" else None,
        timeout=quiet,  # of each command: after it we know whether the letter was on its way
    )
    fault: SendError
    try:
        await client.connect(timeout=min(CONNECT, quiet))
        if office.scheme == "starttls":
            await _covered(client)
        if office.password:
            await client.login(office.user, office.password)
        await client.ehlo()
        return client
    except (aiosmtplib.SMTPException, OSError) as error:
        fault = _unmet(error)
    client.close()
    raise fault


async def _covered(client: aiosmtplib.SMTP) -> None:
    await client.ehlo()
    if not client.supports_extension("starttls"):
        raise aiosmtplib.SMTPNotSupported("no STARTTLS")
    await client.starttls(tls_context=trust())


def _unmet(error: aiosmtplib.SMTPException | OSError) -> SendError:
    """Tell what it means that the office's own server was not reached."""
    if isinstance(error, aiosmtplib.SMTPAuthenticationError) and 500 <= error.code < 600:
        return Misconfigured("the office's mail server does not take its user name and password", code="bad password")
    if isinstance(error, aiosmtplib.SMTPNotSupported):
        return Misconfigured("the office's mail server does not offer TLS, or no log-in", code="no TLS")
    cause = error.__cause__
    fault = lost(cause) if isinstance(cause, OSError) else lost(error) if isinstance(error, OSError) else None
    code = fault.code if fault else type(error).__name__
    kind = Misconfigured if isinstance(fault, Misconfigured) else Unavailable
    return kind("the office's mail server cannot be reached", code=code)


async def _send(client: aiosmtplib.SMTP, office: Post, parcel: Parcel, boxes: list[str]) -> None:
    room = _room(client)
    pending = letters(parcel, office.sender, boxes)
    # In a thread: a letter with a kit's sound takes half a second to write, in which no alert would leave.
    while written := await asyncio.to_thread(_next_written, pending):
        if len(written) <= room and await _taken(client, office.sender, boxes, written):
            return
    raise Refused("the station's mailbox does not take even the words alone", code="too large")


def _next_written(pending: Iterator[EmailMessage]) -> bytes:
    following = next(pending, None)
    return following.as_bytes(policy=SMTP) if following else b""


def _room(client: aiosmtplib.SMTP) -> int:
    """Read what the server takes at most (SIZE, RFC 1870), up to what mailboxes take anyway."""
    said = client.esmtp_extensions.get("size", "").strip()
    return min(int(said), LARGEST) if said.isdecimal() and int(said) else LARGEST


async def _taken(client: aiosmtplib.SMTP, sender: str, boxes: list[str], letter: bytes) -> bool:
    """Send one letter; tell False if it is too large for the station."""
    fault: SendError
    written = False
    try:
        await client.mail(sender)
        await _addressed(client, boxes)
        written = True
        await client.data(letter)
        return True
    except aiosmtplib.SMTPResponseException as error:
        if error.code in TOO_LARGE:
            await client.rset()
            return False
        fault = _refusal(error.code)
    except (aiosmtplib.SMTPException, OSError):
        fault = Unavailable("the connection to the mail server was lost", code="connection lost")
        if written:
            fault = Unsure("no reply came to a letter that was sent", code="no reply")
    raise fault


async def _addressed(client: aiosmtplib.SMTP, boxes: list[str]) -> None:
    """Name the mailboxes; one that takes it is enough, else the last refusal is raised."""
    refusal: aiosmtplib.SMTPResponseException | None = None
    taken = 0
    for box in boxes:
        try:
            await client.rcpt(box)
            taken += 1
        except aiosmtplib.SMTPResponseException as error:
            # One that asks us to wait weighs more than one that never will.
            refusal = error if refusal is None or error.code < refusal.code else refusal
    if refusal is not None and not taken:
        raise refusal


def _refusal(code: int) -> SendError:
    """Read a reply code by RFC 5321, section 4.2.1."""
    if code in (530, 535):
        return Misconfigured("the office's mail server wants a log-in; mend its setting", code=str(code))
    if 500 <= code < 600:
        return Refused("the station's mailbox does not take the letter", code=str(code))
    return Unavailable("the station's mailbox cannot take the letter now", code=str(code))


def letters(parcel: Parcel, sender: str, boxes: list[str]) -> Iterator[EmailMessage]:
    """Write the letter with all that was asked for, then with ever less sound, at last without any attachment."""
    files = list(parcel.files)
    yield letter(parcel, sender, boxes, files)
    for ending in SOUND:
        fewer = [path for path in files if PurePosixPath(path).suffix != ending]
        if fewer != files and fewer:
            files = fewer
            yield letter(parcel, sender, boxes, files)
    if files:
        yield letter(parcel, sender, boxes, [])


def letter(parcel: Parcel, sender: str, boxes: list[str], files: list[str]) -> EmailMessage:
    """Write one letter; the same parcel gives the same bytes, and the same Message-ID with any attachments."""
    words = ID if parcel.language.lower().partition("-")[0] in ("id", "jv", "su", "ms") else EN
    digest = blake2b(f"{parcel.key or parcel.name}\0{','.join(boxes)}".encode(), digest_size=16).hexdigest()
    made = EmailMessage()
    made["From"] = sender
    made["To"] = ", ".join(boxes)
    made["Reply-To"] = parcel.reply_to or sender
    made["Subject"] = _line(f"[{words.marks.get(parcel.mode, parcel.mode)}] {parcel.headline}")
    made["Message-ID"] = f"<{digest}@{sender.rpartition('@')[2]}>"
    if parcel.sent:
        made["Date"] = format_datetime(parcel.sent)
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no mailbox on holiday answers it
    made["Importance"] = "high"
    made.set_content(_body(parcel, words), cte="quoted-printable")
    for path in files:
        kind, sub = KINDS.get(PurePosixPath(path).suffix, ("application", "octet-stream"))
        content = (parcel.folder / path).read_bytes()
        made.add_attachment(content, maintype=kind, subtype=sub, filename=PurePosixPath(path).name)
    if made.is_multipart():
        made.set_boundary(f"=_{digest}")
    return made


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", CONTROL.sub(" ", text)).strip()


def _body(parcel: Parcel, words: Words) -> str:
    mark = f"*** {words.marks.get(parcel.mode, parcel.mode)} ***" if parcel.mode != "Actual" else ""
    aired = [words.aired, parcel.readback] if parcel.readback else []
    aired += [words.ref.format(ref=parcel.ref)] if parcel.ref else []
    call = [words.call.format(contact=parcel.contact)] if parcel.contact else []
    parts = [mark, parcel.headline, words.read, parcel.script, "\n".join(aired), "\n".join(call), mark]
    return "\n\n".join(filter(None, parts)) + "\n"
