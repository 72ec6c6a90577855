"""Words say the same thing in every language, carry their mode at both ends, and go out whole or not at all."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from channels.contract import Limit, Size
from crisis.errors import BadInput, NotFound
from crisis.model.phrases import drill_denial, long_time, number, relative_time, short_time
from crisis.model.playbook import load_folder
from crisis.model.slots import Value, parse
from crisis.model.words import (
    Facts,
    Purpose,
    Words,
    as_json,
    fit,
    from_json,
    full_text,
    instruction,
    mark,
    render,
    render_answer,
    rendition,
    words_hash,
)

PLAYBOOKS = load_folder(Path(__file__).parents[3] / "playbooks")
FLOOD = PLAYBOOKS["flood"]
SENT = datetime(2026, 11, 21, 13, 0, tzinfo=UTC)
FACTS = Facts(
    agency="BPBD Kubu Raya",
    area={"id": "Kecamatan Sungai Raya", "en": "Sungai Raya District"},
    sent=SENT,
    until=SENT + timedelta(hours=6),
    next_update=SENT + timedelta(hours=1),
    source="BMKG",
    zone=ZoneInfo("Asia/Pontianak"),
    number=2,
    reason={"id": "Air sudah surut", "en": "The water has gone down"},
    link="https://kuburaya.example/a/1",
)
EXAMPLES: dict[str, dict[str, Value]] = {
    name: parse(playbook, {key: slot.example for key, slot in playbook.slots.items()})
    for name, playbook in PLAYBOOKS.items()
}
SLOTS = EXAMPLES["flood"]
RENDITIONS = ("headline", "short", "long", "radio")


def limit(most: int, *renditions: str) -> Limit:
    return Limit(renditions=renditions, most_parts=1, most_units=most, measure=lambda text: Size(units=len(text)))


def every_words() -> list[tuple[str, Words]]:
    """Render all that is shipped: every playbook, purpose, level and language."""
    return [
        (f"{name} {purpose} {level} {language}", words)
        for name, playbook in PLAYBOOKS.items()
        for purpose in Purpose
        for level in playbook.levels
        for language, words in render(playbook, purpose, level, EXAMPLES[name], FACTS).items()
    ]


SHIPPED = every_words()


@pytest.mark.parametrize(
    ("zone", "language", "long", "short"),
    [
        ("Asia/Pontianak", "id", "21 November 2026 pukul 20.00 WIB", "21/11 20.00 WIB"),
        ("Asia/Jakarta", "en", "21 November 2026, 20:00 WIB", "21 Nov 20:00 WIB"),
        ("Asia/Makassar", "id", "21 November 2026 pukul 21.00 WITA", "21/11 21.00 WITA"),
        ("Asia/Jayapura", "id", "21 November 2026 pukul 22.00 WIT", "21/11 22.00 WIT"),
        ("UTC", "en", "21 November 2026, 13:00 UTC", "21 Nov 13:00 UTC"),
    ],
)
def test_times_carry_date_and_zone_as_people_here_say_them(zone: str, language: str, long: str, short: str) -> None:
    """No time in words can be read as another day or zone."""
    moment = SENT.astimezone(ZoneInfo(zone))
    assert (long_time(moment, language), short_time(moment, language)) == (long, short)


@pytest.mark.parametrize(
    ("value", "indonesian", "english"),
    [(1.5, "1,5", "1.5"), (1.0, "1", "1"), (1500, "1.500", "1,500"), (12000.25, "12.000,25", "12,000.25")],
)
def test_numbers_are_written_as_the_language_does(value: float, indonesian: str, english: str) -> None:
    """1,5 m in Indonesian is 1.5 m in English."""
    assert (number(value, "id"), number(value, "en")) == (indonesian, english)


@pytest.mark.parametrize(
    "text",
    ["malam ini", "Besok pagi", "hari ini", "nanti", "sebentar lagi", "kemarin", "tonight", "Tomorrow", "today", "soon",
     "in 30 minutes", "within {{ n }} hours", "dalam 2 jam", "30 menit lagi", "pukul 21.00", "at 9:00", "minggu depan"],
)  # fmt: skip
def test_relative_time_is_found(text: str) -> None:
    """What means something else when read later is found."""
    assert relative_time(f"Mengungsi {text}, ya") is not None


@pytest.mark.parametrize(
    "text",
    ["pukul 21.00 WIB", "21 November 2026, 21:00 WIB", "mengungsi sekarang", "leave now", "as soon as you hear it",
     "no later than 21 Nov", "rebus selama 10 menit", "demam lebih dari 2 hari", "obat sore dan malam", "sore throat"],
)  # fmt: skip
def test_absolute_time_and_plain_words_are_left_alone(text: str) -> None:
    """What an alert must be able to say is not refused."""
    assert relative_time(text) is None


@pytest.mark.parametrize(("label", "words"), SHIPPED, ids=[label for label, _ in SHIPPED])
def test_shipped_words_name_agency_and_times_and_nothing_unfilled(label: str, words: Words) -> None:
    """Every rendition says who; the full ones say where, the source, and for an alert until when and what next."""
    for name in RENDITIONS:
        text = rendition(words, name)
        assert "{" not in text
        assert "  " not in text
        assert relative_time(text) is None
        assert drill_denial(text) is None
    for name in ("short", "long", "radio"):
        assert "BPBD Kubu Raya" in rendition(words, name)
    for text in (words.long, words.radio):
        assert "BMKG" in text
        assert ("Kecamatan Sungai Raya" if words.language == "id" else "Sungai Raya District") in text
        if "cancel" not in label and "all_clear" not in label:
            assert "22 November 2026" in text
            assert "21.00 WIB" in text or "21:00 WIB" in text


@pytest.mark.parametrize(("label", "words"), SHIPPED, ids=[label for label, _ in SHIPPED])
def test_shipped_radio_script_can_be_read_aloud(label: str, words: Words) -> None:
    """One idea a sentence, few words, two minutes at most for one reading at the language's pace."""
    for sentence in words.radio.replace("\n", " ").split(". "):
        assert len(sentence.split()) <= 22, f"{label}: {sentence}"
    pace = 120 if words.language == "id" else 150
    assert len(words.radio.split()) / pace <= 1.5, f"{label}: {len(words.radio.split())} words"


@pytest.mark.parametrize(
    ("mode", "indonesian", "english"), [("Exercise", "LATIHAN", "EXERCISE"), ("Test", "UJI COBA", "TEST")]
)
def test_marker_stands_at_both_ends_of_every_rendition(mode: str, indonesian: str, english: str) -> None:
    """Nobody who hears only the start or only the end takes an exercise for the real thing."""
    for label, words in SHIPPED:
        marked = mark(words, mode)
        marker = indonesian if words.language == "id" else english
        for text in (*(rendition(marked, name) for name in RENDITIONS), marked.long, instruction(marked)):
            assert not text or text.startswith(marker), f"{label}: {text[:40]}"
            assert not text or text.rstrip(".").endswith(marker), f"{label}: {text[-40:]}"
        assert marked.marker == marker


def test_actual_words_are_unchanged_and_marks_never_mix() -> None:
    """Actual carries no marker; marking twice is once; an exercise never becomes a test or real."""
    words = SHIPPED[0][1]
    assert mark(words, "Actual") == words
    exercise = mark(words, "Exercise")
    assert mark(exercise, "Exercise") == exercise
    for mode in ("Test", "Actual"):
        with pytest.raises(ValueError, match="LATIHAN"):
            mark(exercise, mode)
    with pytest.raises(ValueError, match="no mode"):
        mark(words, "exercise")


def test_full_text_keeps_one_marker_at_each_end() -> None:
    """The lists stand inside the markers, not after them."""
    marked = mark(SHIPPED[0][1], "Exercise")
    assert full_text(marked).count("LATIHAN") == 2
    assert full_text(marked).endswith("\nLATIHAN")
    assert "\n- Kuras dan tutup" in full_text(marked)


def test_update_carries_its_number_in_every_rendition() -> None:
    """An update tells itself from the alert before it."""
    words = render(FLOOD, Purpose.UPDATE, "siaga", SLOTS, FACTS)
    for name in RENDITIONS:
        assert rendition(words["id"], name).startswith("PEMBARUAN 2")
        assert rendition(words["en"], name).startswith("UPDATE 2")


def test_optional_slot_leaves_no_hole() -> None:
    """Without a river the sentence is whole."""
    words = render(FLOOD, Purpose.ALERT, "siaga", {**SLOTS, "river": None}, FACTS)["id"]
    assert "Air 1,2 m, diukur 21 November 2026 pukul 19.30 WIB." in words.long


def test_choices_speak_the_language_of_the_words() -> None:
    """The same choice is demam berdarah in Indonesian and dengue fever in English."""
    words = render(PLAYBOOKS["disease"], Purpose.ALERT, "siaga", EXAMPLES["disease"], FACTS)
    assert words["id"].headline == "Siaga demam berdarah di Desa Kuala Dua: 24 kasus"
    assert words["en"].headline == "Dengue fever warning for Desa Kuala Dua: 24 cases"


def test_missing_values_are_named_before_anything_is_filled() -> None:
    """An absent slot, next update or reason is a fault of its own."""
    with pytest.raises(BadInput) as refused:
        render(FLOOD, Purpose.CORRECTION, "siaga", {"place": "Kuala Dua"}, replace(FACTS, next_update=None, reason=""))
    fields_named = [fault.field for fault in refused.value.faults]
    assert fields_named == ["level_m", "time_observed", "shelters", "posko", "next_update", "reason"]
    with pytest.raises(NotFound, match="merah"):
        render(FLOOD, Purpose.ALERT, "merah", SLOTS, FACTS)


@pytest.mark.parametrize(
    "reason", ["Air surut malam ini", "Ini bukan latihan", "lihat https://x.id", "a\nb", "{{ x }}"]
)
def test_reason_is_held_to_the_rules_of_words(reason: str) -> None:
    """An officer's own sentence cannot smuggle in what playbooks may not say."""
    with pytest.raises(BadInput) as refused:
        render(FLOOD, Purpose.CANCEL, "siaga", SLOTS, replace(FACTS, reason=reason))
    assert [fault.field for fault in refused.value.faults] == ["reason"]


def test_cancel_and_all_clear_need_no_next_update() -> None:
    """Nothing follows the end."""
    for purpose in (Purpose.CANCEL, Purpose.ALL_CLEAR):
        words = render(FLOOD, purpose, "awas", SLOTS, replace(FACTS, next_update=None))
        assert "Air sudah surut" in words["id"].short
        assert "The water has gone down" in words["en"].radio


def test_fit_takes_the_best_rendition_that_goes_out_whole() -> None:
    """Long where it fits, else short, else nothing; never a part of one."""
    words = SHIPPED[0][1]
    whole = len(full_text(words))
    assert fit(words, limit(whole, "long", "short")) == full_text(words)
    assert fit(words, limit(whole - 1, "long", "short")) == words.short
    assert fit(words, limit(len(words.short) - 1, "long", "short")) is None
    assert fit(words, limit(9999, "radio", "long")) == words.radio


def test_frozen_words_come_back_byte_for_byte() -> None:
    """What was approved is what is sent, through JSON and back."""
    words = {w.language: mark(w, "Exercise") for w in render(FLOOD, Purpose.ALERT, "awas", SLOTS, FACTS).values()}
    assert from_json(json.dumps(as_json(words))) == words
    assert from_json(as_json(words)) == words


def test_hash_changes_with_every_field_and_with_the_context() -> None:
    """An approval binds to all the approver saw, in whatever order it was put."""
    words = render(FLOOD, Purpose.ALERT, "awas", SLOTS, FACTS)
    context: dict[str, object] = {"mode": "Actual", "channels": ["sms"], "until": FACTS.until}
    first = words_hash(words, context)
    assert first == words_hash(dict(reversed(words.items())), dict(reversed(context.items())))
    assert first != words_hash(words, {**context, "mode": "Exercise"})
    for field in fields(Words):
        other = ("x",) if field.name in ("do", "dont") else "x"
        stored = as_json(words)
        stored["id"][field.name] = other
        changed = from_json(stored)
        assert words_hash(changed, context) != first, field.name
    with pytest.raises(TypeError):
        words_hash(words, {"address": object()})


@pytest.mark.parametrize("name", sorted(PLAYBOOKS))
def test_every_question_answers_in_both_languages_within_one_sms(name: str) -> None:
    """A resident's answer is filled, calm and short."""
    for question in PLAYBOOKS[name].questions:
        for language in ("id", "en"):
            answer = render_answer(PLAYBOOKS[name], question.id, language, EXAMPLES[name], FACTS)
            assert answer.isascii(), question.id
            assert 0 < len(answer) <= 160, f"{question.id}: {len(answer)}"
            assert "{" not in answer


def test_answer_in_a_language_without_words_comes_in_the_default_one() -> None:
    """A Javanese speaker gets the Indonesian answer; a question nobody wrote is not found."""
    answer = render_answer(FLOOD, "where_shelter", "jv", SLOTS, FACTS)
    assert answer == "Tempat pengungsian: SDN 05 Kuala Dua dan Masjid Nurul Iman. Posko 0561-765432."
    with pytest.raises(NotFound, match="no question"):
        render_answer(FLOOD, "where_is_the_gold", "id", SLOTS, FACTS)


def test_places_that_had_no_room_are_spoken_in_full_sentences() -> None:
    """Short texts count them; on air and on paper nobody reads "plus three", and telephone numbers stay."""
    slots = {**SLOTS, "place": "Rasau Jaya, Sungai Raya +3", "posko": "+62 561 765432"}
    words = render(FLOOD, Purpose.ALERT, "siaga", slots, replace(FACTS, area="Kubu, Sungai Raya +2"))
    assert "Sungai Raya +3" in words["id"].short
    for name in ("long", "radio"):
        assert "Sungai Raya dan 3 wilayah lain" in rendition(words["id"], name)
        assert "Sungai Raya and 3 other areas" in rendition(words["en"], name)
        assert "Sungai Raya dan 2 wilayah lain" in rendition(words["id"], name)
        assert "+62 561 765432" in rendition(words["id"], name)
