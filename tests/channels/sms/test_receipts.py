"""A receipt claims no more than the SMSC said."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from channels.contract import Arrival, Misconfigured, Receipt
from channels.sms import pdu
from channels.sms.pdu import Sm
from channels.sms.receipts import cleaner, is_receipt, receipt

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
WORDS = "id:{} sub:001 dlvrd:001 submit date:2611210900 done date:2611210901 stat:{} err:000 text:Banjir id:9"


def words(ref: str, stat: str) -> Sm:
    return Sm(esm_class=4, octets=WORDS.format(ref, stat).encode())


def state(number: int, ref: bytes = b"m1\0") -> dict[int, bytes]:
    return {pdu.RECEIPTED_MESSAGE_ID: ref, pdu.MESSAGE_STATE: bytes((number,))}


@pytest.mark.parametrize(
    ("sm", "ref", "arrival", "code"),
    [
        (words("m1", "DELIVRD"), "m1", Arrival.DELIVERED, "DELIVRD 000"),
        (words("m1", "UNDELIV"), "m1", Arrival.FAILED, "UNDELIV 000"),
        (words("m1", "REJECTD"), "m1", Arrival.FAILED, "REJECTD 000"),
        (words("m1", "DELETED"), "m1", Arrival.FAILED, "DELETED 000"),
        (words("m1", "EXPIRED"), "m1", Arrival.EXPIRED, "EXPIRED 000"),
        (Sm(esm_class=4, octets=b"ID:7 Stat:delivrd"), "7", Arrival.DELIVERED, "DELIVRD"),
        (Sm(esm_class=4, tlvs=state(2)), "m1", Arrival.DELIVERED, "DELIVRD"),
        (Sm(esm_class=4, tlvs=state(5)), "m1", Arrival.FAILED, "UNDELIV"),
        (Sm(esm_class=4, tlvs=state(8)), "m1", Arrival.FAILED, "REJECTD"),
        (Sm(esm_class=4, tlvs=state(3)), "m1", Arrival.EXPIRED, "EXPIRED"),
        (Sm(esm_class=0, tlvs=state(2)), "m1", Arrival.DELIVERED, "DELIVRD"),
        # words and TLV disagree: the one that claims less
        (Sm(esm_class=4, octets=b"id:m1 stat:UNDELIV err:011", tlvs=state(2)), "m1", Arrival.FAILED, "UNDELIV 011"),
        (Sm(esm_class=4, octets=b"id:m1 stat:DELIVRD", tlvs=state(5)), "m1", Arrival.FAILED, "UNDELIV"),
        # the TLV's id is the one of the response
        (Sm(esm_class=4, octets=b"id:16 stat:DELIVRD", tlvs=state(2, b"10\0")), "10", Arrival.DELIVERED, "DELIVRD"),
        (Sm(esm_class=4, tlvs={pdu.MESSAGE_PAYLOAD: b"id:x stat:DELIVRD"}), "x", Arrival.DELIVERED, "DELIVRD"),
    ],
)
def test_final_words_become_receipts(sm: Sm, ref: str, arrival: Arrival, code: str) -> None:
    """In words, in TLVs, in both."""
    assert is_receipt(sm)
    assert receipt(sm, NOW, str) == Receipt(ref=ref, state=arrival, at=NOW, code=code)


@pytest.mark.parametrize(
    "sm",
    [
        *(words("m1", stat) for stat in ("ACCEPTD", "ENROUTE", "UNKNOWN", "BOGUS")),
        *(Sm(esm_class=4, tlvs=state(number)) for number in (0, 1, 6, 7, 99)),
        Sm(esm_class=4, octets=b"id:m1 stat:DELIVRD", tlvs=state(6)),
        Sm(esm_class=0x20, octets=b"id:m1 stat:ENROUTE"),
        Sm(esm_class=4, octets=b"stat:DELIVRD"),
        Sm(esm_class=4),
    ],
)
def test_what_is_not_final_claims_nothing(sm: Sm) -> None:
    """On its way, unknown, or without an id."""
    assert is_receipt(sm)
    assert receipt(sm, NOW, str) is None


def test_a_resident_cannot_forge_a_receipt() -> None:
    """The words alone, without what only the SMSC sets, are a resident's text."""
    assert not is_receipt(Sm(esm_class=0, octets=b"id:m1 stat:DELIVRD err:000"))
    assert not is_receipt(Sm(esm_class=0x40, octets=b"id:m1 stat:DELIVRD err:000"))


@pytest.mark.parametrize(
    ("kind", "submitted", "receipted"),
    [("same", "00FF", "00FF"), ("hex-dec", "00FF", "255"), ("dec-hex", "255", "ff"), ("hex-dec", "zz", "zz")],
)
def test_ids_in_two_bases_are_one(kind: str, submitted: str, receipted: str) -> None:
    """The carrier's response and its receipt name the same text."""
    of_response, of_receipt = cleaner(kind)
    assert of_response(submitted) == of_receipt(receipted)


def test_an_unknown_kind_of_ids_is_refused() -> None:
    """With the kinds there are."""
    with pytest.raises(Misconfigured, match="same, hex-dec, dec-hex"):
        cleaner("octal")
