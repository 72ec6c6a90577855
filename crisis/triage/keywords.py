"""Reads a whole text as a command (STOP, DAFTAR, INFO, CEK 12345, a keypad digit), or says that it is none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from crisis.triage.danger import judge
from crisis.triage.spelling import clean, listed


class Kind(StrEnum):
    """What the resident asks of the service itself."""

    STOP = "stop"  # send me nothing more
    STOP_HINT = "stop_hint"  # seems to mean STOP: not obeyed, answered with how to
    JOIN = "join"  # send me alerts; the argument names an area, if given
    HELP = "help"  # the menu, whose first choice is an emergency
    CHECK = "check"  # is this alert yours? the argument is its code
    CHOICE = "choice"  # a digit of the keypad or its name; the argument is the digit


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command and what follows it, as the resident wrote it."""

    kind: Kind
    argument: str = ""


_EXACT = {
    Kind.STOP: "stop berhenti unreg unsubscribe quit cancel end",
    Kind.JOIN: "start daftar reg",
    Kind.HELP: "help info bantuan menu",
}
_KIND_OF = {word: kind for kind, words in _EXACT.items() for word in words.split()}
_DIGITS = ("nol", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan")
_DIGIT_OF = {name: str(digit) for digit, name in enumerate(_DIGITS)} | {str(digit): str(digit) for digit in range(10)}

_STOPPING = listed(
    "stop stopp stopall setop berhenti brenti berenti unreg unsubscribe unsub quit optout mandeg mandheg eureun"
)
_COURTESY = listed(
    "please pls plz tolong tlg mohon mhn minta coba dong donk ya yaa yah pak bu bapak ibu min admin mas"
    " mbak kak saya sy aku gue mau ingin pengen sms pesan kirim mengirim kirimi langganan berlangganan"
    " notif notifikasi lagi semua ini itu all now me my messages message texts text sms sending send to i"
    " want wish the these alerts alert from aja saja sekarang skrg thanks makasih terima kasih opt out it"
    " ok oke jangan dulu"
)
_NOT_AREA = listed(
    "apa apakah bagaimana gimana gmn cara dimana dmn mana kapan siapa berapa kenapa syarat bantuan bansos"
    " sembako relawan vaksin sekolah pelatihan evakuasi donasi online ulang hadir hitam how what where"
    " when why can is for"
)
_AROUND = re.compile(r"^[\W_]+|[\W_]+$")  # marks, quotes and emoji that people and phones put around a word
_MOST_AREA_WORDS = 6
_CODE = re.compile(r"(?:cek|check|kode|code|periksa)(?: (?:kode|code))?[\W_]*(\d(?:[\W_]*\d){2,})")


def command(text: str) -> Command | None:
    """Read the text as a command, or return None if it is anything else.

    The whole text must be the word, in any case, with any marks around it; only JOIN takes words after
    it, and CHECK a code. "STOP PLEASE" is a STOP_HINT. TOLONG and SOS are danger and BATAL is for an
    officer: never commands.
    """
    said = _AROUND.sub("", clean(text))
    low = said.casefold()
    if kind := _KIND_OF.get(low):
        asks = kind is Kind.STOP and "?" in text
        return Command(kind=Kind.STOP_HINT if asks else kind)
    if digit := _DIGIT_OF.get(low):
        return Command(kind=Kind.CHOICE, argument=digit)
    if code := _CODE.fullmatch(low):
        return Command(kind=Kind.CHECK, argument=code[1])
    words = low.split()
    if words and _KIND_OF.get(words[0]) is Kind.JOIN:
        return _join(said, "?" in text)
    if words and _means_stop([_AROUND.sub("", word) for word in words]):
        return Command(kind=Kind.STOP_HINT)
    return None


def _join(said: str, asks: bool) -> Command | None:
    area = said.split(maxsplit=1)[1].strip()
    words = area.casefold().split()
    if asks or not 1 <= len(words) <= _MOST_AREA_WORDS or not _NOT_AREA.isdisjoint(words):
        return None
    if judge(said).urgent:
        return None
    return Command(kind=Kind.JOIN, argument=area)


def _means_stop(words: list[str]) -> bool:
    stopping = any(word in _STOPPING for word in words) or "opt out" in " ".join(words)
    return stopping and all(word in _STOPPING or word in _COURTESY for word in words if word)
