"""Words for screens and licensed operators: RDS, APRS bulletins, Winlink and SMS, each within what its medium carries.

Only text is made here. Nothing in this system transmits it: that is for stations and licensed operators.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from channels.radio.bulletin import Bulletin, Office
from channels.radio.frames import frame, marker
from channels.radio.operators import OPERATORS, Operators
from channels.radio.script import moment

PS = 8  # characters of a Programme Service name (IEC 62106)
RADIOTEXT = 64  # of a RadioText in groups 2A
TEXTS = 8  # RadioTexts in turn; more and a listener waits minutes for the one that matters
APRS_TEXT = 67  # of a bulletin (APRS 1.0.1, chapter 14)
BULLETINS = 9  # BLN1 to BLN9
WINLINK = 5120  # octets that a slow HF link still takes
LINES = 3  # of one sentence: a longer one is cut, so that others keep their place

# Where the RDS code tables differ from ASCII, and what APRS keeps for itself.
UNSAFE = {"$": "USD ", "^": "", "`": "'", "~": "-", "|": "/", "{": "(", "}": ")", "\\": "/"}
SPELT = {
    "–": "-", "—": "-", "−": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "…": "...", "•": "-", "·": "-", "×": "x",
    "°": "deg ", "€": "EUR ", "£": "GBP ", "ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D",
    "ł": "l", "Ł": "L", "ı": "i", "ʼ": "'", "≥": ">=", "≤": "<=", "→": "->",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """The texts a medium carries, in order, and how many sentences did not fit or were cut."""

    texts: tuple[str, ...]
    left: int = 0


def plain(text: str) -> str:
    """Write a text in the characters that ASCII, RDS's basic table and APRS share; what has none is left out."""
    spelt = "".join(SPELT.get(sign, sign) for sign in text)
    bare = unicodedata.normalize("NFKD", spelt).encode("ascii", "ignore").decode()
    safe = "".join(UNSAFE.get(sign, sign) for sign in bare)
    return " ".join(re.sub(r"[^\x20-\x7e]", " ", safe).split())


def readable(text: str) -> bool:
    """Tell whether a text survives `plain`: Latin letters do, most other scripts do not."""
    letters = sum(sign.isalpha() for sign in text)
    return not letters or sum(sign.isalpha() for sign in plain(text)) >= 0.9 * letters


def marked(text: str, bulletin: Bulletin) -> str:
    """Put LATIHAN, EXERCISE, UJI or TEST before a text of a drill, unless it begins so; once."""
    mark = marker(bulletin.mode, bulletin.language).rstrip("_")
    if not mark or text.lstrip("*[( ").upper().startswith(mark):
        return text
    return f"{mark}: {text}"


def unmarked(text: str, bulletin: Bulletin) -> str:
    """Take the mark of a drill off the beginning of a text, for where it will stand in the middle of one."""
    mark = marker(bulletin.mode, bulletin.language).rstrip("_")
    return re.sub(rf"^[\s*\[(]*{mark}\b[\s*\])]*[:.\-–—]*\s*", "", text, flags=re.IGNORECASE) if mark else text


def essentials(bulletin: Bulletin, office: Office) -> list[tuple[int, str]]:
    """List what must be told, in the order it is told, each with its rank: the lowest stays when room is short."""
    about, words = bulletin.about, frame(bulletin.language, office.language)
    who = about.agency or office.title
    says = unmarked(bulletin.headline, bulletin)
    told = [(0, says if who.lower() in says.lower() else f"{who}: {says}"), (1, about.area)]
    told += [(2 if first else 6, deed) for first, deed in _ranked(about.do or _sentences(bulletin.script))]
    told += [(7, deed) for deed in about.dont]
    told += [(5, words.help.format(help=about.help_line))] if about.help_line else []
    told += [(4, until(bulletin, office))]
    return [(rank, text.strip()) for rank, text in told if text.strip()]


def until(bulletin: Bulletin, office: Office) -> str:
    """Say how long the bulletin holds; nothing where it ends something, or nobody said how long."""
    words = frame(bulletin.language, office.language)
    held = bulletin.timed and not bulletin.ends
    return moment(words.until, words, bulletin.expires, office.zone) if held else ""


def radiotexts(bulletin: Bulletin, office: Office) -> Fitted:
    """Make the RadioTexts to show in turn, each at most 64 characters, marked and numbered 1/4, 2/4 and so on."""
    room = RADIOTEXT - len(marked("", bulletin)) - len("9/9 ")
    fitted = _fit(essentials(bulletin, office), room, TEXTS)
    count = len(fitted.texts)
    numbered = [f"{n}/{count} {text}" if count > 1 else text for n, text in enumerate(fitted.texts, 1)]
    return Fitted(texts=tuple(marked(text, bulletin) for text in numbered), left=fitted.left)


def station_names(bulletin: Bulletin, office: Office) -> tuple[str, ...]:
    """Offer names of exactly 8 characters to show instead of the station's own; a drill offers its mark alone."""
    if mark := marker(bulletin.mode, bulletin.language).rstrip("_"):
        return (mark[:PS].ljust(PS),)
    who = (bulletin.about.agency or office.title).partition(" ")[0]
    short = [plain(offer).upper() for offer in (bulletin.about.hazard, who, _words(bulletin, office).alert)]
    return tuple(dict.fromkeys(offer.ljust(PS) for offer in short if 0 < len(offer) <= PS))


def rds(bulletin: Bulletin, office: Office) -> str:
    """Lay out the RDS sheet of a station's engineer: names, RadioTexts and the hint for TA; CRLF, ASCII."""
    says = _words(bulletin, office)
    fitted = radiotexts(bulletin, office)
    lines = [f"# {line}" for line in says.rds]
    lines += _warned(bulletin, office, fitted)
    lines += [f"PS={name}" for name in station_names(bulletin, office)]
    lines += [f"RT={text}" for text in fitted.texts]
    # Car radios break into their music for TA: not for a drill.
    lines += [f"# {says.ta}", "TA=1"] if bulletin.mode == "Actual" else [f"# {says.ta_drill}", "TA=0"]
    lines += [f"# {says.pty}"]
    return _crlf(lines)


def group(bulletin: Bulletin) -> str:
    """Name the group of the APRS bulletins, five characters: the mode of a drill, or else the hazard."""
    mark = marker(bulletin.mode, bulletin.language).rstrip("_")
    name = re.sub(r"[^A-Z0-9]", "", (mark or plain(bulletin.about.hazard)).upper())
    return (name or "INFO")[:5].ljust(5)


def bulletins(bulletin: Bulletin, office: Office) -> Fitted:
    """Make the information fields of APRS bulletins: `:BLN1FLOOD:` and at most 67 characters, at most nine."""
    fitted = _fit(essentials(bulletin, office), APRS_TEXT - len(marked("", bulletin)), BULLETINS)
    lines = [f":BLN{n}{group(bulletin)}:{marked(text, bulletin)}" for n, text in enumerate(fitted.texts, 1)]
    return Fitted(texts=tuple(lines), left=fitted.left)


def aprs(bulletin: Bulletin, office: Office) -> str:
    """Lay out the APRS bulletins for a licensed operator; lines with # are not sent. LF: programs read it by line."""
    says = _words(bulletin, office)
    fitted = bulletins(bulletin, office)
    head = [f"# {line}" for line in (says.licence, *says.aprs)]
    return "\n".join([*head, *_warned(bulletin, office, fitted), says.begin, *fitted.texts, says.finish, ""])


def winlink(bulletin: Bulletin, office: Office) -> str:
    """Lay out a plain text for Winlink, 5 KB at most with its fences, cut at a whole line if it must; CRLF."""
    says, about = _words(bulletin, office), bulletin.about
    mode = frame(bulletin.language, office.language).modes.get(bulletin.mode, "")
    told = [mode, f"{about.agency or office.title}: {bulletin.headline}", until(bulletin, office), about.area, ""]
    told += bulletin.reading.splitlines()
    told += [f"- {deed}" for deed in (*about.do, *about.dont) if deed not in bulletin.reading]
    last = [mode, bulletin.link, bulletin.id]
    head = [f"# {line}" for line in (says.licence, says.winlink)]
    subject = f"{says.subject} {marked(bulletin.headline, bulletin)}"[:120]
    return _within([*head, says.begin, subject, ""], told, [*filter(None, last), says.finish], says.cut)


def sms(bulletin: Bulletin) -> str:
    """Give the text that SMS says, marked if it is a drill; one line."""
    return marked(" ".join((bulletin.about.short or bulletin.headline).split()), bulletin) + "\r\n"


def sent(text: str) -> list[str]:
    """Read back what of a sheet for operators is sent: every line but the blank ones and those with #."""
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _words(bulletin: Bulletin, office: Office) -> Operators:
    known = [tag.lower().partition("-")[0] for tag in (bulletin.language, office.language, "id")]
    return next(OPERATORS[tag] for tag in known if tag in OPERATORS)


def _ranked(deeds: Sequence[str]) -> list[tuple[bool, str]]:
    return [(number == 0, deed) for number, deed in enumerate(deeds)]


def _sentences(script: str) -> list[str]:
    return [part for part in re.split(r"(?<=[.!?])\s+(?=[A-Z])|\n", script) if part.strip()]


def _fit(told: Sequence[tuple[int, str]], room: int, most: int) -> Fitted:
    """Wrap sentences to `room` and keep the highest ranked that fit in `most` lines, in the order they are told."""
    if not all(readable(text) for rank, text in told if rank == 0):
        return Fitted(texts=(), left=len(told))  # "Until 23.30" without what is worse than nothing
    kept: dict[int, list[str]] = {}
    left = 0
    for place, text in sorted(((place, text) for place, (_, text) in enumerate(told)), key=lambda one: told[one[0]][0]):
        lines = wrap(plain(text), room) if readable(text) else []
        cut = len(lines) > LINES
        if cut:
            lines = [*lines[: LINES - 1], lines[LINES - 1][: room - 2].rsplit(" ", 1)[0] + ".."]
        if not lines or sum(map(len, kept.values())) + len(lines) > most:
            left += 1
            continue
        kept[place] = lines
        left += cut
    return Fitted(texts=tuple(line for place in sorted(kept) for line in kept[place]), left=left)


def _warned(bulletin: Bulletin, office: Office, fitted: Fitted) -> list[str]:
    says = _words(bulletin, office)
    if not fitted.texts:
        return [f"# {says.unreadable.format(language=bulletin.language)}"]
    return [f"# {says.left.format(count=fitted.left)}"] if fitted.left else []


def _within(head: list[str], told: list[str], last: list[str], cut: str) -> str:
    head, lines, last = ([plain(line) if readable(line) else line for line in part] for part in (head, told, last))
    whole = _crlf([*head, *lines, *last])
    while len(whole.encode("utf-8", "replace")) > WINLINK and lines:
        lines.pop()
        whole = _crlf([*head, *lines, cut, *last])
    return whole


def _crlf(lines: Sequence[str]) -> str:
    return "\r\n".join([*lines, ""])
