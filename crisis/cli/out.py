"""Where the words of a command go: answers to standard output, everything else to standard error."""

from __future__ import annotations

import json
import sys
import unicodedata
from io import TextIOWrapper
from typing import Any, TextIO

from rich.console import Console, RenderableType

from crisis.errors import BadInput

WIDTH = 120  # columns where no terminal says otherwise
# A resident's text could otherwise move the cursor, recolour or reorder what an officer reads.
_ESCAPED = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))}


def plain(text: object) -> str:
    """Give a text that cannot steer a terminal: control and reordering signs become a replacement sign."""
    return "".join(sign if _harmless(sign) else "\ufffd" for sign in str(text))


def _harmless(sign: str) -> bool:
    return sign in "\n\t" or not (unicodedata.category(sign) == "Cc" or ord(sign) in _ESCAPED)


def console(*, aside: bool = False) -> Console:
    """Give the console for answers, or for what goes beside them."""
    stream = sys.stderr if aside else sys.stdout
    width = None if stream.isatty() else WIDTH
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def show(renderable: RenderableType, *, aside: bool = False) -> None:
    """Print for people."""
    shown = console(aside=aside)
    if isinstance(shown.file, TextIOWrapper):
        shown.file.reconfigure(errors="backslashreplace")  # a terminal that knows ASCII alone still shows the rest
    shown.print(renderable)


def say(text: str, *, aside: bool = False) -> None:
    """Print one line for people, never wrapped."""
    stream = sys.stderr if aside else sys.stdout
    print(_spelt(plain(text), stream), file=stream)


def tell(document: Any, *, line: bool = False) -> None:
    """Print one JSON document, on one line where many follow each other."""
    text = json.dumps(document, ensure_ascii=False, indent=None if line else 2)
    if _spelt(text, sys.stdout) != text:
        text = json.dumps(document, indent=None if line else 2)
    print(text.translate(_ESCAPED), flush=line)


def _spelt(text: str, stream: TextIO) -> str:
    """Give a text that the stream can take: names of files may be any bytes, and a terminal may know ASCII alone."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def confirm(question: str, *, yes: bool) -> None:
    """Return once the officer typed YES; raise BadInput otherwise, and where there is nobody to ask."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise BadInput(f"{plain(question)} There is no terminal to ask at: add --yes to go ahead.")
    print(_spelt(f"{plain(question)} Type YES (YA): ", sys.stderr), end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() not in {"YES", "YA"}:
        raise BadInput("not confirmed: nothing was changed")
