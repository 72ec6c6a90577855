"""Slots take what an officer types, as its type and within its limits, or say what to type."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisis.errors import BadInput
from crisis.model.playbook import Playbook, load
from crisis.model.slots import Typed, dump, parse

PLAYBOOKS = Path(__file__).parents[3] / "playbooks"
FLOOD = load(PLAYBOOKS / "flood.yaml")
DISEASE = load(PLAYBOOKS / "disease.yaml")
RIGHT: dict[str, Typed] = {
    "place": "Desa Kuala Dua",
    "level_m": "1,5",
    "time_observed": "2026-11-21 19.30 WIB",
    "shelters": "SDN 05 Kuala Dua; Masjid Nurul Iman",
    "posko": "0561-765432",
}


def says(name: str, value: Typed, playbook: Playbook = FLOOD, right: dict[str, Typed] = RIGHT) -> str:
    with pytest.raises(BadInput) as refused:
        parse(playbook, {**right, name: value})
    assert [fault.field for fault in refused.value.faults] == [name]
    assert refused.value.faults[0].file == "slots"
    return refused.value.faults[0].says


def test_slots_of_the_command_line_become_typed() -> None:
    """Strings as typed become numbers, moments, lists; what is optional and absent is None."""
    assert parse(FLOOD, RIGHT) == {
        "place": "Desa Kuala Dua",
        "level_m": 1.5,
        "time_observed": datetime(2026, 11, 21, 12, 30, tzinfo=UTC),
        "river": None,
        "shelters": ("SDN 05 Kuala Dua", "Masjid Nurul Iman"),
        "posko": "0561-765432",
    }


@pytest.mark.parametrize("typed", ["1.5", "1,5", 1.5, "1,5 m", " 1.5 ", "1,50"])
def test_number_takes_point_or_comma(typed: Typed) -> None:
    """Both decimal signs mean the same."""
    assert parse(FLOOD, {**RIGHT, "level_m": typed})["level_m"] == 1.5


@pytest.mark.parametrize(
    "typed",
    [
        "2026-11-21 21.00 WIB",
        "2026-11-21 21:00 WIB",
        "2026-11-21 22.00 WITA",
        "2026-11-21 pukul 23.00 WIT",
        "2026-11-21T21:00+07:00",
        "2026-11-21T14:00:00Z",
    ],
)
def test_time_with_date_and_zone_is_one_moment(typed: str) -> None:
    """Every accepted form of the same moment is the same moment."""
    parsed = parse(FLOOD, {**RIGHT, "time_observed": typed})
    assert parsed["time_observed"] == datetime(2026, 11, 21, 21, 0, tzinfo=ZoneInfo("Asia/Pontianak"))


@pytest.mark.parametrize(
    "typed",
    ["21.00", "nanti malam", "2026-11-21", "2026-11-21 21.00", "2026-11-21T21:00", "21.00 WIB", "2026-13-01 21.00 WIB",
     "2026-11-21 25.00 WIB", "0001-01-01T00:00+23:00", 5.0, ["2026-11-21 21.00 WIB"]],
)  # fmt: skip
def test_time_that_is_not_absolute_is_told_what_to_type(typed: Typed) -> None:
    """A clock without date and zone is refused with an example."""
    assert "2026-11-21 21.00 WIB" in says("time_observed", typed)


@pytest.mark.parametrize(
    ("name", "typed", "part"),
    [
        ("place", "", "has no value"),
        ("place", "W" * 31, "at most 30"),
        ("place", "Desa\nKuala", "one line"),
        ("place", "Desa \u202eKuala", "invisible"),
        ("place", "Desa\u200bKuala", "invisible"),
        ("place", "Desa\x1bKuala", "invisible"),
        ("place", "Desa {{ agency }}", "{ }"),
        ("place", "lihat https://x.id/a", "link"),
        ("place", "lihat bit.ly/abc", "link"),
        ("place", "Kuala Dua malam ini", "malam ini"),
        ("place", "Kuala \U0001f30a", "emoji"),
        ("place", "...", "empty"),
        ("place", 4.0, "must be text"),
        ("level_m", "banyak", "from 0.1 to 20 m"),
        ("level_m", "99", "from 0.1 to 20 m"),
        ("level_m", "-1", "from 0.1 to 20 m"),
        ("level_m", "1.234", "decimals"),
        ("level_m", float("nan"), "number"),
        ("level_m", float("inf"), "number"),
        ("level_m", "1e3", "number"),
        ("level_m", True, "number"),
        ("shelters", "a; b; c; d; e", "at most 4"),
        ("shelters", " ; ", "must be a list"),
        ("shelters", ["SDN 05", "W" * 31], "entry 2"),
        ("posko", "telepon saja", "digits"),
        ("posko", "08123456789012345678901", "digits"),
    ],
)
def test_value_that_does_not_do_gets_one_sentence(name: str, typed: Typed, part: str) -> None:
    """What is wrong and what fits stand in the sentence."""
    assert part in says(name, typed)


def test_every_wrong_slot_is_named_at_once() -> None:
    """Unknown, missing and wrong slots come in one refusal, one fault each."""
    with pytest.raises(BadInput) as refused:
        parse(FLOOD, {"plase": "x", "level_m": "99", "shelters": "SDN 05", "posko": "112"})
    assert [f.field for f in refused.value.faults] == ["plase", "place", "level_m", "time_observed"]
    assert "it has place, level_m" in refused.value.faults[0].says


def test_typographic_signs_of_a_pasted_text_become_plain() -> None:
    """Curly quotes and long dashes would double the price of an SMS."""
    parsed = parse(FLOOD, {**RIGHT, "place": "Kampung “Baru” – RT\u00a03"})
    assert parsed["place"] == 'Kampung "Baru" - RT 3'


def test_choice_and_default_stand_for_themselves() -> None:
    """A default fills what was not said; a wrong choice hears the right ones."""
    right: dict[str, Typed] = {
        "place": "Desa Kuala Dua",
        "cases": "24",
        "counted": "2026-11-21 08.00 WIB",
        "health_post": "Puskesmas Sungai Raya",
        "health_phone": "0561-765432",
    }
    assert parse(DISEASE, right)["disease"] == "dengue"
    assert parse(DISEASE, {**right, "disease": "measles"})["disease"] == "measles"
    assert "dengue, diarrhoea" in says("disease", "flu", DISEASE, right)
    assert "1500" in says("cases", "1.5", DISEASE, right)


@pytest.mark.parametrize("name", ["flood", "disease", "evacuation"])
def test_stored_slots_read_back_to_the_same(name: str) -> None:
    """What is stored with an alert renders the same words later."""
    playbook = load(PLAYBOOKS / f"{name}.yaml")
    parsed = parse(playbook, {key: slot.example for key, slot in playbook.slots.items()})
    assert parse(playbook, dump(parsed)) == parsed


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*RIGHT, "river"]), st.text(max_size=60) | st.floats() | st.lists(st.text(), max_size=6)
    )
)
def test_no_input_does_worse_than_be_refused(values: dict[str, Typed]) -> None:
    """Whatever is typed, the answer is values or BadInput, and what was taken reads back."""
    try:
        parsed = parse(FLOOD, {**RIGHT, **values})
    except BadInput:
        return
    assert parse(FLOOD, dump(parsed)) == parsed
