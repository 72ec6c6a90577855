"""What a resident is told who asks by SMS or chat whether a code is ours: yes and how it stands, or no."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from crisis.model.alert import AlertState
from crisis.model.code import Flaw
from crisis.model.office import Office
from crisis.model.phrases import short_time

_ID = {
    "ours": "Ya, dari {agency}: {headline}. Dikirim {sent}. {stands}",
    "holds": "Masih berlaku s.d. {until}.",
    "over": "TIDAK BERLAKU LAGI. Yang terbaru: {page}",
    "unknown": "Kami tidak pernah mengirim peringatan dengan kode itu. Jangan sebarkan. Ragu? Telepon {help_line}.",
    "mistyped": "Angka kode itu tidak cocok. Periksa angkanya, lalu kirim lagi, misalnya: CEK 12345",
}
_EN = {
    "ours": "Yes, from {agency}: {headline}. Sent {sent}. {stands}",
    "holds": "In force until {until}.",
    "over": "NO LONGER IN FORCE. The latest: {page}",
    "unknown": "We have not sent an alert with that code. Do not pass it on. If in doubt, call {help_line}.",
    "mistyped": "The digits of that code do not match. Check them and send again, for example: CHECK 12345",
}


def confirm(found: Mapping[str, Any] | Flaw | None, language: str, office: Office, now: datetime) -> str:
    """Answer for a released alert (its row), a code with a slip in it, or one that is nobody's (None).

    The headline carries the marker of an exercise at both ends already.
    """
    spoken = _EN if language == "en" else _ID
    if found is None:
        return spoken["unknown"].format(help_line=office.help_line)
    if isinstance(found, Flaw):
        return spoken["mistyped"]
    words = found["words"].get(language) or next(iter(found["words"].values()))
    sent, until = (short_time(found[name].astimezone(office.zone), language) for name in ("sent", "expires"))
    holds = found["state"] == AlertState.LIVE and found["expires"] > now
    stands = spoken["holds" if holds else "over"].format(until=until, page=office.public_url)
    return spoken["ours"].format(agency=office.agency, headline=words["headline"].rstrip("."), sent=sent, stands=stands)
