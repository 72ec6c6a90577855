"""Lines in on standard input, what a voice will say out: `crisis radio say`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from channels.radio.lexicon import BadLexicon, Lexicon, read, shipped
from channels.radio.lexicon import lexicon as made
from channels.radio.lint import remarks_of, seconds
from channels.radio.spoken import speaker, spoken
from crisis.cli import out
from crisis.errors import BadInput


def say(language: str, *, as_json: bool = False, lexicon: Path | None = None) -> None:
    """Answer each line as it comes with the words a voice will say, one line each; an empty one with an empty one.

    With `as_json` one object a line: text, spoken, seconds, remarks. BadInput for a language or a table that
    cannot be used.
    """
    names = _lexicon(language, lexicon)
    try:
        speaker(language.lower().partition("-")[0])
    except KeyError:
        raise BadInput(f"--lang {language}: there is no table for this language; there are id and en.") from None
    answer = _as_record if as_json else _as_words
    for line in _lines():
        answer(line, language, names)


def _lexicon(language: str, path: Path | None) -> Lexicon:
    try:
        own = read(path).names if path else ()
    except BadLexicon as error:
        raise BadInput(str(error)) from None
    return made((*shipped(language).names, *own))


def _lines() -> Iterator[str]:
    """Give the lines of standard input; bytes that are no UTF-8 are replaced, never refused."""
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        yield from (line.rstrip("\r\n") for line in sys.stdin)
        return
    for raw in stream:
        yield raw.decode("utf-8", "replace").removeprefix("\ufeff").rstrip("\r\n")


def _as_words(line: str, language: str, names: Lexicon) -> None:
    out.say(_said(line, language, names))
    if sys.stdin.isatty() or not sys.stdin.seekable():
        sys.stdout.flush()  # whoever pipes lines in one by one waits for each answer


def _as_record(line: str, language: str, names: Lexicon) -> None:
    said = _said(line, language, names)
    remarks = [{"rule": remark.rule, "says": remark.says} for remark in remarks_of(line, language)]
    out.tell({"text": line, "spoken": said, "seconds": seconds(said, language), "remarks": remarks}, line=True)


def _said(line: str, language: str, names: Lexicon) -> str:
    return spoken(line, language, lexicon=names).replace("\n", " ")
