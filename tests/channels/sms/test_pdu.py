"""PDUs survive the way to the wire and back, and nonsense on the wire does no harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sms import pdu
from channels.sms.pdu import BadPdu, Bind, Pdu, Reader, Sm

OCTET = st.integers(0, 255)
WORD = st.text(st.characters(codec="latin-1", exclude_characters="\0"), max_size=20)
SMS = st.builds(
    Sm,
    service_type=WORD,
    source_ton=OCTET,
    source_npi=OCTET,
    source=WORD,
    destination_ton=OCTET,
    destination_npi=OCTET,
    destination=WORD,
    esm_class=OCTET,
    protocol_id=OCTET,
    priority=OCTET,
    schedule=WORD,
    validity=WORD,
    registered=OCTET,
    replace=OCTET,
    data_coding=OCTET,
    default_id=OCTET,
    octets=st.binary(max_size=254),
    tlvs=st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=300), max_size=4),
)


def test_a_submit_is_written_as_the_standard_says() -> None:
    """One submit_sm by hand, SMPP 3.4, 4.4.1."""
    sm = Sm(
        source="BPBD",
        source_ton=5,
        destination="62812",
        destination_ton=1,
        destination_npi=1,
        esm_class=0x40,
        priority=3,
        validity="000000010000000R",
        registered=1,
        data_coding=8,
        octets=b"\0A",
        tlvs={0x0204: b"\0\7"},
    )
    body = b"\0\5\0BPBD\0\1\1" + b"62812\0\x40\0\3\0" + b"000000010000000R\0\1\0\x08\0\2\0A\x02\x04\0\2\0\7"
    assert sm.encode() == body
    assert pdu.frame(pdu.SUBMIT_SM, 9, b"xy", 0x58) == bytes.fromhex("00000012 00000004 00000058 00000009") + b"xy"


@given(SMS)
def test_a_text_survives_the_wire(sm: Sm) -> None:
    """decode(encode(x)) is x for submit_sm and deliver_sm."""
    assert Sm.decode(sm.encode()) == sm


@given(WORD, WORD, WORD, OCTET, OCTET, OCTET, WORD)
def test_a_bind_survives_the_wire(
    name: str, password: str, kind: str, version: int, ton: int, npi: int, span: str
) -> None:
    """decode(encode(x)) is x for bind_transceiver."""
    bind = Bind(
        system_id=name,
        password=password,
        system_type=kind,
        version=version,
        ton=ton,
        npi=npi,
        address_range=span,
    )
    assert Bind.decode(bind.encode()) == bind


@given(st.binary(max_size=300))
def test_any_body_can_be_read(body: bytes) -> None:
    """A body cut short or made up gives empty fields, not an error."""
    Sm.decode(body)
    Bind.decode(body)


@given(st.lists(SMS, max_size=4), st.data())
def test_any_chunking_gives_the_same_pdus(texts: list[Sm], draw: st.DataObject) -> None:
    """The stream may be cut anywhere."""
    stream = b"".join(pdu.frame(pdu.DELIVER_SM, 7 + n, sm.encode()) for n, sm in enumerate(texts))
    reader, got = Reader(), []
    while stream:
        size = draw.draw(st.integers(1, len(stream)))
        got += reader.feed(stream[:size])
        stream = stream[size:]
    assert got == [Pdu(pdu.DELIVER_SM, 0, 7 + n, sm.encode()) for n, sm in enumerate(texts)]


@pytest.mark.parametrize("length", [0, 15, pdu.LARGEST + 1, 0xFFFFFFFF])
def test_an_impossible_length_ends_the_stream_after_what_was_good(length: int) -> None:
    """The PDUs before it are handed on; nothing is buffered towards gigabytes."""
    good = pdu.frame(pdu.ENQUIRE_LINK, 1)
    found = Reader().feed(good + length.to_bytes(4) + bytes(12))
    assert next(found) == Pdu(pdu.ENQUIRE_LINK, 0, 1, b"")
    with pytest.raises(BadPdu, match=f"a PDU of {length} octets"):
        next(found)


def test_a_payload_stands_in_for_the_short_message() -> None:
    """SMPP 3.4, 5.3.2.32."""
    assert Sm(tlvs={pdu.MESSAGE_PAYLOAD: b"long"}).payload == b"long"
    assert Sm(octets=b"short").payload == b"short"


def test_statuses_have_names_officers_can_look_up() -> None:
    """Known ones by the standard's name, others by their number."""
    assert [pdu.status_name(status) for status in (0x58, 0x0E, 0x411)] == [
        "ESME_RTHROTTLED",
        "ESME_RINVPASWD",
        "0x00000411",
    ]


@pytest.mark.parametrize("sm", [Sm(octets=bytes(255)), Sm(source="a\0b")])
def test_what_cannot_be_written_is_refused(sm: Sm) -> None:
    """Too long a short_message, a NUL within a string."""
    with pytest.raises(ValueError, match=r"254 is the most|NUL"):
        sm.encode()
