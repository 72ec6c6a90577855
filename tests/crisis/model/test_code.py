"""The code on a notice: said on air, typed on an old phone, and a slip of a finger is told from a hoax."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from crisis.model.code import Flaw, read, spell
from crisis.model.playbook import load_folder
from crisis.model.slots import parse
from crisis.model.words import Facts, Purpose, mark, render
from crisis.model.worst_case import FACTS

IDS = (1, 2, 9, 10, 97, 123, 970, 4_711, 999_999, 10**18 - 1)
FLOOD = load_folder(Path(__file__).parents[3] / "playbooks")["flood"]
SENT = datetime(2026, 11, 21, 13, 0, tzinfo=UTC)


@pytest.mark.parametrize("alert_id", IDS)
def test_what_is_spelt_is_read_back(alert_id: int) -> None:
    """However a phone or a pen sets the digits apart."""
    code = spell(alert_id)
    assert len(code) == len(str(alert_id)) + 2
    for written in (code, " ".join(code), f"Kode {code}.", f"code: {'-'.join(code)}", f"CEK{code}", f"  #{code}\n"):
        assert read(written) == alert_id
    assert read(code.translate({ord("0") + d: chr(0x0660 + d) for d in range(10)})) == alert_id  # Arabic digits


@pytest.mark.parametrize("alert_id", IDS)
def test_every_wrong_digit_and_every_swap_is_found(alert_id: int) -> None:
    """A mistyped code is never taken for another alert."""
    code = spell(alert_id)
    wrong = {code[:at] + d + code[at + 1 :] for at in range(len(code)) for d in "0123456789"}
    wrong |= {code[:at] + code[at + 1] + code[at] + code[at + 2 :] for at in range(len(code) - 1)}
    assert {read(one) for one in wrong - {code}} == {Flaw.MISTYPED}


@pytest.mark.parametrize("text", ["", "  ", "kode", "apakah ini benar?", "12a45", "9" * 21, "-", "1" * 5000, "\x00"])
def test_what_holds_no_code_is_told_apart(text: str) -> None:
    """Nothing a resident can send breaks it."""
    assert read(text) is Flaw.NOT_A_CODE


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("mode", ["Actual", "Exercise", "Test"])
def test_every_rendition_a_resident_may_meet_carries_the_code(purpose: Purpose, mode: str) -> None:
    """In the SMS, on the page and on air, inside the marker of an exercise; digit by digit where it is read aloud."""
    facts = Facts(
        agency="BPBD", area="Sungai Raya", sent=SENT, until=SENT + timedelta(hours=2), next_update=SENT, source="BMKG",
        zone=ZoneInfo("Asia/Pontianak"), reason="surut", code=spell(123), check="https://x.example/check",
    )  # fmt: skip
    slots = parse(FLOOD, {name: slot.example for name, slot in FLOOD.slots.items()})
    for language, words in render(FLOOD, purpose, "siaga", slots, facts).items():
        marked = mark(words, mode)
        name = {"id": "Kode", "en": "Code"}[language]
        assert f"{name} 12320" in marked.short
        assert f"{name} 12320. " in marked.long
        assert "https://x.example/check" in marked.long
        assert "1 2 3 2 0." in marked.radio
        assert "12320" not in marked.headline
        for text in (marked.short, marked.long, marked.radio):
            assert text.rstrip(".").endswith(marked.marker)
        assert not words.radio.splitlines()[-1].endswith("0.")  # the bulletin still closes with who speaks


def test_playbooks_are_measured_with_a_long_code() -> None:
    """A service that has sent a million alerts still keeps its SMS budget."""
    assert len(FACTS.code) == 8
