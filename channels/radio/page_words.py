"""What the listening page says, in Indonesian and English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWords:
    """The fixed words of the page in one language; `titles` and `uses` by role."""

    tag: str
    until: str
    ended: str
    listen: str
    no_sound: str
    synthetic: str
    human: str
    captions: str
    script: str
    twice: str
    screens: str
    sms: str
    rds: str
    paper: str
    card: str
    sheets: str
    read_back: str
    read_back_why: str
    missing: str
    complete: str
    link: str
    number: str
    length: str
    skip: str
    titles: Mapping[str, str]
    uses: Mapping[str, str]


PAGE: Mapping[str, PageWords] = {
    "id": PageWords(
        tag="id",
        until="Berlaku sampai",
        ended="Peringatan ini mengakhiri yang sebelumnya.",
        listen="Dengarkan dan putar",
        no_sound="Paket ini tanpa suara: bacakan naskah di bawah.",
        synthetic="Suara buatan komputer",
        human="Suara manusia",
        captions="Teks suara",
        script="Naskah siaran",
        twice="Baca dua kali, pelan dan jelas.",
        screens="Teks untuk layar",
        sms="SMS",
        rds="RadioText (RDS), bergantian",
        paper="Untuk dicetak",
        card="Kartu peringatan",
        sheets="Berkas untuk teknisi",
        read_back="Laporkan bahwa sudah mengudara",
        read_back_why="Kantor hanya menghitung siaran yang Anda laporkan: jam berapa, oleh siapa, berapa kali.",
        missing="Yang tidak ada dalam paket ini",
        complete="Paket ini lengkap.",
        link="Halaman resmi peringatan ini",
        number="Nomor",
        length="{minutes} menit {seconds} detik",
        skip="Langsung ke isi",
        titles={
            "mp3": "MP3", "opus": "Pesan suara (Opus)", "amr": "Telepon sederhana (AMR)",
            "loudspeaker_mp3": "Pengeras suara", "loop": "Putaran 15 menit", "wav": "Stasiun: WAV siaran (BWF)",
            "mp2": "Stasiun: MP2", "flac": "Arsip: FLAC", "stem": "Hanya suara, tanpa pembuka",
            "readme": "Baca dahulu", "script": "Naskah siaran", "loudspeaker": "Naskah pengeras suara",
            "questions": "Tanya jawab", "poster": "Poster A4", "script_text": "Naskah (teks)", "rds": "RDS",
            "aprs": "Buletin APRS", "winlink": "Winlink", "sms": "SMS", "setup": "Pemasangan di stasiun",
            "receipt": "Tanda terima", "cap": "Peringatan CAP", "rdxml": "Rivendell (RDXML)",
            "m3u8": "Daftar putar M3U8", "xspf": "Daftar putar XSPF", "manifest": "Daftar isi paket",
        },
        uses={
            "mp3": "Untuk diputar siapa saja, di mana saja.", "opus": "Kecil; untuk grup percakapan.",
            "amr": "Untuk telepon lama, kartu memori atau Bluetooth.",
            "loudspeaker_mp3": "Setengah menit, untuk masjid, balai desa dan mobil keliling.",
            "loop": "Pembuka, pengumuman dan jeda berulang; tinggal diputar.",
            "wav": "Untuk otomasi siaran; memuat waktu mulai dan selesai. -23 LUFS.",
            "mp2": "Untuk perangkat siaran lama.", "flac": "Tanpa kehilangan mutu.",
            "stem": "Untuk penyiar yang memakai pembuka milik stasiun.",
            "aprs": "Hanya operator berizin.", "winlink": "Hanya operator berizin.",
        },
    ),
    "en": PageWords(
        tag="en",
        until="In force until",
        ended="This ends the earlier warning.",
        listen="Listen and play",
        no_sound="This kit has no sound: read the script below aloud.",
        synthetic="A computer's voice",
        human="A human voice",
        captions="Captions",
        script="Radio script",
        twice="Read twice, slowly and clearly.",
        screens="Text for screens",
        sms="SMS",
        rds="RadioText (RDS), in turn",
        paper="To print",
        card="Alert card",
        sheets="Files for engineers",
        read_back="Report that it has aired",
        read_back_why="The office counts only what you report: when, by whom, how many times.",
        missing="What this kit lacks",
        complete="This kit is complete.",
        link="The official page of this alert",
        number="Number",
        length="{minutes} min {seconds} s",
        skip="Skip to content",
        titles={
            "mp3": "MP3", "opus": "Voice note (Opus)", "amr": "Feature phone (AMR)",
            "loudspeaker_mp3": "Loudspeaker", "loop": "15-minute loop", "wav": "Station: broadcast WAV (BWF)",
            "mp2": "Station: MP2", "flac": "Archive: FLAC", "stem": "Voice alone, no bell",
            "readme": "Read first", "script": "Radio script", "loudspeaker": "Loudspeaker script",
            "questions": "Questions and answers", "poster": "A4 poster", "script_text": "Script (text)", "rds": "RDS",
            "aprs": "APRS bulletins", "winlink": "Winlink", "sms": "SMS", "setup": "Setting up at the station",
            "receipt": "Receipt", "cap": "CAP alert", "rdxml": "Rivendell (RDXML)",
            "m3u8": "M3U8 playlist", "xspf": "XSPF playlist", "manifest": "List of contents",
        },
        uses={
            "mp3": "For anyone to play anywhere.", "opus": "Small; for chat groups.",
            "amr": "For old phones, memory cards or Bluetooth.",
            "loudspeaker_mp3": "Half a minute, for a mosque, a village hall or a loudspeaker van.",
            "loop": "Bell, bulletin and pause, again and again: just play it.",
            "wav": "For broadcast automation; holds start and end. -23 LUFS.",
            "mp2": "For older broadcast equipment.", "flac": "No loss of quality.",
            "stem": "For announcers with a jingle of their own.",
            "aprs": "Licensed operators only.", "winlink": "Licensed operators only.",
        },
    ),
}  # fmt: skip
