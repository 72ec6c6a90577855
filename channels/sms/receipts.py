"""What the SMSC says later of a text it took: delivery receipts, in words and in TLVs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from channels.contract import Arrival, Misconfigured, Receipt
from channels.sms import pdu
from channels.sms.pdu import Sm

_FIELD = re.compile(r"\b(id|stat|err):[ ]*([^\s:]+)(?=\s|$)", re.IGNORECASE)
_STATES = {  # SMPP 3.4, 5.2.28
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
}
_ARRIVALS = {
    "DELIVRD": Arrival.DELIVERED,
    "EXPIRED": Arrival.EXPIRED,
    "UNDELIV": Arrival.FAILED,
    "REJECTD": Arrival.FAILED,
    "DELETED": Arrival.FAILED,
}
_HUMBLE = ("UNDELIV", "REJECTD", "DELETED", "EXPIRED", "UNKNOWN", "ACCEPTD", "ENROUTE", "DELIVRD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A receipt as the SMSC put it; `stat` is empty where it made no sense."""

    ref: str
    stat: str
    err: str = ""


def is_receipt(sm: Sm) -> bool:
    """Tell a receipt from a resident's text by what only the SMSC can set: esm_class or both TLVs."""
    if sm.esm_class & 0x3C in (0x04, 0x20):  # delivery receipt, intermediate notification (5.2.12)
        return True
    return pdu.RECEIPTED_MESSAGE_ID in sm.tlvs and pdu.MESSAGE_STATE in sm.tlvs


def read(sm: Sm) -> Said:
    """Read a receipt; where words and TLV disagree, the one that claims less wins (SMPP 3.4, appendix B)."""
    words = {key.lower(): value for key, value in reversed(_FIELD.findall(sm.payload.decode("latin-1")))}
    named = pdu.read_c_string(sm.tlvs.get(pdu.RECEIPTED_MESSAGE_ID, b""))
    numbered = _STATES.get(int.from_bytes(sm.tlvs.get(pdu.MESSAGE_STATE, b"")), "")
    stats = {words.get("stat", "").upper()[:7], numbered}
    stat = next((state for state in _HUMBLE if state in stats), "")
    return Said(ref=named or words.get("id", ""), stat=stat, err=words.get("err", ""))


def receipt(sm: Sm, now: datetime, clean: Callable[[str], str]) -> Receipt | None:
    """Return the final word on one part, None while it is on its way or the receipt says nothing.

    `at` is when we heard: the zone of "done date" is anyone's guess.
    """
    said = read(sm)
    state = _ARRIVALS.get(said.stat)
    if state is None or not said.ref:
        return None
    code = f"{said.stat} {said.err}".strip()
    return Receipt(ref=clean(said.ref), state=state, at=now, code=code[:80])


def cleaner(kind: str) -> tuple[Callable[[str], str], Callable[[str], str]]:
    """Return how ids of responses and of receipts become the same: `same`, `hex-dec` or `dec-hex`.

    Some SMSCs answer a submit with an id in hexadecimal and receipt it in decimal, or the other way.
    """
    bases = {"same": (0, 0), "hex-dec": (16, 10), "dec-hex": (10, 16)}
    if kind not in bases:
        raise Misconfigured(f"The SMS setting's `ids` must be one of {', '.join(bases)}.")
    submitted, receipted = bases[kind]
    return _based(submitted), _based(receipted)


def _based(base: int) -> Callable[[str], str]:
    def clean(ref: str) -> str:
        try:
            return str(int(ref, base)) if base else ref
        except ValueError:
            return ref

    return clean
