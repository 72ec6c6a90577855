"""What the linter looks for in each language, and the sentences in which it says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from re import Pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """By which words one language shows what a line is about."""

    short: frozenset[str]  # written without a full stop, and no words
    clock: Pattern[str]
    zone: Pattern[str]
    relative: Pattern[str]
    source: Pattern[str]
    help: Pattern[str]
    end: Pattern[str]
    until: Pattern[str]
    over: Pattern[str]  # of a cancel or an all-clear, which holds without an end
    mode: Pattern[str]
    rumour: Pattern[str]


def _any(pattern: str) -> Pattern[str]:
    return re.compile(rf"\b(?:{pattern})", re.IGNORECASE)


SHORT_ID = (
    "jl jln gg telp tlp dll dsb dst dkk s/d s.d yg dgn utk krn sdh blm tdk jgn skrg tgl tsb sbb spt ttg thd kpd pkl "
    "bln thn hub sktr"
)
SHORT_EN = "jl jln gg approx e.g i.e etc vs dept govt mr mrs bldg hwy blvd w/ nr pls thru"
ZONE = r"WIB\b|WITA\b|WIT\b|UTC\b|local time|waktu setempat"
SIGNS: Mapping[str, Signs] = {
    "id": Signs(
        short=frozenset(SHORT_ID.split()),
        clock=_any(r"pukul|jam|pkl|sampai|hingga|[0-2]?\d[.:][0-5]\d"),
        zone=_any(rf"{ZONE}|dini hari|pagi|siang|sore|petang|malam|subuh"),
        relative=_any(r"di sini\b|di situ\b|di sana\b|ke sini\b|ke sana\b|dekat sini\b|tempat ini\b|daerah ini\b"),
        source=_any(r"resmi dari\b|pengumuman dari\b|informasi dari\b|disampaikan oleh\b|dikeluarkan oleh\b"),
        help=_any(r"(?:telepon|hubungi|nomor darurat|lapor|kontak|call center)\b[^.\n]{0,60}(?:\d{3}|satu satu)"),
        end=_any(r"selesai\b|sekian\b|akhir pengumuman\b"),
        until=_any(r"berlaku (?:sampai|hingga)\b|(?:sampai|hingga) (?:dengan )?"
                   r"(?:pukul|jam|tanggal|\d|besok|senin|selasa|rabu|kamis|jumat|sabtu|minggu)"),
        over=_any(r"dibatalkan\b|dicabut\b|berakhir\b|sudah aman\b|telah aman\b|kembali aman\b"),
        mode=_any(r"latihan\b|simulasi\b|uji coba\b|gladi\b"),
        rumour=_any(r"beredar\b|kabar(?: bahwa)?\b|isu\b|hoaks\b|hoax\b|rumor\b|katanya\b|desas-desus\b"),
    ),
    "en": Signs(
        short=frozenset(SHORT_EN.split()),
        clock=_any(r"at|by|until|from|before|after|till|[0-2]?\d:[0-5]\d"),
        zone=re.compile(
            rf"(?i:\b(?:{ZONE})|\d ?[ap]\.?m\b|(?:morning|afternoon|evening|night)\b)|\b[A-Z]{{1,3}}[SD]T\b|\bGMT\b"
        ),
        relative=_any(r"here\b|over there\b|around here\b|nearby\b|this place\b|this area\b"),
        source=_any(r"official\b|announcement from\b|issued by\b|information from\b"),
        help=_any(r"(?:call|phone|dial|telephone|contact|ring)\b[^.\n]{0,60}(?:\d{3}|one one)"),
        end=_any(r"end of\b|that is all\b|message ends\b"),
        until=_any(r"(?:until|till|through|expires|ends at|valid to)\b"),
        over=_any(r"cancelled\b|canceled\b|lifted\b|all clear\b|is over\b|has ended\b|no longer\b|safe again\b"),
        mode=_any(r"exercise\b|drill\b|test\b"),
        rumour=_any(r"rumou?rs?\b|people say\b|it is said\b|hoax\b|reports? (?:that|say)\b|claims?\b"),
    ),
}  # fmt: skip

SAYINGS: Mapping[str, Mapping[str, str]] = {
    "id": {
        "sentence-long": "Kalimat ini {words} kata; pecah menjadi kalimat paling panjang {most} kata.",
        "numbers-many": "Kalimat ini memuat {count} angka; sebut paling banyak {most}, sisanya di kalimat lain.",
        "brackets": "Tanda kurung tidak terdengar; tulis isinya sebagai kalimat sendiri.",
        "address": "Alamat \"{what}\" tidak dapat dicatat pendengar; sebut nomor telepon atau tempat.",
        "digits-unbroken": "Nomor {what} sulit dibaca; tulis berkelompok, misalnya 0812-3456-7890.",
        "abbreviation": "Singkatan \"{what}\" membuat penyiar ragu; tulis \"{full}\".",
        "clock-zone": "Jam tanpa keterangan waktu; tambahkan WIB, atau pagi, siang, sore, malam.",
        "place-relative": "\"{what}\" tidak jelas bagi pendengar radio; sebut nama tempatnya.",
        "source-missing": "Tidak disebut siapa yang berbicara; mulai dengan \"Pengumuman resmi dari ...\".",
        "help-missing": "Tidak ada nomor bantuan; tambahkan nomor yang dapat ditelepon.",
        "end-missing": "Tidak ada penutup; akhiri dengan \"Selesai\".",
        "expiry-missing": "Tidak disebut sampai kapan berlaku; tambahkan tanggal dan jam berakhirnya.",
        "mode-missing": "Di awal tidak disebut bahwa ini bukan sungguhan; mulai dengan \"Latihan\" atau \"Uji coba\".",
        "mode-missing-last": "Di akhir tidak disebut bahwa ini bukan sungguhan; ulangi \"Latihan\" atau \"Uji coba\".",
        "order": "Bagian \"{part}\" datang setelah \"{before}\"; pindahkan ke depannya.",
        "rumour-first": "Kabar yang salah disebut lebih dulu; mulai dengan keadaan yang benar.",
        "too-long": "Sekali baca sekitar {seconds} detik; ringkas sampai {most} detik.",
    },
    "en": {
        "sentence-long": "This sentence has {words} words; split it into sentences of at most {most}.",
        "numbers-many": "This sentence has {count} numbers; say at most {most}, the others in another sentence.",
        "brackets": "Brackets cannot be heard; write what is in them as a sentence of its own.",
        "address": "Listeners cannot write down \"{what}\"; give a telephone number or a place.",
        "digits-unbroken": "The number {what} is hard to read; write it in groups, as 0812-3456-7890.",
        "abbreviation": "The short form \"{what}\" makes an announcer hesitate; write \"{full}\".",
        "clock-zone": "A time without its zone or part of the day; add WIB, or a.m. or p.m.",
        "place-relative": "\"{what}\" means nothing on the radio; name the place.",
        "source-missing": "It does not say who is speaking; begin with \"An official announcement from ...\".",
        "help-missing": "There is no number for help; add one that people can call.",
        "end-missing": "There is no ending; close with \"End of announcement\".",
        "expiry-missing": "It does not say until when it holds; add the date and time when it ends.",
        "mode-missing": "The beginning does not say that this is not real; begin with \"Exercise\" or \"Test\".",
        "mode-missing-last": "The ending does not say that this is not real; say \"Exercise\" or \"Test\" again.",
        "order": "The part \"{part}\" comes after \"{before}\"; move it before that.",
        "rumour-first": "What is false is said first; begin with what is true.",
        "too-long": "One reading takes about {seconds} seconds; shorten it to {most}.",
    },
}  # fmt: skip
