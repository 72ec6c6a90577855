"""Guesses whether a text is Indonesian or English from its everyday words and word shapes."""

from __future__ import annotations

import re
from collections.abc import Collection

from crisis.triage.spelling import SHORT, clean, listed

_WORD = re.compile(r"[a-z]+")
_LONGEST = 200  # words read
_EVERYDAY = {
    "id": listed(
        """
        yang dan di ke dari ini itu untuk dengan pada tidak ada akan saya kami kita anda kamu dia
        mereka apa apakah siapa kapan mana dimana kenapa bagaimana berapa sudah belum masih bisa
        dapat harus boleh juga saja lagi sangat sekali atau tapi tetapi karena kalau jika agar
        supaya oleh dalam luar atas bawah depan belakang dekat rumah air banjir jalan orang warga
        anak ibu bapak pak bu tolong mohon bantu bantuan minta terima kasih selamat pagi siang sore
        malam hari besok kemarin sekarang nanti hujan listrik nomor min ya bukan jangan sampai kirim
        obat makan minum sakit posko pengungsian kapan jam berapa buka tutup aman naik turun surut
        info infonya mau cara lewat adalah seperti lebih banyak semua setiap para tersebut telah
        sebagai antara saat tahun satu dua tiga
        """
    ),
    "en": listed(
        """
        the a an and or of to in on at for from with is are was were be been am do does did have has
        had will would can could should may i you he she we they it me us my your our their this
        that these those what when where who why how which there here not no yes please help need
        want get go going come any some all very now today tomorrow water flood road house school
        open closed thank thanks safe people if but because about into out up down by as more many
        much still again just after before over under more than then so power phone number food
        """
    ),
}
_SHAPES = {
    "id": re.compile(r"nya$|kan$|^meng|^meny|^mem|^pem|^peng|^ber|^ter[^ms]|^ke.+an$|^di[a-z]{4}|^nge|kah$|lah$"),
    "en": re.compile(r"tion|ough|^th|ght|[^aeiou]ed$|.{3}ings?$|ly$|ness$|ment$|wh|sh|ck|ous$|ee|oo|y$|w$"),
}
_SPELT = (
    frozenset(word for word in SHORT if len(word) > 1)
    - _EVERYDAY["en"]
    - {"please", "u", "r", "ppl", "pls", "plz", "isa"}
)


def guess(text: str, default: str, known: Collection[str] = ("id", "en")) -> str:
    """Name the language of the text among `known`; `default` when the text is short or could be either.

    Tells Indonesian (id) from English (en); text in any other language gives `default` or the nearer one.
    """
    words = _WORD.findall(clean(text).casefold())[:_LONGEST]
    scores = sorted(((_score(words, code), code) for code in _EVERYDAY if code in known), reverse=True)
    if not scores:
        return default
    best, code = scores[0]
    next_best = scores[1][0] if len(scores) > 1 else 0.0
    return code if best >= 1.0 and best >= 1.5 * next_best else default


def _score(words: list[str], code: str) -> float:
    score = 0.0
    for word in words:
        if word in _EVERYDAY[code] or (code == "id" and word in _SPELT):
            score += 1.0
        elif len(word) > 3 and _SHAPES[code].search(word):
            score += 0.5
    return score
