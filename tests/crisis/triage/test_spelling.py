"""Hurried writing is read as the words it stands for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisis.triage.danger import judge
from crisis.triage.faq import normalise
from crisis.triage.keywords import command
from crisis.triage.language import guess
from crisis.triage.spelling import clean, words


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("tlg gk bs kluar", "tolong tidak bisa keluar"),
        ("dmn posko yg trdkt", "di mana pengungsian yang trdkt"),
        ("Tolonggg!!! @bpbd #banjir https://x.id/1", "tolong"),
        ("anak2 di lt2, air 1,5m", "anak 2 di lantai 2 air 1,5 m"),
        ("can't get out", "cannot get out"),
        ("\N{MATHEMATICAL BOLD CAPITAL T}olong", "tolong"),
    ],
)
def test_short_forms_become_whole_words(text: str, plain: str) -> None:
    """Danger and questions are matched on these words."""
    assert " ".join(words(text)) == plain


def test_questions_lose_their_courtesy() -> None:
    """Politeness must not make two questions look alike."""
    assert normalise("Min, pengungsian dmn ya pak?") == "pengungsian di mana"


@given(st.text(max_size=400))
def test_no_text_can_break_the_reading(text: str) -> None:
    """Whatever bytes a carrier delivers, every reader answers, and cleaning twice changes nothing."""
    assert clean(clean(text)) == clean(text)
    assert guess(text, "id") in ("id", "en")
    judge(text)
    command(text)
    normalise(text)
