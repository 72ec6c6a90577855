"""Promises of the texts for screens and licensed operators: within each medium's limits, marked in every line."""

from __future__ import annotations

import random
import subprocess
import warnings
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import pytest

from channels.contract import About
from channels.radio import air
from channels.radio.bulletin import Bulletin, Office

NOON = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
OFFICE = Office(title="BPBD Kota Semarang", base="https://crisis.example/radio", language="id", zone="Asia/Jakarta")
FLOOD = Bulletin(
    id="urn:oid:2.49.0.1.360.1",
    incident="banjir-7",
    language="id",
    mode="Actual",
    headline="Banjir di Kaligawe, segera mengungsi",
    script="Banjir di Kaligawe. Segera mengungsi.",
    reading="Pengumuman resmi dari BPBD Kota Semarang.\nBanjir di Kaligawe.\nSegera mengungsi.\nSelesai.",
    sent=NOON,
    expires=NOON + timedelta(hours=4),
    about=About(
        agency="BPBD Kota Semarang",
        hazard="Banjir",
        area="Kelurahan Kaligawe dan Terboyo",
        help_line="112",
        do=("Segera mengungsi ke SMPN 1 Genuk – bawa obat.", "Matikan listrik dan gas."),
        dont=("Jangan melewati Jl. Kaligawe Raya.",),
        short="Banjir Kaligawe. Mengungsi ke SMPN 1 Genuk.",
    ),
)
DRILL = replace(FLOOD, mode="Exercise")
TEST = replace(FLOOD, mode="Test", language="en")
THAI = replace(FLOOD, language="th", headline="น้ำท่วมกรุงเทพ อพยพทันที", about=About(hazard="น้ำท่วม", area="กรุงเทพ"))
LONG = replace(FLOOD, about=replace(FLOOD.about, do=tuple(f"Langkah {n}: " + "air " * 40 for n in range(20))))
HOSTILE = replace(FLOOD, headline="A~B|C{D}\n\x1b[31m$5 ^`\\ \u202e" * 3, about=About(hazard="~|{", area="x" * 500))
ALL = {"flood": FLOOD, "drill": DRILL, "test": TEST, "thai": THAI, "long": LONG, "hostile": HOSTILE}
MARKS = {"drill": "LATIHAN", "test": "TEST"}


@pytest.mark.parametrize("name", ALL)
def test_every_aprs_bulletin_keeps_to_its_format(name: str) -> None:
    """Addressee of exactly nine characters, text of at most 67 without what APRS keeps for itself, BLN1 upwards."""
    lines = air.sent(air.aprs(ALL[name], OFFICE))
    assert len(lines) <= air.BULLETINS
    for number, line in enumerate(lines, 1):
        assert line[0] == ":"
        assert line[10] == ":"
        assert line[1:10].startswith(f"BLN{number}")
        assert len(line[11:]) <= 67
        assert line.isascii()
        assert line.isprintable()
        assert not set("|~{") & set(line)


@pytest.mark.parametrize("name", ALL)
def test_every_radiotext_and_name_fits_a_receiver(name: str) -> None:
    """RadioText of at most 64 characters and names of exactly 8, of signs that ASCII and RDS share."""
    lines = [line for line in air.rds(ALL[name], OFFICE).split("\r\n") if line and not line.startswith("#")]
    texts = [line[3:] for line in lines if line.startswith("RT=")]
    assert all(len(text) <= 64 and text.isascii() for text in texts)
    assert all(len(line) == len("PS=") + 8 for line in lines if line.startswith("PS="))
    assert not any(set("$^`~") & set(text) for text in texts)


@pytest.mark.parametrize("name", MARKS)
def test_a_drill_says_so_in_every_line_that_is_sent(name: str) -> None:
    """Somebody may see or hear any one line alone."""
    drill, mark = ALL[name], MARKS[name]
    assert all(mark in text for text in air.radiotexts(drill, OFFICE).texts)
    assert all(mark in line[11:] for line in air.bulletins(drill, OFFICE).texts)
    assert all(mark in text for text in air.station_names(drill, OFFICE))
    assert mark in air.sms(drill)
    assert "TA=1" not in air.rds(drill, OFFICE)
    assert "TA=1" in air.rds(FLOOD, OFFICE)


def test_a_mark_is_not_said_twice() -> None:
    """A headline that carries its mark already keeps it once."""
    assert air.marked("LATIHAN: Banjir", DRILL) == "LATIHAN: Banjir"
    assert air.marked("Banjir", DRILL) == "LATIHAN: Banjir"
    assert air.marked("Banjir", FLOOD) == "Banjir"
    marked = replace(DRILL, headline="[LATIHAN] Banjir di Kaligawe")
    assert all(text.count("LATIHAN") == 1 for text in air.radiotexts(marked, OFFICE).texts)


def test_what_matters_stays_when_room_is_short() -> None:
    """Twenty long instructions do not crowd out what, where, until when and the help line; what is left out is said."""
    fitted = air.bulletins(LONG, OFFICE)
    whole = " ".join(line[11:] for line in fitted.texts)
    assert "Banjir di Kaligawe" in whole
    assert "Kelurahan Kaligawe" in whole
    assert "23.30 WIB" in whole
    assert "112" in whole
    assert fitted.left > 0
    assert f"{fitted.left} kalimat" in air.aprs(LONG, OFFICE)


def test_a_script_that_has_no_ascii_is_said_not_guessed() -> None:
    """Thai is not sent as the scraps that survive; the sheet says why it is empty."""
    assert air.bulletins(THAI, OFFICE).texts == ()
    assert air.radiotexts(THAI, OFFICE).texts == ()
    assert "th" in air.aprs(THAI, OFFICE)
    assert THAI.headline in air.winlink(THAI, OFFICE)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Jl. Sudirman – Gg. 3", "Jl. Sudirman - Gg. 3"),
        ("“São Tomé” 30 °C…", '"Sao Tome" 30 deg C...'),
        ("a~b|c{d}", "a-b/c(d)"),
        ("baris satu\r\nbaris dua\t!", "baris satu baris dua !"),
    ],
)
def test_texts_are_written_in_signs_every_receiver_has(text: str, written: str) -> None:
    """Letters lose their marks, and what APRS or RDS keeps for itself becomes the nearest sign."""
    assert air.plain(text) == written


def test_winlink_keeps_to_five_kilobytes_whole_lines_only() -> None:
    """A long script is cut at a line and says so."""
    text = air.winlink(replace(FLOOD, reading="Air terus naik di jalan ini.\n" * 400), OFFICE)
    assert len(text.encode()) <= air.WINLINK
    assert "(Dipotong." in text
    assert all(line in {"Air terus naik di jalan ini."} or "Air terus" not in line for line in text.split("\r\n"))


def test_nothing_is_said_of_an_end_where_nobody_gave_one() -> None:
    """An alert without an expiry, and an all-clear, name none."""
    for bulletin in (replace(FLOOD, timed=False), replace(FLOOD, ends=True)):
        assert "23.30" not in air.aprs(bulletin, OFFICE) + air.rds(bulletin, OFFICE) + air.winlink(bulletin, OFFICE)


def test_any_words_give_texts_within_the_limits() -> None:
    """Two hundred alerts of random signs never break a limit or the code."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    signs = "abcde ABC 123.,:|~{}$^–“é\n\t\x00น้ำ🙂#"
    for _ in range(200):
        words = ["".join(chance.choices(signs, k=chance.randrange(1, 150))) for _ in range(5)]
        about = About(hazard=words[0], area=words[1], do=tuple(words[2:4]), help_line=words[4])
        bulletin = replace(
            FLOOD, headline=words[0], script=words[1], about=about, mode=chance.choice(["Actual", "Test"])
        )
        assert all(len(line) <= 78 and line.isascii() for line in air.bulletins(bulletin, OFFICE).texts)
        assert all(len(text) <= 64 for text in air.radiotexts(bulletin, OFFICE).texts)
        assert len(air.winlink(bulletin, OFFICE).encode("utf-8", "replace")) <= air.WINLINK


@pytest.mark.peer
def test_direwolf_decodes_every_bulletin(tmp_path: Path, peer: Callable[[str, str | None], str]) -> None:
    """gen_packets makes sound of ours and atest hears each of them back, without a complaint."""
    lines = air.sent(air.aprs(DRILL, OFFICE))
    maker, hearer = peer("gen_packets", which("gen_packets")), peer("atest", which("atest"))
    packets, sound = tmp_path / "bln.txt", tmp_path / "bln.wav"
    packets.write_text("".join(f"N0CALL>APRS:{line}\n" for line in lines))
    subprocess.run([maker, "-o", str(sound), str(packets)], check=True, capture_output=True)
    heard = subprocess.run([hearer, str(sound)], check=True, capture_output=True, text=True).stdout
    assert f"{len(lines)} packets decoded" in heard
    assert all(f"N0CALL>APRS:{line}" in heard for line in lines)
    assert not [told for told in heard.splitlines() if "warning" in told.lower() or "error" in told.lower()]


@pytest.mark.peer
def test_aprslib_reads_every_bulletin(peer: Callable[[str, object], object]) -> None:
    """An independent parser finds the number, the group and the text we meant."""
    peer("aprslib", find_spec("aprslib"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, of old escapes
        import aprslib

    for number, line in enumerate(air.sent(air.aprs(FLOOD, OFFICE)), 1):
        read = aprslib.parse(f"N0CALL>APRS,TCPIP*:{line}")
        assert (read["format"], read["bid"], read["identifier"]) == ("group-bulletin", str(number), "BANJI")
        assert read["message_text"] == line[11:]
