"""The short code on every notice, by which anybody can ask whether it is ours: said on air, typed on any phone."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

MOST_DIGITS = 20  # an alert's number has at most 18
AROUND = re.compile(r"[\s.,:;#/_()'\"-]+")  # what people and phones put between and around digits


class Flaw(StrEnum):
    """Why a text is no code of ours, whatever alerts there are."""

    NOT_A_CODE = "not_a_code"  # no digits, or far too many
    MISTYPED = "mistyped"  # the check digits tell of a wrong, missing or swapped digit


def spell(alert_id: int) -> str:
    """Give the code of an alert: its number and two check digits, which catch every single wrong digit and
    every swap of two neighbours (ISO/IEC 7064, MOD 97-10).
    """
    return f"{alert_id}{98 - alert_id * 100 % 97:02}"


def read(text: str) -> int | Flaw:
    """Find the alert a code names, as people write it: "Kode 123-45", "1 2 3 4 5", digits of any script."""
    folded = unicodedata.normalize("NFKC", text[:200])
    bare = AROUND.sub("", re.sub(r"^\W*[^\W\d_]+", "", folded))
    if not bare.isdecimal() or len(bare) > MOST_DIGITS:
        return Flaw.NOT_A_CODE
    value = int(bare)
    alert_id = value // 100
    return alert_id if alert_id and spell(alert_id) == str(value) else Flaw.MISTYPED


def spaced(code: str) -> str:
    """Write a code so that a voice says it digit by digit."""
    return " ".join(code)
