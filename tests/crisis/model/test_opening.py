"""A rule is met by what an alert really says, a denial is no warning, and every reason is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crisis.errors import BadPlaybook
from crisis.model.opening import Told, decide, says
from crisis.model.playbook import Playbook, load, load_folder
from crisis.model.slots import needed, parse
from crisis.model.words import Purpose, render
from crisis.model.worst_case import FACTS

PLAYBOOKS = Path(__file__).parents[3] / "playbooks"
BOOKS = load_folder(PLAYBOOKS)
FLOOD = (PLAYBOOKS / "flood.yaml").read_text()

SAYS: list[tuple[str, bool]] = [
    ("Berpotensi TSUNAMI untuk diteruskan pada masyarakat", True),
    ("GEMPA BUMI INI BERPOTENSI TSUNAMI", True),
    ("Peringatan dini tsunami untuk pesisir Kalimantan Barat", True),
    ("Tidak berpotensi tsunami", False),
    ("TIDAK BERPOTENSI TSUNAMI", False),
    ("tdk berpotensi tsunami", False),
    ("Gempa ini tak berpotensi tsunami", False),
    ("gak berpotensi tsunami", False),
    ("tidka berpotensi tsunami", False),  # a slip of the pen
    ("Tidak  ber-potensi\u00a0tsunami", False),
    ("tidak ada potensi tsunami", False),
    ("tidak ada ancaman tsunami di wilayah ini", False),
    ("belum ada potensi tsunami", False),
    ("gempa tanpa potensi tsunami", False),
    ("Potensi tsunami: nihil", False),
    ("Tsunami: tidak ada. Ikuti BMKG", False),
    ("Tsunami: tidak ada waktu", True),
    ("potensi tsunami nihil", False),
    ("bukan tsunami", False),
    ("Tsunami tidak terjadi", False),
    ("Peringatan dini tsunami dinyatakan berakhir", False),
    ("Peringatan tsunami telah dicabut", False),
    ("Tidak menutup kemungkinan terjadi tsunami", True),
    ("Bukan tidak mungkin terjadi tsunami", True),
    ("Tidak hanya gempa tetapi juga tsunami", True),
    ("Tidak ada korban jiwa. Berpotensi tsunami", True),
    ("Tidak ada kerusakan, berpotensi tsunami", True),
    ("Gempa tidak dirasakan tetapi berpotensi tsunami", True),
    ("Berpotensi tsunami dan tidak ada waktu menunggu", True),
    ("Berpotensi tsunami, jangan menunggu", True),
    ("Tsunami warning in effect", True),
    ("A TSUNAMI THREAT EXISTS", True),
    ("not expected to generate a tsunami", False),
    ("A tsunami is not expected", False),
    ("no tsunami threat", False),
    ("There is NO tsunami danger from this earthquake", False),
    ("No destructive tsunami was generated", False),
    ("This quake doesn't pose a tsunami threat", False),
    ("This quake doesn’t pose a tsunami threat", False),
    ("It cannot generate a tsunami", False),
    ("A tsunami cannot be ruled out", True),
    ("A tsunami can't be ruled out", True),
    ("The tsunami warning has been cancelled", False),
    ("The tsunami threat is over", False),
    ("A tsunami is unlikely", False),
    ("No injuries reported but a tsunami is possible", True),
    ("Tsunami possible; do not go to the beach", True),
    ("Leave without delay, tsunami", True),
    ("Gempabumi tektonik", False),
    ("", False),
]


@pytest.mark.parametrize(("text", "expected"), SAYS)
def test_a_denied_tsunami_is_no_tsunami(text: str, expected: bool) -> None:
    """In Indonesian and English, in any spelling, by clauses; two denials make a warning."""
    assert says(text, "tsunami") is expected


@pytest.mark.parametrize(
    ("text", "phrase", "expected"),
    [
        ("Tidak berpotensi tsunami", "tidak berpotensi tsunami", True),
        ("tdk berpotensi tsunami", "Tidak berpotensi", True),
        ("Berpotensi tsunami", "tidak berpotensi", False),
        ("Hujan lebat disertai petir", "Hujan Lebat", True),
        ("Hujan sedang-lebat", "hujan sedang-lebat", True),
        ("Hujan sedang-lebat", "hujan lebat", False),
        ("Hujan lebatnya reda", "hujan lebat", False),
        ("HÜJAN LEBAT", "hujan lebat", True),
        ("Hujan lebat", "", False),
    ],
)
def test_phrases_are_whole_words(text: str, phrase: str, expected: bool) -> None:
    """A phrase that is itself a denial is looked for as it stands."""
    assert says(text, phrase) is expected


def test_a_long_hostile_text_is_read_in_time() -> None:
    """No text of a stranger makes a rule slow."""
    assert says("tidak " * 50_000 + "ada, tsunami " * 20_000, "tsunami")


RAIN = Told(
    event="Hujan Lebat dan Petir",
    codes=(("OET:v1.2", "OET-194"),),
    categories=("Met",),
    severity="Moderate",
    urgency="Immediate",
    certainty="Observed",
    text="Hujan Lebat disertai Petir",
    overlap_km2=40.0,
    share=0.6,
    sender="cuaca.ekstrem@bmkg.go.id",
    feed="bmkg",
    areas=("Utara",),
)
QUAKE = Told(event="Gempabumi", categories=("Geo",), magnitude=6.4, depth_km=10.0, distance_km=80.0, text="Gempa")


def book(**when: Any) -> Playbook:
    """The flood playbook with one rule of these conditions."""
    flood = BOOKS["flood"]
    rule = flood.feeds[0]
    shape = type(rule.when).model_validate(when)
    return flood.model_copy(update={"feeds": (rule.model_copy(update={"when": shape}),)})


@pytest.mark.parametrize(
    ("when", "told", "met"),
    [
        ({"event": ["Hujan Lebat"]}, RAIN, True),
        ({"event": ["OET:OET-194"]}, RAIN, True),
        ({"event": ["OET:v1.2:OET-194"]}, RAIN, True),
        ({"event": ["OET:OET-19"]}, RAIN, False),
        ({"event": ["Angin Kencang"]}, RAIN, False),
        ({"feeds": ["bmkg"], "category": ["Met"]}, RAIN, True),
        ({"feeds": ["usgs"], "category": ["Met"]}, RAIN, False),
        ({"senders": ["Cuaca.Ekstrem@BMKG.go.id"], "category": ["Met"]}, RAIN, True),
        ({"senders": ["bmkg.go.id"], "category": ["Met"]}, RAIN, False),
        ({"category": ["Geo", "Met"]}, RAIN, True),
        ({"category": ["Geo"]}, RAIN, False),
        ({"severity": "Moderate"}, RAIN, True),
        ({"severity": "Severe"}, RAIN, False),
        ({"severity": "Minor"}, replace(RAIN, severity="Unknown"), False),
        ({"urgency": "Expected", "certainty": "Likely"}, RAIN, True),
        ({"urgency": "Future"}, replace(RAIN, urgency="Past"), False),
        ({"certainty": "Observed"}, replace(RAIN, certainty="Likely"), False),
        ({"magnitude": {"at_least": 6.4}}, QUAKE, True),
        ({"magnitude": {"at_least": 6.5}}, QUAKE, False),
        ({"magnitude": {"at_most": 6}}, QUAKE, False),
        ({"magnitude": {"at_least": 1}}, RAIN, False),  # not told is not met
        ({"depth_km": {"at_most": 10}}, QUAKE, True),
        ({"within_km": 80, "category": ["Geo"]}, QUAKE, True),
        ({"within_km": 79, "category": ["Geo"]}, QUAKE, False),
        ({"within_km": 5000, "category": ["Met"]}, RAIN, False),
        ({"overlap_km2": 40, "overlap_share": 0.6, "category": ["Met"]}, RAIN, True),
        ({"overlap_km2": 41, "category": ["Met"]}, RAIN, False),
        ({"overlap_share": 0.61, "category": ["Met"]}, RAIN, False),
        ({"says": ["angin", "hujan lebat"]}, RAIN, True),
        ({"says": ["angin"]}, RAIN, False),
        ({"says": ["hujan"], "says_not": ["petir"]}, RAIN, False),
        ({"says": ["hujan"], "says_not": ["petir"]}, replace(RAIN, text="Hujan tanpa petir"), True),
    ],
)
def test_every_condition_given_must_hold_and_gives_its_reason(when: dict[str, Any], told: Told, met: bool) -> None:
    """Officers read why a rule was met, or which conditions kept it from being met."""
    decision = decide([book(**when)], told)
    assert (decision.opening is not None) is met
    (tried,) = decision.tried
    assert (tried.met, tried.rule) == (met, "hujan_lebat")
    assert tried.says
    assert ("is met" if met else "is not met") in str(tried)


def test_the_worst_level_wins_and_all_reasons_stay() -> None:
    """A strong quake near by that may bring a tsunami is a tsunami first; every rule of every playbook is told."""
    told = replace(QUAKE, text="Berpotensi TSUNAMI untuk diteruskan pada masyarakat")
    decision = decide(BOOKS.values(), told)
    assert decision.opening is not None
    assert decision.opening.named == "earthquake/berpotensi_tsunami"
    assert len(decision.tried) == sum(len(b.feeds) for b in BOOKS.values())
    assert sum(t.met for t in decision.tried) == 3
    calm = decide(BOOKS.values(), replace(QUAKE, text="Tidak berpotensi tsunami"))
    assert calm.opening is not None
    assert calm.opening.rule.level == "kuat"


def test_no_tsunami_and_no_evacuation_ever_leaves_without_an_officer() -> None:
    """As shipped, only the mildest flood level may: what asks people to leave never does."""
    releasing = [(b.playbook, r.level) for b in BOOKS.values() for r in b.feeds if r.then == "release"]
    assert releasing == [("flood", "potensi")]
    assert [b.playbook for b in BOOKS.values() if b.approval.pre_authorised] == ["flood"]


def test_a_slot_is_asked_only_where_words_need_it() -> None:
    """Heavy rain needs a place; how deep the water is nobody knows yet."""
    flood = BOOKS["flood"]
    assert needed(flood, "potensi") == {"place"}
    assert needed(flood, "siaga") == {"place", "level_m", "time_observed", "shelters", "posko"}
    assert needed(flood) == needed(flood, "siaga")
    slots = parse(flood, {"place": "Utara"}, level="potensi")
    for purpose in Purpose:
        for words in render(flood, purpose, "potensi", slots, FACTS).values():
            said = " ".join((words.headline, words.short, words.long, words.radio, *words.do, *words.dont))
            assert "None" not in said
            assert " m." not in said
            assert "  " not in words.short
    clear = render(flood, Purpose.ALL_CLEAR, "potensi", slots, FACTS)["id"]
    assert "Potensi banjir" in clear.long
    assert "boleh pulang" not in clear.long
    assert clear.do == ()


Edit = Callable[[str], str]
RULE = "  - id: hujan_lebat"
PLACE = 'slots: {place: "{{ area }}"}'
BROKEN: list[tuple[str, str, str, str, str]] = [
    # name, what stands there, what stands there then, field, part of the sentence
    ("level", "    level: potensi", "    level: hujan", "feeds[1].level", "is 'hujan', which is no level"),
    ("slot", PLACE, "slots: {plase: x, place: y}", "feeds[1].slots.plase", "did you mean place"),
    ("missing slot", PLACE, "slots: {}", "feeds[1].slots.place", "is missing: the words of"),
    ("fact", PLACE, 'slots: {place: "{{ aera }}"}', "feeds[1].slots.place", "did you mean area"),
    ("place", PLACE, 'slots: {place: "{{ area"}', "feeds[1].slots.place", "broken"),
    ("long", PLACE, f"slots: {{place: {'x' * 31}}}", "feeds[1].slots.place", "at most 30"),
    ("second key", "  pre_authorised: [potensi]\n", "", "feeds[1].then", "not under approval.pre_authorised"),
    ("key", "pre_authorised: [potensi]", "pre_authorised: [x]", "approval.pre_authorised[1]", "is no level"),
    ("condition", "      severity: Moderate", "      severty: Moderate", "feeds[1].when.severty", "mean severity"),
    ("scale", "      severity: Moderate", "      severity: moderate", "feeds[1].when.severity", "must be"),
    ("range", "      overlap_km2: 1", "      overlap_km2: -1", "feeds[1].when.overlap_km2", "greater than 0"),
    ("limits", "      overlap_km2: 1", "      depth_km: {at_least: 7, at_most: 6}", "feeds[1].when.depth_km.at_least",
     "more"),
    ("no limits", "      overlap_km2: 1", "      magnitude: {}", "feeds[1].when.magnitude", "give at_least"),
    ("then", "    then: release", "    then: send", "feeds[1].then", "must be"),
    ("twice", RULE, "  - {id: hujan_lebat, when: {severity: Minor}, level: potensi, then: draft, slots: {place: x}}\n"
     + RULE, "feeds[2].id", "there already"),
    ("answer", "  - id: how_deep\n    levels: [waspada, siaga, awas]\n", "  - id: how_deep\n", "questions[2].answer.id",
     "which level potensi does not ask for"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "field", "sentence"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_a_bad_rule_refuses_the_playbook_with_its_place(
    tmp_path: Path, old: str, new: str, field: str, sentence: str
) -> None:
    """File, line, field and one sentence; before a feed ever speaks."""
    assert FLOOD.count(old) == 1
    path = tmp_path / "flood.yaml"
    path.write_text(FLOOD.replace(old, new))
    with pytest.raises(BadPlaybook) as refused:
        load(path)
    found = [fault for fault in refused.value.faults if fault.field == field]
    assert found, refused.value.faults
    assert any(sentence in fault.says for fault in found), found
    assert all(fault.line > 1 for fault in found)


def test_a_rule_that_nearly_every_alert_meets_is_refused(tmp_path: Path) -> None:
    """Where from and where to alone say nothing of what it is about."""
    kept = FLOOD[: FLOOD.index("    when:\n      category: [Met]")]
    path = tmp_path / "flood.yaml"
    path.write_text(kept + "    when: {feeds: [bmkg], overlap_km2: 1}\n    level: potensi\n    then: draft\n"
                    '    slots: {place: "{{ area }}"}\n')  # fmt: skip
    with pytest.raises(BadPlaybook, match="nearly every alert"):
        load(path)
