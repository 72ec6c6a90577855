"""Promises of captions: in time with both readings, readable, and valid WebVTT whatever the words."""

from __future__ import annotations

import re

import pytest

from channels.radio.captions import webvtt

TIMING = re.compile(r"(\d\d):(\d\d):(\d\d\.\d{3}) --> (\d\d):(\d\d):(\d\d\.\d{3})")


def cues(text: str) -> list[tuple[float, float, list[str]]]:
    found = []
    for block in text.split("\n\n")[2:]:
        rows = block.strip("\n").split("\n")
        assert rows[0].isdigit()
        times = TIMING.fullmatch(rows[1])
        assert times
        hours, minutes, seconds, *until = (float(part) for part in times.groups())
        found.append((hours * 3600 + minutes * 60 + seconds, until[0] * 3600 + until[1] * 60 + until[2], rows[2:]))
    return found


def test_lines_are_shown_while_they_are_heard_in_both_readings() -> None:
    """Each line's span is moved to where its reading starts."""
    text = webvtt(["Banjir.", "Pindah."], [(0.1, 1.0), (1.5, 3600.0)], [1.9, 4000.0], "id")
    assert text.startswith("WEBVTT\n\nNOTE\nLanguage: id\n\n")
    assert cues(text) == [
        (2.0, 2.9, ["Banjir."]),
        (3.4, 3601.9, ["Pindah."]),
        (4000.1, 4001.0, ["Banjir."]),
        (4001.5, 7600.0, ["Pindah."]),
    ]


def test_long_lines_are_shown_two_rows_of_42_at_a_time() -> None:
    """Parts follow one another without a gap and end when the line ends."""
    words = " ".join(f"kata{number}" for number in range(60))
    found = cues(webvtt([words], [(0.0, 30.0)], [0.0], "id"))
    assert all(len(rows) <= 2 and all(len(row) <= 42 for row in rows) for *_, rows in found)
    assert " ".join(row for *_, rows in found for row in rows) == words
    assert (found[0][0], found[-1][1]) == (0.0, 30.0)
    assert [start for start, *_ in found[1:]] == [end for _, end, _ in found[:-1]]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("A & B", "A &amp; B"),
        ("air < 1 m", "air &lt; 1 m"),
        ("21.00 --> 22.00", "21.00 --&gt; 22.00"),
        ("dua\nbaris\n\nkosong", "dua baris kosong"),
    ],
)
def test_no_words_break_the_file(line: str, shown: str) -> None:
    """What WebVTT gives a meaning to is escaped; a blank line would end a cue."""
    assert [rows for *_, rows in cues(webvtt([line], [(0, 1)], [0.0], "id"))] == [[shown]]


def test_a_line_without_words_has_no_caption() -> None:
    """Nor does a line of no length come to an end before it starts."""
    assert cues(webvtt(["", "Ya."], [(0, 0), (0, 0)], [-0.5], "id")) == [(0.0, 0.1, ["Ya."])]


def test_spans_must_be_those_of_the_lines() -> None:
    """A recording has none: captions of it are the caller's to leave out."""
    with pytest.raises(ValueError, match="shorter"):
        webvtt(["Banjir."], [], [0.0], "id")
