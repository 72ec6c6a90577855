"""Residents' texts come whole, or marked as not whole, and never get lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from channels.sms import gsm7, pdu, pieces
from channels.sms.pdu import Sm
from channels.sms.pieces import Assembly, Handed, piece, read

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
LONG = "Air sudah setinggi dada di RT 03, ada lansia dan bayi di atap rumah. " * 5


def sms(text: str, ref: int = 7, sender: str = "62811") -> list[Sm]:
    return [
        Sm(source=sender, source_ton=1, destination="112", esm_class=esm, data_coding=coding, octets=octets)
        for esm, coding, octets in gsm7.split(text, ref)
    ]


def texts(handed: list[Handed[str]]) -> list[str]:
    return [one.text.text for one in handed if one.text]


def feed(assembly: Assembly[str], parts: list[Sm], tokens: str, now: datetime = NOW) -> list[Handed[str]]:
    handed: list[Handed[str]] = []
    for part, token in zip(parts, tokens, strict=True):
        handed += assembly.add(piece(part), token, now)
    return handed


@pytest.mark.parametrize(
    ("coding", "octets", "text"),
    [
        (0, b"\x00\x1be", "@€"),
        (1, b"[ok]", "[ok]"),
        (3, b"caf\xe9 @", "café @"),
        (8, "“air” 🌊".encode("utf-16-be"), "“air” 🌊"),
        (8, b"\0a\0", "a\ufffd"),
        (4, b"\x00@", "\x00@"),
        (6, "Вода".encode("iso8859-5"), "Вода"),
        (0x11, b"\x00", "@"),
        (0x18, b"\0a", "a"),
        (0x14, b"\xe9", "é"),
        (0xF1, b"\x00", "@"),
        (0xF5, b"\xe9", "é"),
        (0x99, b"tolong", "tolong"),
    ],
)
def test_each_data_coding_is_read(coding: int, octets: bytes, text: str) -> None:
    """SMPP's table and the GSM classes; an unknown one as the default alphabet."""
    assert read(coding, octets) == text


@pytest.mark.parametrize(
    ("source", "ton", "sender"), [("62811", 1, "+62811"), ("0811", 2, "0811"), ("TELKOMSEL", 5, "TELKOMSEL")]
)
def test_an_international_sender_gets_its_plus(source: str, ton: int, sender: str) -> None:
    """TON 1 says it is one; nothing is guessed."""
    assert piece(Sm(source=source, source_ton=ton)).sender == sender


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_text_in_parts_is_handed_on_once_and_whole_in_any_order(order: tuple[int, ...]) -> None:
    """And only then may its parts be acknowledged."""
    assembly: Assembly[str] = Assembly()
    parts = [sms(LONG)[place] for place in order]
    assert feed(assembly, parts[:2], "ab") == []
    handed = feed(assembly, parts[2:], "c")
    assert texts(handed) == [LONG]
    assert sorted(handed[0].tokens) == ["a", "b", "c"]
    assert handed[0].text
    assert handed[0].text.sender == "+62811"


def test_parts_by_sar_and_by_wide_reference_are_joined_too() -> None:
    """SMPP 3.4, 5.3.2.22 to 24; 3GPP TS 23.040, 9.2.3.24.8."""

    def sar(index: int, text: bytes) -> Sm:
        tlvs = {
            pdu.SAR_MSG_REF_NUM: b"\1\2",
            pdu.SAR_TOTAL_SEGMENTS: b"\2",
            pdu.SAR_SEGMENT_SEQNUM: bytes((index,)),
        }
        return Sm(source="1", octets=text, tlvs=tlvs)

    def wide(index: int, text: bytes) -> Sm:
        return Sm(source="1", esm_class=0x40, octets=bytes((9, 36, 1, 1, 8, 4, 1, 2, 2, index)) + text)

    for make in (sar, wide):
        assert texts(feed(Assembly(), [make(2, b"Utara"), make(1, b"RW ")], "ab")) == ["RW Utara"]


def test_a_sign_cut_in_two_by_the_phone_is_read_whole() -> None:
    """Surrogates and escapes may straddle parts of others, though never of ours."""
    wave = "🌊".encode("utf-16-be")
    head = b"\5\0\3\1\2"
    cut = [
        Sm(esm_class=0x40, data_coding=8, octets=head + b"\1" + wave[:2]),
        Sm(esm_class=0x40, data_coding=8, octets=head + b"\2" + wave[2:]),
    ]
    assert texts(feed(Assembly(), cut, "ab")) == ["🌊"]


@pytest.mark.parametrize(
    "octets",
    [b"\5\0\3\1\2\0x", b"\5\0\3\1\2\3x", b"\5\0\3\1\0\1x", b"\5\0\3\1\1\1x", b"\3\x24\1\1x", b"\2\0\x09x"],
)
def test_a_header_that_makes_no_sense_still_gives_the_text(octets: bytes) -> None:
    """Impossible part numbers, other elements, lengths too long."""
    assert texts(feed(Assembly(), [Sm(esm_class=0x40, octets=octets)], "a")) == ["x"]


def test_a_header_longer_than_the_text_is_text() -> None:
    """Nothing is thrown away for a wrong flag."""
    assert texts(feed(Assembly(), [Sm(esm_class=0x40, octets=b"tolong")], "a")) == ["tolong"]


def test_missing_parts_are_waited_for_then_the_rest_is_handed_on_marked() -> None:
    """Part 2 of 3 never comes; what is there is not held back for ever."""
    assembly: Assembly[str] = Assembly()
    parts = sms(LONG)
    feed(assembly, [parts[0], parts[2]], "ac")
    assert assembly.waits
    assert assembly.due(NOW + timedelta(seconds=2)) == []
    handed = assembly.due(NOW + pieces.PATIENCE)
    assert handed[0].tokens == ("a", "c")
    assert texts(handed)[0].startswith("[SMS tidak lengkap: 2 dari 3 bagian / incomplete: 2 of 3 parts]\nAir sudah")
    assert " […] " in texts(handed)[0]
    assert not assembly.waits


def test_a_late_part_completes_what_was_handed_on_with_a_gap() -> None:
    """An SMSC with a window of one sends part 2 only after part 1 is answered."""
    assembly: Assembly[str] = Assembly()
    parts = sms(LONG)
    first = feed(assembly, parts[:2], "ab") + assembly.due(NOW + pieces.PATIENCE)
    handed = feed(assembly, parts[2:], "c", NOW + timedelta(minutes=1))
    assert texts(handed) == [LONG]
    assert handed[0].tokens == ("c",)
    assert handed[0].text
    assert first[0].text
    assert handed[0].text.digest != first[0].text.digest


def test_a_resent_part_of_a_whole_text_is_only_answered() -> None:
    """It has been handed on; its acknowledgement went astray."""
    assembly: Assembly[str] = Assembly()
    parts = sms(LONG)
    feed(assembly, parts, "abc")
    assert feed(assembly, [parts[1]], "d", NOW + timedelta(minutes=9)) == [Handed(text=None, tokens=("d",))]


def test_a_reference_used_again_begins_a_new_text() -> None:
    """References are one octet: they come round, and the old text is not lost for it."""
    assembly: Assembly[str] = Assembly()
    other = "Listrik padam sejak subuh di seluruh kampung. " * 8
    feed(assembly, sms(LONG)[:2], "ab")
    handed = feed(assembly, sms(other), "cde")
    assert [one.tokens for one in handed] == [("a", "b"), ("c", "d", "e")]
    assert texts(handed)[1] == other
    assert "2 of 3 parts" in texts(handed)[0]


def test_two_residents_with_the_same_reference_are_kept_apart() -> None:
    """The key is sender, receiver, reference and number of parts."""
    assembly: Assembly[str] = Assembly()
    feed(assembly, sms(LONG, sender="62811")[:2], "ab")
    assert feed(assembly, sms(LONG, sender="62822")[2:], "c") == []


def test_a_flood_of_first_parts_pushes_the_oldest_out_marked() -> None:
    """Memory is bounded and still nothing is lost."""
    assembly: Assembly[int] = Assembly()
    handed: list[Handed[int]] = []
    for number in range(pieces.MOST + 5):
        handed += assembly.add(piece(sms(LONG, sender=str(10_000 + number))[0]), number, NOW)
    assert [one.tokens for one in handed] == [(number,) for number in range(5)]


def test_old_texts_are_forgotten() -> None:
    """After ten minutes the same part is a new text again."""
    assembly: Assembly[str] = Assembly()
    parts = sms(LONG)
    feed(assembly, parts, "abc")
    assert assembly.due(NOW + pieces.MEMORY) == []
    assert feed(assembly, parts, "def", NOW + pieces.MEMORY)[-1].tokens == ("d", "e", "f")
