"""Promises of growth: words, paper, the first sound, every format, a better voice; each only once, and no further."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from channels.contract import Misconfigured
from channels.radio.bulletin import draft
from channels.radio.seal import new_key
from channels.radio.setting import code_of, read
from channels.radio.stages import Stage, first_roles, next_stage
from tests.channels.radio.kits import DRILL, NOON, OFFICE

BULLETIN = draft(DRILL, OFFICE, NOON)


@pytest.mark.parametrize(
    ("reached", "voice", "most", "neural", "following"),
    [
        ("words", "", Stage.NEURAL, False, Stage.PAPER),
        ("paper", "", Stage.NEURAL, False, Stage.FIRST),
        ("first", "espeak", Stage.NEURAL, False, Stage.WHOLE),
        ("whole", "espeak", Stage.NEURAL, False, None),
        ("whole", "espeak", Stage.NEURAL, True, Stage.NEURAL),
        ("whole", "recording", Stage.NEURAL, True, None),
        ("whole", "", Stage.NEURAL, True, None),
        ("whole", "espeak", Stage.WHOLE, True, None),
        ("neural", "espeak", Stage.NEURAL, True, None),
        ("first", "espeak", Stage.FIRST, True, None),
        ("words", "", Stage.WORDS, True, None),
    ],
)
def test_a_kit_grows_step_by_step(reached: str, voice: str, most: Stage, neural: bool, following: Stage | None) -> None:
    """No further than the office wants, and never by a voice in place of a person's."""
    grown = replace(BULLETIN, reached=reached, voice=voice)  # type: ignore[arg-type]
    assert next_stage(grown, most, neural=neural) is following


def test_the_first_kit_holds_all_but_the_further_formats() -> None:
    """What a playout system and a player take is there; what a telephone takes comes after."""
    assert {"wav", "mp3", "script", "captions", "manifest"} <= first_roles()
    assert first_roles().isdisjoint({"opus", "amr", "loop", "flac"})


@pytest.mark.parametrize(
    ("title", "code"),
    [("BPBD Kubu Raya", "BPBD-KR"), ("BMKG", "BMKG"), ("", "CRISIS"), ("— —", "CRISIS"), ("a b", "A-B")],
)
def test_an_agency_without_a_code_gets_one(title: str, code: str) -> None:
    """It stands in the names of kits."""
    assert code_of(title) == code


URL = "file:///srv/radio?title=BPBD&base=http://h/radio"


def test_what_an_office_gives_its_kits_is_read(tmp_path: Path) -> None:
    """Names, key, rivers, a folder of recordings, how far kits go."""
    (tmp_path / "key").write_bytes(new_key())
    (tmp_path / "names.tsv").write_text("A\tb\n")
    told = f"{URL}&key={tmp_path}/key&lexicon={tmp_path}/names.tsv&kit=first&code=BPBD-KKR&kentongan=4-4-4%20banjir"
    folder, office, means = read(told)
    assert (str(folder), office.code, office.kentongan) == ("/srv/radio", "BPBD-KKR", "4-4-4 banjir")
    assert (means.key, means.lexicon, means.most) == (tmp_path / "key", tmp_path / "names.tsv", Stage.FIRST)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("kit=all", "kit must be one of words, paper, first, whole, neural"),
        ("key=/nonexistent", "key=/nonexistent is no file"),
        ("rivers=/nonexistent", "rivers=/nonexistent is no file"),
        (f"key={__file__}", "is no key; make one with crisis radio keygen"),
    ],
)
def test_what_cannot_be_used_is_refused_at_the_start(more: str, says: str) -> None:
    """In one sentence."""
    with pytest.raises(Misconfigured, match=says):
        read(f"{URL}&{more}")
