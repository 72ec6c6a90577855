"""What the sheets for stations' engineers and licensed operators say around the words, in Indonesian and English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Operators:
    """The fixed words of rds.txt, aprs_bln.txt and winlink.txt in one language, in ASCII."""

    licence: str
    rds: tuple[str, ...]
    ta: str
    ta_drill: str
    pty: str
    aprs: tuple[str, ...]
    winlink: str
    subject: str
    begin: str
    finish: str
    cut: str
    left: str
    unreadable: str
    alert: str  # a name of 8 characters at most


OPERATORS: Mapping[str, Operators] = {
    "id": Operators(
        licence="HANYA UNTUK OPERATOR AMATIR RADIO BERIZIN. Sistem ini tidak memancarkan apa pun.",
        rds=(
            "RDS untuk teknisi stasiun. Baris dengan # adalah petunjuk, bukan untuk ditayangkan.",
            "PS: pilihan nama 8 huruf. Standar meminta PS tetap; pakai hanya bila stasiun memutuskan.",
            "RT: RadioText (grup 2A), paling banyak 64 huruf, tayangkan bergantian.",
        ),
        ta="TA=1 HANYA selama pengumuman diudarakan, lalu kembalikan ke 0.",
        ta_drill="TA tetap 0: ini bukan kejadian sebenarnya.",
        pty="PTY tidak diubah: PTY 31 (Alarm) adalah keputusan stasiun dan regulator.",
        aprs=(
            "Periksa dulu dengan kantor penerbit. Kirim apa adanya dengan tanda panggil Anda sendiri.",
            "Yang dikirim hanya baris di antara BEGIN dan END, tanpa tanda # dan tanpa ganti baris.",
        ),
        winlink="Salin teks di antara BEGIN dan END sebagai teks polos. Jangan mengubah isinya.",
        subject="Perihal:",
        begin="# ----- BEGIN / MULAI -----",
        finish="# ----- END / SELESAI -----",
        cut="(Dipotong. Teks lengkap ada dalam paket siaran.)",
        left="PERHATIAN: {count} kalimat tidak muat atau dipotong. Teks lengkap ada dalam naskah.",
        unreadable="Aksara bahasa ini ({language}) tidak dapat ditampilkan di sini. Pakai paket bahasa Indonesia.",
        alert="DARURAT",
    ),
    "en": Operators(
        licence="FOR LICENSED AMATEUR RADIO OPERATORS ONLY. This system transmits nothing.",
        rds=(
            "RDS for the station's engineer. Lines with # are instructions, not to be shown.",
            "PS: names of 8 characters to choose from. The standard wants PS static; it is the station's decision.",
            "RT: RadioText (groups 2A), at most 64 characters, to be shown in turn.",
        ),
        ta="TA=1 ONLY while the bulletin is on air, then back to 0.",
        ta_drill="TA stays 0: this is not a real event.",
        pty="PTY stays as it is: PTY 31 (Alarm) is for the station and its regulator to decide.",
        aprs=(
            "Check with the issuing office first. Send as it is, under your own call sign.",
            "Only the lines between BEGIN and END are sent, without # and without line ends.",
        ),
        winlink="Copy the text between BEGIN and END as plain text. Do not change it.",
        subject="Subject:",
        begin="# ----- BEGIN -----",
        finish="# ----- END -----",
        cut="(Cut short. The whole text is in the radio kit.)",
        left="NOTE: {count} sentences did not fit or were cut. The script has them all.",
        unreadable="The script of this language ({language}) cannot be shown here. Use the kit in another language.",
        alert="ALERT",
    ),
}
