"""The corpora: our own small files, and the shared third-party ones where this machine has them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crisis.cap.entry import Entry
from crisis.cap.read import read
from crisis.cap.record import from_record, to_record
from crisis.cli.cap_verdict import Judgement
from tests.corpus.summary import OWN, ROOT, Judged, Summary, samples, summary

SHARED = samples()
WHOLE = re.compile(rb"<(?:\w+:)?info[\s>]")
UNSAFE = {"S-DTD", "S-MALFORMED", "S-DEPTH", "S-SIZE"}
needs_samples = pytest.mark.skipif(SHARED is None, reason="the shared samples are not on this machine")


def folder(*parts: str) -> Path:
    assert SHARED is not None
    return SHARED.joinpath(*parts)


@pytest.fixture(scope="module")
def own() -> Summary:
    return summary([OWN])


@pytest.fixture(scope="module")
def real() -> Summary:
    return summary([folder("cap", "real"), folder("feeds")])


def test_our_own_files_are_judged_as_written_down(own: Summary) -> None:
    """Every file of ours gets the verdict and rule of EXPECTED.tsv."""
    assert len(own.files) == len((OWN / "EXPECTED.tsv").read_text().splitlines()) - 1
    assert own.disagreements == []


@needs_samples
def test_the_synthetic_files_are_judged_as_written_down() -> None:
    """Every synthetic fault is found by its rule, and nothing is found where nothing is."""
    found = summary([folder("cap", "synthetic")])
    assert len(found.files) > 0
    assert found.disagreements == []


@needs_samples
def test_real_documents_are_read(real: Summary) -> None:
    """98 of 100 and more are read; one is refused only as unsafe or no XML."""
    refused = [one for one in real.files if one.verdict.verdict is Judgement.REFUSED]
    assert len(refused) <= 0.02 * len(real.files)
    assert [one.verdict.file for one in refused if not one.rules & UNSAFE] == []


@needs_samples
def test_no_entry_of_a_real_feed_is_refused(real: Summary) -> None:
    """What official feeds publish, their faults included, becomes alerts or links."""
    assert [(one.verdict.file, entry.refused) for one, entry in _entries(real) if entry.refused] == []


@needs_samples
def test_what_the_schema_refuses_is_not_called_good(real: Summary) -> None:
    """The OASIS XSD and we agree on form: what it refuses is invalid, what it accepts breaks no X- rule."""
    assert sum(one.schema is not None for one in real.files) > 0
    assert real.disagreements == []


@needs_samples
def test_every_alert_survives_as_a_record(real: Summary) -> None:
    """Through JSON and back no part of any real alert is lost."""
    for one, entry in _entries(real):
        if entry.alert is not None:
            assert from_record(json.loads(json.dumps(to_record(entry.alert)))) == entry.alert, one.verdict.file


@needs_samples
def test_the_bytes_kept_are_those_of_the_alert(real: Summary) -> None:
    """Alerts that were embedded whole read the same from their own bytes."""
    whole = 0
    for one, entry in _entries(real):
        if entry.alert is not None and WHOLE.search(entry.raw):
            assert read(entry.raw).alert == entry.alert, one.verdict.file
            whole += 1
    assert whole > 0


@needs_samples
def test_attacks_are_refused_at_once() -> None:
    """A DOCTYPE, a nesting without end and a torn file cost less than 50 ms each."""
    for name in ("doctype.xml", "deep-nesting.xml", "truncated.xml", "latin1-declared-utf8.xml"):
        raw = folder("cap", "synthetic", name).read_bytes()
        quickest = min(_seconds(raw) for _ in range(3))
        assert quickest < 0.05, name


def test_the_table_is_printed() -> None:
    """`python -m tests.corpus FOLDER` sums up by kind and rule; 0 says that all is as expected."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.corpus", str(OWN)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("edxl-de", "not readable", "R-TIME-ORDER", "disagreements with the oracles (XSD, EXPECTED.tsv): 0"):
        assert words in done.stdout


def _entries(found: Summary) -> list[tuple[Judged, Entry]]:
    return [(one, entry) for one in found.files for entry in one.entries]


def _seconds(raw: bytes) -> float:
    started = time.perf_counter()
    with pytest.raises(Exception, match="S-"):
        read(raw)
    return time.perf_counter() - started
