"""How the names of a kit are said: the lexicon that comes with us, and the office's own after it."""

from __future__ import annotations

from channels.radio.lexicon import BadLexicon, Lexicon, lexicon, read, shipped
from channels.radio.lint import seconds
from channels.radio.order import Order
from channels.radio.script import Line
from channels.radio.spoken import spoken
from channels.radio.tongues import TONGUES

UNKNOWN = "id"  # what a language is timed as that we cannot say: most here are read at its pace


def lexicon_of(order: Order) -> tuple[Lexicon, tuple[str, ...]]:
    """Give the names, and a sentence where the office's own cannot be used: a wrong line silences nobody."""
    ours = shipped(order.bulletin.language)
    if order.lexicon is None:
        return ours, ()
    try:
        return lexicon((*ours.names, *read(order.lexicon).names)), ()
    except BadLexicon as error:
        why = str(error).splitlines()[0].replace(str(order.lexicon), order.lexicon.name)  # a kit is public
        return ours, (f"names are said without the office's own: {why}",)


def aloud(lines: tuple[Line, ...], language: str, names: Lexicon) -> list[str]:
    """Give each line as a voice says it; a language whose numbers we cannot say stays as it is written."""
    known = language.lower().partition("-")[0] in TONGUES
    return [spoken(line.text, language, lexicon=names) if known else line.text for line in lines]


def lasts(lines: tuple[Line, ...], language: str, names: Lexicon) -> float:
    """Tell about how many seconds an announcer reads the lines once, by their syllables."""
    known = language.lower().partition("-")[0] in TONGUES
    return seconds("\n".join(aloud(lines, language, names)), language if known else UNKNOWN)
