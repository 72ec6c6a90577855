"""Decides how bad an earthquake is in CAP's words when its source gives only figures."""

from __future__ import annotations

from typing import NamedTuple

from crisis.cap.nouns import Severity, Urgency


class Grade(NamedTuple):
    """How bad, and how soon to act."""

    severity: Severity
    urgency: Urgency


TSUNAMI = Grade(Severity.EXTREME, Urgency.IMMEDIATE)  # the source itself says that a tsunami may follow
BY_MAGNITUDE = (  # from this magnitude on
    (7.0, Grade(Severity.EXTREME, Urgency.IMMEDIATE)),
    (6.0, Grade(Severity.SEVERE, Urgency.IMMEDIATE)),
    (5.0, Grade(Severity.MODERATE, Urgency.EXPECTED)),
    (-9.0, Grade(Severity.MINOR, Urgency.PAST)),
)
UNKNOWN = Grade(Severity.UNKNOWN, Urgency.UNKNOWN)
LEAST, MOST = -2.0, 10.0  # magnitudes that can be meant
DEEPEST_KM = 800.0


def grade(magnitude: float | None, tsunami: str) -> Grade:
    """Grade a quake by its magnitude, or as the worst when its source expects a tsunami ("yes").

    The table is this house's own and rough: neither depth nor distance counts, playbooks can ask for both.
    """
    if tsunami == "yes":
        return TSUNAMI
    if magnitude is None:
        return UNKNOWN
    return next(found for least, found in BY_MAGNITUDE if magnitude >= least)
