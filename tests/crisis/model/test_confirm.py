"""The answer to "CEK 12345": short enough for a text, plain about how the alert stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crisis.model.code import Flaw
from crisis.model.confirm import confirm
from crisis.model.office import Office

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
OFFICE = Office(
    agency="BPBD", sender="a@b", identifier_prefix="x", zone=ZoneInfo("Asia/Pontianak"), help_line="112",
    public_url="https://siaga.example",
)  # fmt: skip


def row(state: str = "live", hours: int = 2) -> dict[str, Any]:
    words = {"id": {"headline": "LATIHAN: Banjir LATIHAN"}, "en": {"headline": "EXERCISE: Flood EXERCISE"}}
    return {"state": state, "sent": NOW, "expires": NOW + timedelta(hours=hours), "words": words}


@pytest.mark.parametrize(
    ("found", "language", "says"),
    [
        (row(), "id", "BPBD: LATIHAN: Banjir LATIHAN. Dikirim 21/11 19.30 WIB. Masih berlaku s.d. 21/11 21.30 WIB."),
        (row("superseded"), "en", "NO LONGER IN FORCE. The latest: https://siaga.example"),
        (row("live", -1), "id", "TIDAK BERLAKU LAGI."),
        (row(), "jv", "Masih berlaku"),
        (None, "en", "We have not sent an alert with that code. Do not pass it on. If in doubt, call 112."),
        (Flaw.MISTYPED, "id", "Angka kode itu tidak cocok."),
    ],
)  # fmt: skip
def test_each_answer_says_what_to_believe(found: dict[str, Any] | Flaw | None, language: str, says: str) -> None:
    """In force, over, not ours, or look again; in the language asked, or Indonesian."""
    assert says in confirm(found, language, OFFICE, NOW)
