"""Mail from stations: what is clear is taken, what is not is told in one sentence and never guessed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import pytest

from crisis.cli.readback_mail import Mail, read
from crisis.errors import BadInput

ZONE = ZoneInfo("Asia/Pontianak")
NOW = datetime(2026, 11, 21, 14, 50, tzinfo=UTC)  # 21.50 WIB
REF = "7QKMXW2H9RTBCDEF"
AT = datetime(2026, 11, 21, 21, 35, tzinfo=ZONE)
LINK = f"https://siaga.example.go.id/aired/{REF}"

FORM = f"""\
TANDA TERIMA SIARAN

Kode           : {REF}
Isi            : Banjir di Desa Kuala Dua 1.25
Berlaku sampai : 22 November 2026 pukul 01.30 WIB
Nomor CAP      : crisis.2026.000017

Stasiun                 : ___RRI Pontianak______________________
Mulai mengudara (jam)   : __21.35____________   Tanggal : _21/11/2026_____________
Berapa kali diulang     : ___2________________
Cara  [x] dibaca penyiar   [ ] rekaman diputar   [ ] TIDAK mengudara
Nama penyiar/operator   : Bu Sri
Tautan                  : {LINK}
"""


def mail(text: str, *, html: str = "", sender: str = "Pak Budi <studio@rri.example>", **headers: str) -> bytes:
    letter = EmailMessage()
    letter["From"], letter["To"] = sender, "siaran@bpbd.example"
    letter["Message-ID"] = "<1@rri.example>"
    for name, value in headers.items():
        letter[name.replace("_", "-")] = value
    if text:
        letter.set_content(text)
    if html:
        letter.add_alternative(html, subtype="html") if text else letter.set_content(html, subtype="html")
    return letter.as_bytes()


CLEAR: list[tuple[str, bytes, str]] = [
    ("code, time, name of the sender", mail(f"Sudah disiarkan pukul 21.35 WIB. Kode {REF}"), "Pak Budi"),
    ("a name in the text", mail(f"{REF}\n21:35\nOleh: Bu Sri"), "Bu Sri"),
    ("ISO", mail(f"{REF} aired 2026-11-21T21:35+07:00"), "Pak Budi"),
    ("a code in groups", mail("Kode 7qkm-xw2h 9rtb cdef, 21.35"), "Pak Budi"),
    ("a link", mail(f"On air 21:35.\n{LINK}"), "Pak Budi"),
    ("the code in the subject", mail("Disiarkan 21.35 WIB", Subject=f"Re: LATIHAN Banjir [{REF}]"), "Pak Budi"),
    ("the code in what is quoted", mail(f"Sudah, 21.35.\n\n> Sampaikan di {LINK}\n> paling lambat 22.00"), "Pak Budi"),
    (
        "an answer above what was sent",
        mail(f"Disiarkan 21.35\n\nPada Sab, 21 Nov 2026 19.30 BPBD <a@b.example> menulis:\n> {REF}\nKirim 19.30"),
        "Pak Budi",
    ),
    (
        "a program that quotes without signs",
        mail(f"Aired 21:35\n\n-----Original Message-----\nFrom: BPBD <a@b.example>\nSent: 19:30\n{LINK}"),
        "Pak Budi",
    ),
    ("the receipt filled in", mail(FORM), "Bu Sri"),
    ("no display name", mail(f"{REF} 21.35", sender="studio@rri.example"), "studio@rri.example"),
    ("two kinds of body", mail(f"{REF} 21.35", html="<p>something else 20.00</p>"), "Pak Budi"),
    (
        "HTML alone",
        mail("", html=f"<style>p {{x: 12.30}}</style>Disiarkan <b>21.35</b> WIB<blockquote>{LINK} 20.00</blockquote>"),
        "Pak Budi",
    ),
    (
        "several times, one of the airing",
        mail(f"Kode {REF}\nDiterima 19.31\nDisiarkan 21.35\nRapat 22.00"),
        "Pak Budi",
    ),
    ("it waited a day in a queue", mail(f"{REF} disiarkan 21.35", Date="Sat, 21 Nov 2026 21:40:00 +0700"), "Pak Budi"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "by"), [case[1:] for case in CLEAR], ids=[case[0] for case in CLEAR])
def test_a_clear_mail_is_read(raw: bytes, by: str) -> None:
    """As stations write: short, as an answer, on the receipt, from any program."""
    now = NOW + timedelta(days=1) if b"Date:" in raw else NOW
    assert read(raw, now, ZONE) == Mail(codes=(REF,), at=AT, by=by, name="<1@rri.example>")


UNCLEAR: list[tuple[str, bytes, str]] = [
    ("no code", mail("Sudah disiarkan 21.35"), "names no code"),
    ("the code of the alert", mail("Kode 195, disiarkan 21.35"), "names no code"),
    ("a word as long as a code", mail("KETERANGANNYAADA 21.35"), "names no code"),
    ("no time", mail(f"Sudah disiarkan. {REF}"), "names no time"),
    ("only a quoted time", mail(f"Sudah. {REF}\n> disiarkan 21.35"), "names no time"),
    ("two times", mail(f"{REF} disiarkan 21.35 dan 21.50"), "names 2 times"),
    ("not aired", mail(f"{REF} tidak disiarkan karena listrik padam sejak 21.35"), "says 'tidak disiarkan'"),
    ("not yet aired", mail(f"{REF} belum sempat mengudara, 21.35"), "says 'belum sempat mengudara'"),
    ("not aired, in English", mail(f"{REF} was not aired at 21:35"), "says 'not aired'"),
    (
        "not aired, on the receipt",
        mail(FORM.replace("[ ] TIDAK", "[x] TIDAK").replace("[x] dibaca", "[ ] dibaca")),
        "says 'TIDAK mengudara'",
    ),
    ("an automatic answer", mail(f"Saya cuti sampai 21.35 {REF}", Auto_Submitted="auto-replied"), "nobody wrote"),
    ("a list", mail(f"{REF} 21.35", Precedence="bulk"), "nobody wrote"),
    ("nobody", mail(f"{REF} 21.35", sender="").replace(b"From: \n", b""), "does not tell who"),
    ("nothing", b"", "names no code"),
    ("too large", mail("x" * 70 + "\n") + b"a" * 2_000_001, "larger than 2 MB"),
    ("an unknown charset", mail(f"{REF} 21.35").replace(b'"utf-8"', b'"klingon"'), "cannot be read"),
]


@pytest.mark.parametrize(("raw", "says"), [case[1:] for case in UNCLEAR], ids=[case[0] for case in UNCLEAR])
def test_an_unclear_mail_is_refused_in_one_sentence(raw: bytes, says: str) -> None:
    """Better nothing stored than an airing that never was."""
    with pytest.raises(BadInput) as error:
        read(raw, NOW, ZONE)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("seed", range(3))
def test_no_mail_breaks_the_reader(seed: int) -> None:
    """Whatever bytes come, it is read or refused."""
    chance = random.Random(seed)
    for _ in range(300):
        raw = bytearray(chance.choice([case[1] for case in CLEAR]))
        for _ in range(chance.randrange(1, 8)):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        try:
            read(bytes(raw), NOW, ZONE)
        except BadInput:
            continue
