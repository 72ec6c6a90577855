"""Reads what BMKG's free text says of a tsunami: yes, no or unknown, never the opposite of what it says.

The sentences were seen in real feeds ("Tidak berpotensi tsunami", "Gempa ini dirasakan untuk diteruskan
pada masyarakat") or are from memory ("Berpotensi TSUNAMI untuk diteruskan pada masyarakat").
"""

from __future__ import annotations

import re
import unicodedata
from difflib import get_close_matches

CLAUSE = re.compile(r"[.;!?,()]|\b(?:dan|serta|tetapi|tapi|namun|melainkan|sehingga|and|but)\b")
DENIAL = r"\b(?:tidak\w*|tdk|tak|bukan|tanpa|nihil|no|not|non|without)\b"
DENIES = re.compile(DENIAL)
# Only these words may stand between the denial and the tsunami: "tidak dirasakan, berpotensi tsunami" denies nothing.
DENIED = re.compile(
    DENIAL + r"(?:\W+(?:ada|adanya|akan|dapat|berpotensi|potensi|potensial|berpeluang|menimbulkan|memicu|mengakibatkan"
    r"|membangkitkan|terjadi|terjadinya|untuk|memiliki|mempunyai|ancaman|bahaya|gelombang|peringatan|dini|status"
    r"|potential|to|generate|threat|warning|of|a|expected))*\W*"
)
ANSWERED_NO = re.compile(
    r"\W*(?:(?:tidak|tdk|tak)(?: (?:ada|terjadi|terdeteksi|terbentuk|berpotensi))?(?: (?:potensi|ancaman))?"
    r"|nihil|no|none)\W*"
)
UNSURE = re.compile(
    r"\b(?:belum|dipastikan|diketahui|evaluasi|menunggu|jika|bila|apabila|kalau|berakhir|dicabut|dibatalkan"
    r"|diakhiri|ended|cancel\w*|simulasi|latihan|uji|drill|exercise|test|hoa[kx]s?)\b"
)
MAYBE = re.compile(r"\b(?:mungkin|kemungkinan)\b")
WARNS = re.compile(
    r"potensi|mungkin|peringatan|ancaman|waspada|siaga|awas|bahaya|picu|timbul|bangkit|jadi|deteksi|warn|potent"
)
LONGEST = 4000  # characters


def tsunami(potential: str) -> str:
    """Say "yes", "no" or "unknown" of the words, by clauses; a denial counts only before the word tsunami.

    One clause that warns outweighs any that denies. What ended, what is a drill, what may turn out
    either way and what cannot be parsed is unknown: an officer reads the words themselves.
    """
    text = " ".join(unicodedata.normalize("NFKC", potential[:LONGEST]).casefold().split())
    clauses = CLAUSE.split(text)
    found = [
        _clause(clause, after) for clause, after in zip(clauses, [*clauses[1:], ""], strict=True) if "tsunami" in clause
    ]
    for answer in ("yes", "unknown", "no"):
        if answer in found:
            return answer
    return "unknown"


def _clause(clause: str, after: str) -> str:
    before, _, behind = clause.partition("tsunami")
    denies = DENIES.search(before)
    if ANSWERED_NO.fullmatch(behind) or ANSWERED_NO.fullmatch(after):
        return "no"
    if UNSURE.search(clause) or (denies and MAYBE.search(clause)):
        return "unknown"
    if denies:
        return "no" if DENIED.fullmatch(before, denies.start()) else "unknown"
    if get_close_matches("tidak", before.split(), n=1, cutoff=0.75):
        return "unknown"  # a slip of the pen must turn a denial into doubt, not into a warning
    return "yes" if WARNS.search(clause) else "unknown"
