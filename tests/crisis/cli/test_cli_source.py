"""An approver sees in the terminal what a feed's alert rests on and what its source changed."""

from __future__ import annotations

import io
from zoneinfo import ZoneInfo

from rich.console import Console

from crisis.cli import show

SOURCE = {
    "sender": "cuaca.ekstrem@bmkg.go.id",
    "identifier": "2.49.0.1",
    "sent": "2026-11-21T12:00:00+00:00",
    "feed": "bmkg",
    "did": "drafted",
    "signature": "none",
    "warnings": [{"rule": "W-HEADLINE-160", "where": "info[0]/headline", "says": "has 170 characters"}],
    "why": ["flood/hujan_lebat is met: its severity is Moderate", "a \x1b[31mred\x1b[0m reason"],
}


def test_the_source_its_reasons_and_the_changes_are_shown_and_steer_no_terminal() -> None:
    """Who told it, by which feed, how signed, why, and what was and is."""
    console = Console(width=200, file=io.StringIO())
    changes = [{"where": "info[id]/expires", "was": "19:00", "now": "21:00", "says": ""}]
    for part in show.source_alert(SOURCE, changes, ZoneInfo("Asia/Pontianak")):
        console.print(part)
    told = console.file.getvalue()  # type: ignore[attr-defined]
    for words in ("2.49.0.1, sent 2026-11-21 19:00 WIB, by feed bmkg", "W-HEADLINE-160", "info[id]/expires", "21:00"):
        assert words in told
    assert "hujan_lebat is met" in told
    assert "\x1b[31m" not in told


def test_without_changes_no_empty_table_is_shown() -> None:
    """The first telling has nothing before it."""
    parts = show.source_alert(SOURCE, [], ZoneInfo("Asia/Pontianak"))
    assert len(parts) == 1 + len(SOURCE["why"])


def test_what_decided_comes_before_the_rules_that_do_not_apply() -> None:
    """An officer woken at night reads first what waits for them, and not every rule of every playbook."""
    why = ["a/b is not met: x", "flood/hujan_lebat is met: y", "c/d is not met: z", "an officer decides: no leave"]
    first, second, last = show.reasons(why)
    assert (first, second) == ("an officer decides: no leave", "flood/hujan_lebat is met: y")
    assert last.startswith("2 other rules are not met")
    assert show.reasons(why[:1]) == why[:1]


def test_a_feeds_draft_says_what_to_do_next() -> None:
    """Submit or reject, with its number; what an officer wrote, or what left, says nothing."""
    console = Console(width=200, file=io.StringIO())
    for part in show.next_step({"id": 7, "state": "draft", "source_alert": SOURCE, "dispatches": []}):
        console.print(part)
    told = console.file.getvalue()  # type: ignore[attr-defined]
    assert "crisis alert submit 7" in told
    assert "crisis alert reject 7 --reason WHY" in told
    assert show.next_step({"id": 7, "state": "live", "source_alert": SOURCE, "dispatches": []}) == []
    assert show.next_step({"id": 7, "state": "draft", "source_alert": None, "dispatches": []}) == []
