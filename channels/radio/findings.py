"""What a check of a kit found: rows that an officer or a station's engineer reads."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What came of one check."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"  # there is nothing to check, or it cannot be checked here


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One check: what was found, and what was wanted."""

    name: str
    verdict: Verdict
    found: str
    wanted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All checks of one kit."""

    folder: str
    rows: tuple[Row, ...]

    @property
    def passed(self) -> bool:
        """Tell whether no check failed; skipped ones do not count."""
        return all(row.verdict is not Verdict.FAILED for row in self.rows)

    def as_dict(self) -> dict[str, Any]:
        """Give the report for JSON."""
        return {"folder": self.folder, "passed": self.passed, "checks": [asdict(row) for row in self.rows]}


def judged(name: str, wrong: list[str], *, good: str, wanted: str) -> Row:
    """Make a row that failed if anything was wrong, naming the first three."""
    if not wrong:
        return Row(name=name, verdict=Verdict.PASSED, found=good, wanted=wanted)
    told = "; ".join(wrong[:3]) + (f"; and {len(wrong) - 3} more" if len(wrong) > 3 else "")
    return Row(name=name, verdict=Verdict.FAILED, found=_shown(told), wanted=wanted)


def skipped(name: str, why: str, *, wanted: str) -> Row:
    return Row(name=name, verdict=Verdict.SKIPPED, found=_shown(why), wanted=wanted)


def _shown(text: str) -> str:
    """Keep a terminal whole: a hostile kit names files with escape sequences."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)[:600]
