"""What an SMSC's command_status means for an address, and what several parts together came to."""

from __future__ import annotations

from channels.contract import Misconfigured, Result, SendError, Throttled, Unavailable
from channels.sms import pdu
from channels.sms.session import NO_REPLY, UNWRITTEN

_SLOWER = {"ESME_RTHROTTLED", "ESME_RMSGQFUL"}
_TROUBLE = {
    "ESME_RINVBNDSTS",
    "ESME_RALYBND",
    "ESME_RSYSERR",
    "ESME_RBINDFAIL",
    "ESME_RSUBMITFAIL",
    "ESME_RX_T_APPN",
    "ESME_RUNKNOWNERR",
    "ESME_RDELIVERYFAILURE",
}
_ACCOUNT = {  # wrong for every address: our sender or service is not the one agreed with the carrier
    "ESME_RINVSRCADR",
    "ESME_RINVSRCTON",
    "ESME_RINVSRCNPI",
    "ESME_RINVSERTYP",
    "ESME_RINVSYSTYP",
}
_RESULTS = {pdu.CODE[name]: Result.THROTTLED for name in _SLOWER}
_RESULTS |= {pdu.CODE[name]: Result.UNREACHABLE for name in _TROUBLE | _ACCOUNT}
_RESULTS |= {0: Result.ACCEPTED, NO_REPLY: Result.UNKNOWN, UNWRITTEN: Result.UNREACHABLE}
_WORDS = {0: "", NO_REPLY: "no reply", UNWRITTEN: "not sent"}

# A text is whole or it is nothing, so the part that surely failed decides; a retry sends all parts
# again under the same reference, and the handset puts the whole together. "No reply" decides only if
# no part surely failed, for only then may the whole text have arrived.
SUREST = (Result.REFUSED, Result.THROTTLED, Result.UNREACHABLE, Result.UNKNOWN, Result.ACCEPTED)


def judge(status: int) -> Result:
    """Return what one part came to; a status of the carrier's own (over 0xFF) may pass, so is tried again."""
    found = _RESULTS.get(status)
    if found is None:
        return Result.REFUSED if status <= 0xFF else Result.UNREACHABLE
    return found


def code(status: int) -> str:
    """Name a status for officers."""
    return _WORDS[status] if status in _WORDS else pdu.status_name(status)


def stops(status: int, streak: int, window: int) -> SendError | None:
    """Say whether the account as a whole should stop: at once for a wrong sender, else after a streak.

    One throttled number says nothing; a whole window of nothing else (ten at least) says stop.
    """
    name = code(status)
    if name in _ACCOUNT:
        return Misconfigured(f"The SMS carrier refused our sender ({name}): check the setting.", code=name)
    if streak < max(window, 10):
        return None
    match judge(status):
        case Result.THROTTLED:
            return Throttled(f"The SMS carrier asks us to slow down ({name}).", code=name)
        case Result.UNREACHABLE:
            return Unavailable(f"The SMS carrier is in trouble ({name}).", code=name)
        case _:
            return None
