"""`crisis radio say`: lines in on standard input, what will be spoken out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.crisis.cli.conftest import surroundings

COMMAND = (sys.executable, "-m", "crisis", "radio", "say")


def said(*arguments: str | Path, given: bytes) -> subprocess.CompletedProcess[bytes]:
    """Run the command with these bytes on its standard input."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=given,
        capture_output=True,
        timeout=60,
        check=False,
        env=surroundings({}),
    )


def test_each_line_is_answered_by_one_line() -> None:
    """An empty line by an empty one, a broken one by what can be said of it."""
    ran = said("--lang", "id", given=b"Pukul 14.30 WIB\n\nTelepon 112\r\n\xff 5 km\nterakhir")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.decode().split("\n") == [
        "pukul setengah tiga sore W I B", "", "Telepon satu satu dua", "lima kilometer", "terakhir", "",
    ]  # fmt: skip


def test_json_gives_one_object_a_line_with_seconds_and_remarks() -> None:
    """For a machine: the line, what is spoken, how long it takes, what to look at."""
    ran = said("--lang", "en", "--json", given=b"Stay here (now).\n\n")
    first, second = (json.loads(line) for line in ran.stdout.splitlines())
    assert first["text"] == "Stay here (now)."
    assert first["spoken"] == "Stay here, now."
    assert 0.5 < first["seconds"] < 2
    assert [remark["rule"] for remark in first["remarks"]] == ["brackets", "place-relative"]
    assert second == {"text": "", "spoken": "", "seconds": 0.0, "remarks": []}


def test_a_line_is_answered_before_the_next_one_comes() -> None:
    """Whoever types, or pipes lines in one by one, need not close the pipe to hear."""
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, "--lang", "id"], stdin=pipe, stdout=pipe, env=surroundings({})) as running:
        assert running.stdin
        assert running.stdout
        for given, want in ((b"112 rumah\n", b"seratus dua belas rumah\n"), (b"5 km\n", b"lima kilometer\n")):
            running.stdin.write(given)
            running.stdin.flush()
            assert running.stdout.readline() == want
        running.stdin.close()
        assert running.wait() == 0


def test_names_of_an_own_table_are_respelt(tmp_path: Path) -> None:
    """Beside ours, and before them."""
    table = tmp_path / "names.tsv"
    table.write_text("Rasau\trasaw\n", "utf-8")
    ran = said("--lang", "id", "--lexicon", table, given=b"Posyandu Rasau\n")
    assert ran.stdout.decode() == "pos yandu rasaw\n"


def test_what_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    """An unknown language, a bad line of a table, a table that is not there: exit 1, nothing on standard output."""
    table = tmp_path / "names.tsv"
    table.write_text("Rasau\n", "utf-8")
    for arguments in (
        ("--lang", "jv"),
        ("--lang", "id", "--lexicon", table),
        ("--lang", "id", "--lexicon", tmp_path / "no"),
    ):
        ran = said(*arguments, given=b"x\n")
        assert (ran.returncode, ran.stdout) == (1, b"")
        assert len(ran.stderr.decode().strip().splitlines()) == 1


def test_a_reader_that_leaves_ends_it_quietly() -> None:
    """`crisis radio say | head -1` shows no traceback."""
    text = b"112 rumah\n" * 20_000
    read, write = os.pipe()
    with subprocess.Popen(
        [*COMMAND, "--lang", "id"], stdin=subprocess.PIPE, stdout=write, stderr=subprocess.PIPE, env=surroundings({})
    ) as running:
        os.close(write)
        os.close(read)
        _, err = running.communicate(text)
    assert b"Traceback" not in err
