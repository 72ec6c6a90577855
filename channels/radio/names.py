"""The names of a kit's files, in the language of its readers; one place, so that sheets, feed and checks agree."""

from __future__ import annotations

from collections.abc import Mapping

# Role -> path below the kit's folder. {mark} is LATIHAN_, EXERCISE_ ... or nothing; {stem} names the bulletin.
ID: Mapping[str, str] = {
    "readme": "{mark}00_BACA-DULU.pdf",
    "script": "{mark}01_naskah_siaran_{language}.pdf",
    "loudspeaker": "{mark}02_naskah_pengeras_suara.pdf",
    "questions": "{mark}03_tanya_jawab.pdf",
    "poster": "{mark}poster_A4.pdf",
    "card": "{mark}card_1080x1350.png",
    "alt": "{mark}card_alt.txt",
    "script_text": "text/{mark}naskah.txt",
    "page": "{mark}dengarkan.html",
    "rds": "text/{mark}rds.txt",
    "aprs": "text/{mark}aprs_bln.txt",
    "sms": "text/{mark}sms.txt",
    "winlink": "text/{mark}winlink.txt",
    "wav": "audio/{mark}{stem}_bwf_-23LUFS.wav",
    "mp2": "audio/{mark}{stem}_mp2_256k.mp2",
    "mp3": "audio/{mark}{stem}_podcast_-16LUFS.mp3",
    "flac": "audio/{mark}{stem}_-23LUFS.flac",
    "opus": "audio/{mark}{stem}_voicenote.ogg",
    "amr": "audio/{mark}{stem}_hp.amr",
    "loop": "audio/{mark}{stem}_loop15min.mp3",
    "loudspeaker_mp3": "audio/{mark}{stem}_pengeras_suara.mp3",
    "stem": "audio/{mark}{stem}_stem_voice_only.wav",
    "captions": "{mark}captions.vtt",
    "m3u8": "{mark}playlist.m3u8",
    "xspf": "{mark}playlist.xspf",
    "cap": "alert.cap.xml",
    "rdxml": "audio/{mark}{stem}_bwf_-23LUFS.xml",
    "setup": "STATION-SETUP.txt",
    "receipt": "RECEIPT.txt",
    "manifest": "manifest.json",
    "sums": "SHA256SUMS",
    "signature": "SHA256SUMS.minisig",
}
EN: Mapping[str, str] = {
    **ID,
    "readme": "{mark}00_READ-FIRST.pdf",
    "script": "{mark}01_script_{language}.pdf",
    "loudspeaker": "{mark}02_loudspeaker_script.pdf",
    "questions": "{mark}03_questions_and_answers.pdf",
    "script_text": "text/{mark}script.txt",
    "page": "{mark}listen.html",
    "loudspeaker_mp3": "audio/{mark}{stem}_loudspeaker.mp3",
}

# Written after all else and sent last: whoever sees the sums sees a whole kit.
CLOSING = ("manifest", "sums", "signature")

# Languages of the archipelago, whose readers read Indonesian too.
NEIGHBOURS = frozenset(
    ["id", "jv", "jw", "su", "ms", "mad", "ban", "min", "bug", "ace", "bjn", "sas", "bew", "btk", "nia", "gor", "mak"]
)


def named(role: str, *, language: str, mark: str, stem: str) -> str:
    """Name the file of a role below the kit's folder, with forward slashes; KeyError for a role there is not."""
    primary = language.lower().partition("-")[0]
    names = ID if primary in NEIGHBOURS else EN
    return names[role].format(mark=mark, stem=stem, language=primary)
