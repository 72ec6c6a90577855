"""Texts are counted, cut and read as handsets and carriers do it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import Size
from channels.sms import gsm7


@pytest.mark.parametrize(
    ("text", "units", "parts", "encoding"),
    [
        ("", 0, 1, "GSM-7"),
        ("a" * 160, 160, 1, "GSM-7"),
        ("a" * 161, 161, 2, "GSM-7"),
        ("a" * 306, 306, 2, "GSM-7"),
        ("a" * 307, 307, 3, "GSM-7"),
        ("a" * 918, 918, 6, "GSM-7"),
        ("a" * 919, 919, 7, "GSM-7"),
        ("€" * 80, 160, 1, "GSM-7"),
        ("€" * 80 + "a", 161, 2, "GSM-7"),
        ("a" * 152 + "€" + "a" * 152, 306, 3, "GSM-7"),  # the pair moves on whole: 152 + 153 + 1
        ("a" * 151 + "€" + "a" * 153, 306, 2, "GSM-7"),
        ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ", 31, 1, "GSM-7"),
        ("“Banjir”", 8, 1, "UCS-2"),
        ("á", 1, 1, "UCS-2"),
        ("ban" * 23 + "“", 70, 1, "UCS-2"),
        ("ban" * 23 + "“”", 71, 2, "UCS-2"),
        ("“" * 134, 134, 2, "UCS-2"),
        ("“" * 135, 135, 3, "UCS-2"),
        ("🌊" * 35, 70, 1, "UCS-2"),
        ("🌊" * 36, 72, 2, "UCS-2"),
        ("🌊" * 67, 134, 3, "UCS-2"),  # 33 waves a part: a 34th would be cut in two
    ],
)
def test_a_text_is_counted_as_the_carrier_bills_it(text: str, units: int, parts: int, encoding: str) -> None:
    """Septets or code units, and parts by really cutting."""
    assert gsm7.measure(text) == Size(units=units, parts=parts, encoding=encoding)


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("€", b"\x1b\x65"),
        ("^{}\\[~]|\f", b"\x1b\x14\x1b\x28\x1b\x29\x1b\x2f\x1b\x3c\x1b\x3d\x1b\x3e\x1b\x40\x1b\x0a"),
        ("@Δà?", b"\x00\x10\x7f\x3f"),
        ("Banjir 2m", b"Banjir 2m"),
    ],
)
def test_signs_have_the_septets_of_the_standard(text: str, octets: bytes) -> None:
    """3GPP TS 23.038, 6.2.1 and 6.2.1.1."""
    assert gsm7.split(text, 1) == [(0, 0, octets)]
    assert gsm7.decode(octets) == text


def test_parts_say_which_text_and_which_place_they_have() -> None:
    """The header is 05 00 03, reference, number of parts, index."""
    got = gsm7.split("a" * 161, 0x1FE)
    assert got == [
        (0x40, 0, b"\x05\x00\x03\xfe\x02\x01" + b"a" * 153),
        (0x40, 0, b"\x05\x00\x03\xfe\x02\x02" + b"a" * 8),
    ]


@given(st.text(alphabet="aé€[🌊”\n", min_size=140, max_size=900))
def test_no_sign_is_cut_and_every_part_fits(text: str) -> None:
    """Each part reads alone, all parts together are the text, and none exceeds 140 octets of air."""
    parts = gsm7.split(text, 7)
    whole = ""
    for index, (esm_class, coding, octets) in enumerate(parts, 1):
        head, body = (octets[:6], octets[6:]) if len(parts) > 1 else (b"", octets)
        assert (esm_class, head[3:]) == ((0x40, bytes((7, len(parts), index))) if head else (0, b""))
        assert len(body) <= {(0, 0): 160, (0, 6): 153, (8, 0): 140, (8, 6): 134}[coding, len(head)]
        whole += gsm7.decode(body) if coding == 0 else body.decode("utf-16-be")
    assert whole == text
    assert gsm7.measure(text).parts == len(parts)


def test_more_than_255_parts_are_refused_in_one_sentence() -> None:
    """The header has one octet for the number of parts."""
    with pytest.raises(ValueError, match="needs 256 SMS parts"):
        gsm7.split("a" * (255 * 153 + 1), 1)


@given(st.binary(max_size=200))
def test_reading_never_fails(octets: bytes) -> None:
    """Whatever a phone sent, there is a text."""
    assert isinstance(gsm7.decode(octets), str)


def test_octets_that_are_no_septets_are_kept_as_latin_1() -> None:
    """Some SMSCs send Latin-1 as the default alphabet, and a broken escape loses no sign."""
    assert gsm7.decode(b"caf\xe9 \x1bz\x1b") == "café z"
