"""A station's mailbox gets what to read aloud, with as much of the kit as it takes; a real SMTP server on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from channels.contract import Misconfigured, Refused, SendError, Unavailable, Unsure
from channels.radio.station import Station
from channels.radio.ways import Parcel, carry
from channels.radio.ways.mail import letter, post

HIDDEN = "s3cr3t"
SCRIPT = "Banjir di Semarang Utara.\nPindah ke GOR Tri Lomba Juang sekarang.\n.\nSelesai — ulangi."


class Office:
    """Takes letters, or answers what it was told to."""

    def __init__(self, **says: str) -> None:
        self.says = says
        self.letters: list[EmailMessage] = []
        self.boxes: list[list[str]] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        says = self.says.get(address.partition("@")[0], "250 OK")
        if says.startswith("250"):
            envelope.rcpt_tos.append(address)
        return says

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if "data" in self.says:
            return self.says["data"]
        if len(envelope.content) > int(self.says.get("most", "100000000")):
            return "552 5.3.4 too large"
        self.letters.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        self.boxes.append(envelope.rcpt_tos)
        return "250 OK"


@contextmanager
def served(office: Office, free: Any, **how: Any) -> Iterator[str]:
    port = free()
    controller = Controller(office, hostname="127.0.0.1", port=port, **how)
    controller.start()
    try:
        yield f"smtp://127.0.0.1:{port}?from=siaga@bpbd.example"
    finally:
        controller.stop()


def station(boxes: str = "studio@radio.example", **more: Any) -> Station:
    told = {"name": "Radio", "way": f"mailto:{boxes}", "languages": ["id"], "secret": "ab" * 32}
    return Station.parse(json.dumps({**told, **more}))


@pytest.fixture
def parcel(tmp_path: Path) -> Parcel:
    sizes = {"naskah.pdf": 3_000, "banjir ↑.mp3": 60_000, "banjir.amr": 9_000}
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(b"%" * size)
    return Parcel(
        folder=tmp_path,
        name="KIT",
        files=tuple(sizes),
        key="key-1",
        headline="Banjir Kali Garang",
        script=SCRIPT,
        readback="https://siaga.example/aired/ABCD",
        ref="ABCD",
        contact="024-112",
        reply_to="piket@bpbd.example",
        sent=datetime(2026, 11, 21, 12, 30, tzinfo=UTC),
    )


def attached(message: EmailMessage) -> list[str | None]:
    return [part.get_filename() for part in message.iter_attachments()]


async def test_a_letter_says_what_to_read_and_how_to_read_back(parcel: Parcel, free_port: Any) -> None:
    office = Office()
    with served(office, free_port) as smtp:
        for _ in range(2):
            await carry(parcel, station("studio@radio.example,news@radio.example"), smtp=smtp)
    first, again = office.letters
    assert office.boxes == [["studio@radio.example", "news@radio.example"]] * 2
    assert first["Subject"] == "[SIARKAN SEGERA] Banjir Kali Garang"
    assert first["Reply-To"] == "piket@bpbd.example"
    assert first.as_bytes() == again.as_bytes(), "the same parcel makes the same letter, Message-ID and all"
    body = first.get_body().get_content()  # type: ignore[union-attr]
    for told in (SCRIPT, "https://siaga.example/aired/ABCD", "ABCD", "024-112"):
        assert told in body.replace("\r\n", "\n")
    assert attached(first) == list(parcel.files)


@pytest.mark.parametrize(("mode", "mark"), [("Exercise", "LATIHAN"), ("Test", "UJI COBA")])
def test_a_drill_is_marked_in_the_subject_and_at_both_ends_of_the_letter(parcel: Parcel, mode: str, mark: str) -> None:
    from dataclasses import replace

    made = letter(replace(parcel, mode=mode, headline="a\r\nBcc: b@c"), "a@b.example", ["c@d.example"], [])
    body = made.get_content()
    assert made["Subject"] == f"[{mark}] a Bcc: b@c"
    assert body.count(f"*** {mark} ***") == 2


@pytest.mark.parametrize(
    ("most", "kept"),
    [
        (200_000, ["naskah.pdf", "banjir ↑.mp3", "banjir.amr"]),
        (30_000, ["naskah.pdf", "banjir.amr"]),
        (9_000, ["naskah.pdf"]),
        (3_000, []),
    ],
)
@pytest.mark.parametrize("told", [True, False])
async def test_a_small_mailbox_gets_less_sound_but_always_the_words(
    parcel: Parcel, free_port: Any, most: int, kept: list[str], told: bool
) -> None:
    """Whether its server says beforehand how much it takes (SIZE), or only refuses what is too much."""
    office = Office(most=str(most))
    with served(office, free_port, data_size_limit=most if told else 0) as smtp:
        await carry(parcel, station(), smtp=smtp)
    assert [attached(one) for one in office.letters] == [kept]


async def test_a_mailbox_too_small_for_the_words_refuses(parcel: Parcel, free_port: Any) -> None:
    with served(Office(most="10"), free_port) as smtp, pytest.raises(Refused, match="words alone"):
        await carry(parcel, station(), smtp=smtp)


@pytest.mark.parametrize(
    ("says", "boxes", "error"),
    [
        ({"a": "550 5.1.1 nobody"}, "a@r.example", Refused),
        ({"a": "452 4.2.2 full"}, "a@r.example", Unavailable),
        ({"a": "550 no", "b": "450 later"}, "a@r.example,b@r.example", Unavailable),
        ({"data": "451 greylisted"}, "a@r.example", Unavailable),
        ({"data": "554 spam"}, "a@r.example", Refused),
    ],
)
async def test_what_a_mailbox_says_is_what_the_office_is_told(
    parcel: Parcel, free_port: Any, says: dict[str, str], boxes: str, error: type[SendError]
) -> None:
    with served(Office(**says), free_port) as smtp, pytest.raises(error) as raised:
        await carry(parcel, station(boxes), smtp=smtp)
    assert "r.example" not in str(raised.value) + raised.value.code


async def test_one_mailbox_that_takes_it_is_enough(parcel: Parcel, free_port: Any) -> None:
    office = Office(a="550 no")
    with served(office, free_port) as smtp:
        await carry(parcel, station("a@r.example,b@r.example"), smtp=smtp)
    assert office.boxes == [["b@r.example"]]


async def test_no_reply_after_the_letter_went_out_is_not_taken_for_a_failure(parcel: Parcel) -> None:
    """It may lie in the mailbox: the same Message-ID lets the station see that a second one is the first."""

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        try:
            while line := await reader.readline():
                if line == b".\r\n":
                    break
                if line.startswith((b"EHLO", b"MAIL", b"RCPT")):
                    writer.write(b"250 OK\r\n")
                if line == b"DATA\r\n":
                    writer.write(b"354 go on\r\n")
            await reader.read()
        finally:
            writer.close()

    async with await asyncio.start_server(mute, "127.0.0.1", 0, limit=1 << 20) as server:
        smtp = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}?from=a@b.example"
        with pytest.raises(Unsure):
            await carry(parcel, station(), smtp=smtp, timeout=0.3)


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # what aiosmtpd says of a test without TLS
async def test_a_wrong_password_is_for_an_officer_to_mend(
    parcel: Parcel, free_port: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")

    def check(server: Any, session: Any, envelope: Any, mechanism: str, told: Any) -> AuthResult:
        return AuthResult(success=told.password == b"right", handled=False)

    office = Office()
    with served(office, free_port, authenticator=check, auth_required=True, auth_require_tls=False) as smtp:
        with pytest.raises(Misconfigured, match="password") as raised:
            await carry(parcel, station(), smtp=smtp.replace("//", f"//office:{HIDDEN}@"))
        assert HIDDEN not in str(raised.value) + raised.value.code
        with pytest.raises(Misconfigured, match="log-in"):
            await carry(parcel, station(), smtp=smtp)
        await carry(parcel, station(), smtp=smtp.replace("//", "//office:right@"))
        with pytest.raises(Misconfigured, match="TLS"):
            await carry(parcel, station(), smtp=smtp.replace("smtp://", "starttls://"))
    assert len(office.letters) == 1
    own = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("mail"))
    assert HIDDEN not in own  # aiosmtpd, the station's side here, logs under "mail"


async def test_without_a_mail_server_nothing_is_pretended(parcel: Parcel) -> None:
    with pytest.raises(Misconfigured, match="no mail server"):
        await carry(parcel, station())


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"http://a:{HIDDEN}@host?from=a@b", "write smtp://"),
        (f"smtps://a:{HIDDEN}@host", "which mailbox"),
        (f"smtp://a:{HIDDEN}@host?from=a@b", "in the clear"),
        (f"smtps://a:{HIDDEN}@host?from=a@b&{HIDDEN}=1", "unknown setting"),
        (f"smtps://a:{HIDDEN}@host:x?from=a@b", "cannot be read"),
    ],
)
def test_a_wrong_mail_server_is_refused_without_its_password(url: str, says: str) -> None:
    with pytest.raises(Misconfigured, match=says) as refused:
        post(url)
    assert HIDDEN not in str(refused.value)


def test_a_mail_servers_own_mailbox_writes_where_none_is_named() -> None:
    assert post("smtps://siaga%40bpbd.example:x@host").sender == "siaga@bpbd.example"
    assert (post("starttls://host?from=a@b").port, post("smtps://host?from=a@b").port) == (587, 465)
