"""Playbooks are refused whole, with every fault at its file, line and field, or they are right."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from channels.contract import Limit, Size
from crisis.errors import BadPlaybook, Fault
from crisis.model.playbook import Playbook, check_fit, load, load_folder, schema

PLAYBOOKS = Path(__file__).parents[3] / "playbooks"
FLOOD = (PLAYBOOKS / "flood.yaml").read_text()


def gsm7(text: str) -> Size:
    """Measure as GSM 03.38 does for plain letters; anything beyond ASCII counts as UCS-2."""
    single, several, encoding = (160, 153, "GSM-7") if text.isascii() else (70, 67, "UCS-2")
    parts = 1 if len(text) <= single else -(-len(text) // several)
    return Size(units=len(text), parts=parts, encoding=encoding)


def characters(text: str) -> Size:
    return Size(units=len(text))


SMS = Limit(renditions=("short",), most_parts=2, most_units=306, measure=gsm7)
POST = Limit(renditions=("long", "short"), most_parts=1, most_units=500, measure=characters)
CHAT = Limit(renditions=("long", "short"), most_parts=1, most_units=4096, measure=characters)
RADIO = Limit(renditions=("radio",), most_parts=1, most_units=3000, measure=characters)


def faults_of(folder: Path, text: str, name: str = "flood.yaml") -> tuple[Fault, ...]:
    path = folder / name
    path.write_text(text)
    with pytest.raises(BadPlaybook) as refused:
        load(path)
    assert all(fault.file == str(path) for fault in refused.value.faults)
    return refused.value.faults


def line_of(text: str, snippet: str) -> int:
    below, _, wanted = snippet.rpartition("...")
    return text[: text.index(wanted, text.index(below))].count("\n") + 1


GRADES = {"potensi": "Minor", "dirasakan": "Minor", "waspada": "Moderate", "siaga": "Severe", "kuat": "Severe"}


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("flood", ("potensi", "waspada", "siaga", "awas")),
        ("disease", ("waspada", "siaga", "awas")),
        ("evacuation", ("waspada", "siaga", "awas")),
        ("earthquake", ("dirasakan", "kuat", "tsunami")),
    ],
)
def test_shipped_playbook_loads_with_its_levels_and_two_languages(name: str, levels: tuple[str, ...]) -> None:
    """What we ship passes what we ask of officers."""
    playbook = load(PLAYBOOKS / f"{name}.yaml")
    assert playbook.playbook == name
    assert tuple(playbook.levels) == levels
    graded = [level.cap.severity for level in playbook.levels.values()]
    assert graded == [GRADES.get(level, "Extreme") for level in levels]
    assert playbook.languages == ("id", "en")
    assert len(playbook.questions) >= 5


@pytest.mark.parametrize("name", ["flood", "disease", "evacuation", "earthquake"])
def test_shipped_words_fit_every_channel_at_worst_as_an_exercise(name: str) -> None:
    """An SMS stays within two GSM-7 parts with every slot at its limit, marker and update number included."""
    playbook = load(PLAYBOOKS / f"{name}.yaml")
    limits = {"sms": SMS, "mastodon": POST, "telegram": CHAT, "radio": RADIO, "page": CHAT}
    assert check_fit(playbook, limits) == []


def test_folder_loads_every_playbook_and_leaves_the_replies_out() -> None:
    """The id is the key, and replies.yaml is no playbook."""
    assert sorted(load_folder(PLAYBOOKS)) == ["disease", "earthquake", "evacuation", "flood"]


def test_durations_are_read_with_their_unit() -> None:
    """6 h is six hours wherever it stands."""
    siaga = load(PLAYBOOKS / "flood.yaml").levels["siaga"]
    assert (siaga.expires_after, siaga.update_every) == (timedelta(hours=6), timedelta(minutes=60))


Edit = Callable[[str], str]


def swap(old: str, new: str) -> Edit:
    def edit(text: str) -> str:
        assert old in text, f"flood.yaml no longer holds {old!r}"
        return text.replace(old, new, 1)

    return edit


WASPADA = "  waspada:..."  # the snippet after it stands below that level
SHORT = "levels.waspada.words.id.short"
BROKEN: list[tuple[str, Edit, str, str, str]] = [
    # name, edit, field, text on the faulty line, part of the sentence
    ("unknown key", swap("sms_parts: 2", "sms_part: 2"), "sms_part", "sms_part:", "did you mean sms_parts?"),
    (
        "unknown key deep",
        swap("    max_entries: 4", "    max_entry: 4"),
        "slots.shelters.max_entry",
        "max_entry:",
        "did you mean",
    ),
    ("missing in a slot", swap("    max_entries: 4\n", ""), "slots.shelters.max_entries", "  shelters:", "is missing"),
    (
        "duplicate key",
        swap("version: 2", "version: 2\nversion: 3"),
        "version",
        "version: 3",
        "given twice (first on line 3)",
    ),
    ("wrong stem", swap("playbook: flood", "playbook: banjir"), "playbook", "playbook: banjir", "flood.yaml"),
    (
        "missing language",
        swap("title: {id: Banjir, en: Flood}", "title: {id: Banjir}"),
        "title.en",
        "title: {id: Banjir}",
        "is missing",
    ),
    (
        "stray language",
        swap("title: {id: Banjir, en: Flood}", "title: {id: Banjir, en: Flood, jv: Banjir}"),
        "title.jv",
        "jv: Banjir",
        "does not list",
    ),
    (
        "unknown slot",
        swap("WASPADA BANJIR {{ place }}.", "WASPADA BANJIR {{ plase }}."),
        SHORT,
        "{{ plase }}",
        "did you mean place?",
    ),
    (
        "reason in a level",
        swap("WASPADA BANJIR {{ place }}.", "WASPADA {{ place }} {{ reason }}."),
        SHORT,
        "{{ reason }}",
        "only a correction",
    ),
    (
        "template syntax",
        swap("WASPADA BANJIR {{ place }}.", "WASPADA BANJIR {{ place }."),
        SHORT,
        "{{ place }.",
        "broken",
    ),
    (
        "template call",
        swap("WASPADA BANJIR {{ place }}.", "WASPADA {{ place.upper() }}."),
        SHORT,
        "{{ place.upper",
        "not allowed",
    ),
    (
        "relative time",
        swap("Naikkan barang, siapkan", "Malam ini naikkan barang, siapkan"),
        SHORT,
        "Malam ini",
        "'Malam ini'",
    ),
    (
        "relative minutes",
        swap("Naikkan barang, siapkan", "Dalam 30 menit naikkan barang, siapkan"),
        SHORT,
        "Dalam 30 menit",
        "30 menit",
    ),
    (
        "bare clock",
        swap("Naikkan barang, siapkan", "Pukul 21.00 naikkan, siapkan"),
        SHORT,
        "Pukul 21.00",
        "Pukul 21.00",
    ),
    (
        "drill denial",
        swap("Naikkan barang, siapkan", "Ini bukan latihan, siapkan"),
        SHORT,
        "bukan latihan",
        "exercise would repeat",
    ),
    ("no until", swap("Berlaku s.d. {{ until_short }}. ", ""), SHORT, WASPADA + "short: >", "{{ until }}"),
    (
        "no area in long",
        swap("Wilayah: {{ area }}. Bila", "Bila"),
        "levels.waspada.words.id.long",
        WASPADA + "long: |",
        "{{ area }}",
    ),
    (
        "link on radio",
        swap("Informasi resmi dari {{ agency }}.\n          Waspada", "Resmi {{ agency }} {{ link }}."),
        "levels.waspada.words.id.radio",
        "{{ link }}",
        "read aloud",
    ),
    (
        "headline too long",
        swap('"Waspada banjir di {{ place }}', f'"{"Waspada " * 12}{{{{ place }}}}'),
        "levels.waspada.words.id.headline",
        WASPADA + "headline:",
        "at most 160",
    ),
    (
        "unknown channel",
        swap("channels: [sms, ", "channels: [pigeon, sms, "),
        "channels[1]",
        "channels: [pigeon",
        "must be",
    ),
    (
        "unknown role",
        swap("roles: [approver, supervisor, admin]", "roles: [approver, chief]"),
        "approval.roles[2]",
        "chief",
        "must be",
    ),
    (
        "CAP spelling",
        swap("severity: Moderate", "severity: moderate"),
        "levels.waspada.cap.severity",
        "severity: moderate",
        "'Moderate'",
    ),
    (
        "two phrasings",
        swap("        - di mana tempat pengungsian\n        - posko pengungsian dimana ya\n", ""),
        "questions[1].ask.id",
        "      id:\n        - kami harus",
        "at least 3",
    ),
    (
        "bare duration",
        swap("expires_after: 12 h", "expires_after: 12"),
        "levels.waspada.expires_after",
        "expires_after: 12\n",
        "90 min, 6 h or 2 d",
    ),
    (
        "unknown level",
        swap("levels: [siaga, awas]", "levels: [siaga, merah]"),
        "approval.break_glass.levels[2]",
        "merah",
        "no level",
    ),
    (
        "slot named as fact",
        swap("  posko:\n    type: phone", "  agency:\n    type: phone"),
        "slots.agency",
        "  agency:",
        "fact the service fills",
    ),
    (
        "example out of range",
        swap("example: 1.2", "example: 99"),
        "slots.level_m.example",
        "example: 99",
        "from 0.1 to 20",
    ),
    (
        "update after expiry",
        swap("12 h\n    update_every: 3 h", "12 h\n    update_every: 13 h"),
        "levels.waspada.update_every",
        "update_every: 13 h",
        "would end before",
    ),
    (
        "longer than a week",
        swap("expires_after: 12 h", "expires_after: 8 d"),
        "levels.waspada.expires_after",
        "expires_after: 8 d",
        "longer than 7 d",
    ),
    (
        "levels out of order",
        swap("severity: Severe", "severity: Minor"),
        "levels.siaga.cap.severity",
        "  siaga:...severity: Minor",
        "mildest first",
    ),
    (
        "failover at an unknown level",
        swap("\nmax_population:", "\nfailover: {after: 2 min, levels: [merah]}\nmax_population:"),
        "failover.levels[1]",
        "failover:",
        "no level",
    ),
    (
        "failover after the end",
        swap("\nmax_population:", "\nfailover:\n  after: 2 d\nmax_population:"),
        "failover.after",
        "  after: 2 d",
        "not shorter than expires_after",
    ),
    (
        "failover without a unit",
        swap("\nmax_population:", "\nfailover:\n  after: 120\nmax_population:"),
        "failover.after",
        "  after: 120",
        "90 min, 6 h or 2 d",
    ),
    ("anchor", swap("approval:\n", "approval: &a\n"), "approval", "approval: &a", "anchor"),
    (
        "place in a title",
        swap("title: {id: Banjir,", 'title: {id: "{{ place }}",'),
        "title.id",
        "{{ place }}",
        "may not hold",
    ),
]


@pytest.mark.parametrize(("edit", "field", "snippet", "says"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_fault_names_file_line_and_field(tmp_path: Path, edit: Edit, field: str, snippet: str, says: str) -> None:
    """One broken place gives a fault on that line, by that field, in one sentence."""
    text = edit(FLOOD)
    found = [f for f in faults_of(tmp_path, text) if f.field == field]
    assert found, f"no fault at {field}"
    assert any(says in f.says for f in found), found
    assert line_of(text, snippet) in [f.line for f in found]


def test_all_faults_of_a_file_come_at_once(tmp_path: Path) -> None:
    """A misspelt key hides neither a relative time nor a missing language nor a long headline."""
    text = FLOOD
    for name in (
        "unknown key",
        "duplicate key",
        "relative time",
        "missing language",
        "CAP spelling",
        "headline too long",
    ):
        text = next(b[1] for b in BROKEN if b[0] == name)(text)
    fields = [fault.field for fault in faults_of(tmp_path, text)]
    assert {"sms_part", "version", SHORT, "title.en", "levels.waspada.cap.severity"} <= set(fields)
    assert "levels.waspada.words.id.headline" in fields


def test_faults_of_all_files_come_at_once(tmp_path: Path) -> None:
    """A folder with two broken files names both, and a .yml that would be ignored."""
    (tmp_path / "flood.yaml").write_text(FLOOD.replace("version: 2", "version: x"))
    (tmp_path / "disease.yaml").write_text("playbook: [")
    (tmp_path / "evacuation.yml").write_text("")
    with pytest.raises(BadPlaybook) as refused:
        load_folder(tmp_path)
    assert {Path(fault.file).name for fault in refused.value.faults} == {"flood.yaml", "disease.yaml", "evacuation.yml"}


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        (b"playbook: flood\nlevels: [a\n", 3, "not valid YAML"),
        (b"playbook: flood\n\ttitle: x\n", 2, "not valid YAML"),
        (b"title: \xff\xfe\n", 1, "UTF-8"),
        (b"", 1, "is empty"),
        (b"- just\n- a list\n", 1, "not a group of fields"),
        (b"a: " + b"[" * 5000, 1, "nested deeper"),
        (b"a: &a [x, x]\nb: [*a, *a]\n", 1, "anchor"),
        (b"a: !!python/object/apply:os.system [x]\n", 1, "tag"),
        (b"{{ place }}: x\n", 1, ""),
        (b"x" * 600_000, 0, "larger than"),
    ],
)
def test_unreadable_file_gets_one_sentence(tmp_path: Path, content: bytes, line: int, says: str) -> None:
    """No file, however hostile, does more than be refused at a line."""
    path = tmp_path / "flood.yaml"
    path.write_bytes(content)
    with pytest.raises(BadPlaybook) as refused:
        load(path)
    first = refused.value.faults[0]
    assert says in first.says
    assert first.line == line


def test_missing_file_and_empty_folder_say_so(tmp_path: Path) -> None:
    """A wrong path is a sentence, not a traceback."""
    with pytest.raises(BadPlaybook, match="cannot be read"):
        load(tmp_path / "flood.yaml")
    with pytest.raises(BadPlaybook, match="holds no playbook"):
        load_folder(tmp_path)


def test_missing_field_points_at_its_parent(tmp_path: Path) -> None:
    """What is not there has no line; where it belongs has one."""
    text = FLOOD.replace("    max_entries: 4\n", "", 1)
    fault = next(f for f in faults_of(tmp_path, text) if f.field == "slots.shelters.max_entries")
    assert fault.line == line_of(text, "  shelters:\n")


def test_sms_over_its_part_budget_is_named_with_line_and_field() -> None:
    """Too long for two parts in the worst case is known before anyone is in a hurry."""
    playbook = load(PLAYBOOKS / "flood.yaml").model_copy(update={"sms_parts": 1})
    faults = check_fit(playbook.bound_to(load(PLAYBOOKS / "flood.yaml").source), {"sms": SMS})
    siaga = next(f for f in faults if f.field == "levels.siaga.words.id.short")
    assert "SMS parts" in siaga.says
    assert FLOOD.splitlines()[siaga.line - 1].strip() == "short: >"


def test_words_that_fit_no_rendition_of_a_channel_are_named() -> None:
    """A channel of fifty characters takes none of the words, and every language is told."""
    tiny = Limit(renditions=("long", "short"), most_parts=1, most_units=50, measure=characters)
    faults = check_fit(load(PLAYBOOKS / "flood.yaml"), {"mastodon": tiny})
    assert {"levels.awas.words.en.short", "cancel.words.id.short"} <= {f.field for f in faults}
    assert all("mastodon takes 50" in f.says and f.line > 1 for f in faults)


def test_schema_is_json_and_closed_to_unknown_keys() -> None:
    """Editors that read the schema refuse the same keys that we do."""
    read = json.loads(json.dumps(schema()))
    assert read["additionalProperties"] is False
    assert set(read["required"]) >= {"playbook", "levels", "correction", "cancel", "all_clear"}
    assert read["properties"].keys() == Playbook.model_fields.keys()
