"""A question is answered by itself only when it is surely a known one."""

from __future__ import annotations

import pytest

from crisis.triage.faq import Candidate, Match, choose


def _near(question: str, similarity: float, rank: float, playbook: str = "flood") -> Candidate:
    return Candidate(
        question=question, language="id", similarity=similarity, rank=rank, playbook=playbook, phrasing=f"{question} ?"
    )


def test_a_near_question_clearly_ahead_is_the_match() -> None:
    """The record says which question, by which phrasing, how near and how far ahead."""
    near = [_near("food", 0.25, 0.25), _near("shelter", 0.5, 0.75), _near("shelter", 0.75, 0.75)]
    assert choose(near) == Match(
        question="shelter", language="id", playbook="flood", phrasing="shelter ?", score=0.75, lead=0.5
    )


@pytest.mark.parametrize(
    "near",
    [
        [],
        [_near("shelter", 0.4, 0.4)],
        [_near("shelter", 0.7, 0.7), _near("food", 0.6, 0.6)],
        [_near("shelter", 0.9, 0.9, "flood"), _near("shelter", 0.9, 0.9, "fire")],
    ],
    ids=["nothing near", "not near enough", "two alike", "two playbooks answer differently"],
)
def test_what_is_not_sure_is_left_to_an_officer(near: list[Candidate]) -> None:
    """A wrong automatic answer in a flood costs more than a wait."""
    assert choose(near) is None


def test_another_phrasing_of_the_same_question_is_no_rival() -> None:
    """More phrasings make a question easier to find, never harder."""
    match = choose([_near("shelter", 0.8, 0.8), _near("shelter", 0.8, 0.8)])
    assert match is not None
    assert match.lead == match.score


def test_the_bars_can_be_set() -> None:
    """A district may ask for more certainty, or less."""
    near = [_near("shelter", 0.5, 0.5), _near("food", 0.4, 0.4)]
    assert choose(near) is None
    assert choose(near, sure=0.3, margin=0.05) is not None
    assert choose(near, sure=0.6, margin=0.05) is None
