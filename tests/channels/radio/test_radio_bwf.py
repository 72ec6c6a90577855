"""Promises of the Broadcast WAV: every byte where the standards put it, and another cart number for little."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from channels.radio import bwf
from channels.radio.bwf import Bext, Cart, plain

SAMPLES = np.arange(-1200, 1200, dtype="<i2")
BEXT = Bext(
    description="Banjir: pindah sekarang. BPBD Kota Semarang",
    originator="BPBD Kota Semarang",
    reference="IDBPB0123456789AB193000123456789",
    date="2026-11-21",
    time="19:30:00",
    time_reference=70_200 * 48_000,
    loudness=-23.01,
    range=2.32,
    peak=-4.47,
    momentary=-19.04,
    short_term=-21.63,
    history="A=PCM,F=48000,W=16,M=mono,T=Crisis 0.1.0;espeak-ng id\r\n",
)
CART = Cart(
    title="Banjir: pindah sekarang",
    artist="BPBD Kota Semarang",
    cut_id="900017",
    client_id="BPBD",
    category="EMERGENCY",
    classification="Severe id",
    out_cue="Selesai.",
    start_date="2026-11-21",
    start_time="19:30:00",
    end_date="2026-11-21",
    end_time="23:30:00",
    producer="Crisis",
    producer_version="0.1.0",
    user_defined="Ulangi setiap 15 menit",
    timers=(("AUDs", 10), ("AUDe", 2000), ("INTs", 10), ("INTe", 100), ("SEGs", 2000), ("EOD ", 2400)),
    url="https://siaga.example/a/17",
    tag_text="urn:x:17\r\nAir naik.\r\nPindah.\r\n",
)
FACTS = {"INAM": "Banjir", "IART": "BPBD"}


def chunks(whole: bytes) -> dict[bytes, bytes]:
    """A reader of our own kind, written apart: name and content of each chunk, in their order."""
    found, at = {}, 12
    while at < len(whole):
        name, size = struct.unpack_from("<4sI", whole, at)
        found[name] = whole[at + 8 : at + 8 + size]
        at += 8 + size + (size & 1)
    assert at == len(whole) == struct.unpack_from("<I", whole, 4)[0] + 8
    return found


WHOLE = chunks(bwf.written(SAMPLES, BEXT, CART, FACTS))


def test_chunks_stand_in_the_order_stations_expect() -> None:
    """bext, fmt, cart, LIST, data; each starts at an even byte."""
    assert list(WHOLE) == [b"bext", b"fmt ", b"cart", b"LIST", b"data"]
    assert WHOLE[b"data"] == SAMPLES.tobytes()


@pytest.mark.parametrize(
    ("offset", "length", "content"),
    [
        (0, 4, b"0101"),
        (4, 64, b"Banjir: pindah sekarang"),
        (68, 64, b"BPBD Kota Semarang"),
        (132, 64, b"900017"),
        (196, 64, b"BPBD"),
        (260, 64, b"EMERGENCY"),
        (324, 64, b"Severe id"),
        (388, 64, b"Selesai."),
        (452, 10, b"2026-11-21"),
        (462, 8, b"19:30:00"),
        (470, 10, b"2026-11-21"),
        (480, 8, b"23:30:00"),
        (488, 64, b"Crisis"),
        (552, 64, b"0.1.0"),
        (616, 64, b"Ulangi setiap 15 menit"),
        (680, 4, b"\x00\x80\x00\x00"),
        (684, 8, b"AUDs" + struct.pack("<I", 10)),
        (692, 8, b"AUDe" + struct.pack("<I", 2000)),
        (700, 8, b"INTs" + struct.pack("<I", 10)),
        (708, 8, b"INTe" + struct.pack("<I", 100)),
        (716, 8, b"SEGs" + struct.pack("<I", 2000)),
        (724, 8, b"EOD " + struct.pack("<I", 2400)),
        (732, 16, b""),
        (748, 276, b""),
        (1024, 1024, b"https://siaga.example/a/17"),
        (2048, 29, b"urn:x:17\r\nAir naik.\r\nPindah.\r\n"),
    ],
)
def test_the_cart_is_laid_out_as_aes46_says(offset: int, length: int, content: bytes) -> None:
    """Each field stands at its offset, filled up with zeros."""
    assert WHOLE[b"cart"][offset : offset + length] == content[:length].ljust(length, b"\0")


def test_bext_is_laid_out_as_ebu_3285_says() -> None:
    """602 bytes, loudness in hundredths, then the coding history."""
    bext = WHOLE[b"bext"]
    assert bext[256 + 32 : 256 + 64] == b"IDBPB0123456789AB193000123456789"
    assert struct.unpack_from("<QH", bext, 338) == (70_200 * 48_000, 2)
    assert struct.unpack_from("<5h", bext, 412) == (-2301, 232, -447, -1904, -2163)
    assert bext[422:602] == bytes(180)
    assert bext[602:] == BEXT.history.encode()


def test_reading_gives_back_all_that_was_written(tmp_path: Path) -> None:
    """`read` is the other half of `written`."""
    (path := tmp_path / "a.wav").write_bytes(bwf.written(SAMPLES, BEXT, CART, FACTS))
    found = bwf.read(path)
    assert (found.rate, found.channels, found.bits, found.samples) == (48_000, 1, 16, 2400)
    assert found.bext == replace(BEXT, history=BEXT.history.strip())
    assert found.cart == replace(CART, tag_text=CART.tag_text.strip())
    assert found.facts == FACTS
    assert found.chunks == ("bext", "fmt ", "cart", "LIST", "data")


def test_what_nobody_measured_is_left_unknown(tmp_path: Path) -> None:
    """A silent or too short sound has no loudness: the standard's 7FFF, never a made-up number."""
    (path := tmp_path / "a.wav").write_bytes(bwf.written(SAMPLES, Bext(loudness=float("-inf")), None, {}))
    found = bwf.read(path)
    assert found.cart is None
    assert found.bext
    assert (found.bext.loudness, found.bext.peak) == (None, None)


def test_a_station_gets_its_own_cart_number_and_nothing_else_changes(tmp_path: Path) -> None:
    """Two files of different cart numbers differ in those 64 bytes only; a client's name may change too."""
    source, target = tmp_path / "a.wav", tmp_path / "b.wav"
    source.write_bytes(bwf.written(SAMPLES, BEXT, CART, FACTS))
    bwf.recarted(source, target, "71", client="Radio Suara Genuk")
    other = replace(CART, cut_id="71", client_id="Radio Suara Genuk")
    assert target.read_bytes() == bwf.written(SAMPLES, BEXT, other, FACTS)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (b"", "not a whole WAV"),
        (b"RIFF\x04\0\0\0WAVE", "not a whole WAV"),
        (bwf.written(SAMPLES, BEXT, CART, FACTS)[:-50], "not a whole WAV"),
        (b"RIFF\x0c\0\0\0WAVEdata\xff\0\0\0", "ends in the middle"),
    ],
)
def test_a_broken_file_is_named_so(tmp_path: Path, broken: bytes, says: str) -> None:
    """One sentence, no traceback of struct."""
    (path := tmp_path / "a.wav").write_bytes(broken)
    with pytest.raises(ValueError, match=says):
        bwf.read(path)


def test_a_file_without_a_cart_gets_no_number(tmp_path: Path) -> None:
    """The stem is not for automation."""
    (path := tmp_path / "a.wav").write_bytes(bwf.written(SAMPLES, BEXT, None, {}))
    with pytest.raises(ValueError, match=r"a\.wav has no cart chunk"):
        bwf.recarted(path, tmp_path / "b.wav", "7")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Désa Cikijing – 30°C", "Desa Cikijing - 30 deg C"),
        ("“Siaga 1”…", '"Siaga 1"...'),
        ("Łódź, Ørsted, Straße", "Lodz, Orsted, Strasse"),
        ("ꦧꦚ꧀ꦗꦶꦂ", "????"),
        ("½ m²", "1?2 m2"),
        ("", ""),
    ],
)
def test_text_becomes_ascii(text: str, written: str) -> None:
    """Letters keep their likeness; what has none is a question mark."""
    assert plain(text) == written if "?" not in written else set(plain(text)) - set("?") <= set(written)
    assert plain(text).isascii()
