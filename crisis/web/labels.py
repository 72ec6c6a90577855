"""The fixed words of the residents' pages, in Indonesian and English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import web

LANGUAGE_NAMES = {
    "id": "Bahasa Indonesia",
    "en": "English",
    "jv": "Basa Jawa",
    "su": "Basa Sunda",
    "ms": "Bahasa Melayu",
    "zh": "中文",
}

_ID = {
    "now": "Peringatan yang berlaku",
    "now_drill": "Latihan yang berlangsung",
    "none": "Tidak ada peringatan yang berlaku saat ini",
    "none_drill": "Tidak ada latihan yang berlangsung saat ini",
    "checked": "Diperiksa {time}",
    "stale": "Daftar ini belum dapat diperbarui sejak {time}. Mungkin ada peringatan yang lebih baru: "
    "dengarkan radio atau telepon {help_line}.",
    "unknown": "Kami belum dapat memeriksa apakah ada peringatan",
    "area": "Wilayah",
    "issued": "Dikeluarkan",
    "until": "Berlaku sampai",
    "next_update": "Kabar berikutnya",
    "source": "Sumber",
    "number": "Nomor peringatan",
    "more": "Baca selengkapnya",
    "all_words": "Isi lengkap",
    "ended_list": "Berakhir dalam 24 jam terakhir",
    "superseded": "Diganti",
    "cancelled": "Dicabut",
    "expired": "Masa berlakunya habis",
    "over": "TIDAK BERLAKU LAGI",
    "newer": "Baca kabar terbaru",
    "cancel": "Peringatan dicabut",
    "all_clear": "Sudah aman",
    "correction": "Ralat",
    "home": "Peringatan",
    "ask": "Tanya petugas",
    "ask_title": "Tanya petugas",
    "exercises": "Latihan",
    "drill": "Ini hanya latihan atau uji coba, bukan kejadian sebenarnya.",
    "to_real": "Lihat peringatan yang sebenarnya",
    "danger": "Nyawa terancam? Telepon",
    "feed": "Umpan CAP (Atom)",
    "cap": "Berkas CAP (XML)",
    "rss": "Umpan CAP (RSS)",
    "code": "Kode",
    "check": "Periksa kode",
    "check_it": "Periksa keaslian peringatan ini",
    "check_title": "Apakah peringatan ini asli?",
    "check_code": "Kode pada peringatan",
    "check_hint": "Setiap peringatan kami memuat kode, misalnya: Kode 12345.",
    "check_send": "Periksa",
    "check_without": "Tidak ada kodenya? Bandingkan dengan daftar ini:",
    "check_digits": "Angka kode ini tidak cocok. Periksa angkanya, lalu coba lagi.",
    "check_no_code": "Ini bukan kode. Tulis angkanya saja, seperti pada peringatan.",
    "check_unknown": "Kami tidak pernah mengirim peringatan dengan kode ini. Jangan sebarkan. "
    "Bila ragu atau nyawa terancam, telepon {help_line}.",
    "check_actual": "Ya, peringatan ini dari kami",
    "check_exercise": "Ini LATIHAN dari kami, bukan kejadian sebenarnya",
    "check_test": "Ini UJI COBA dari kami, bukan kejadian sebenarnya",
    "check_compare": "Bandingkan isinya",
    "check_compare_hint": "Isi yang asli ada di bawah ini. Bila yang Anda terima berbeda, jangan percaya dan jangan "
    "sebarkan; telepon {help_line}.",
    "check_other": "Periksa kode lain",
    "from_whom": "Dari",
    "stands_in_force": "Masih berlaku.",
    "stands_drill": "Latihan atau uji coba ini masih berlangsung.",
    "stands_cancel": "Berlaku: kabar ini mencabut peringatan sebelumnya.",
    "stands_all_clear": "Berlaku: kabar ini menyatakan keadaan sudah aman.",
    "stands_superseded": "TIDAK BERLAKU LAGI: sudah ada kabar yang lebih baru.",
    "stands_cancelled": "TIDAK BERLAKU LAGI: peringatan ini sudah dicabut atau dinyatakan aman.",
    "stands_expired": "TIDAK BERLAKU LAGI: masa berlakunya habis.",
    "languages": "Bahasa",
    "skip": "Langsung ke isi",
    "question": "Pertanyaan atau laporan Anda",
    "question_hint": "Tulis apa yang terjadi dan di mana (kampung, RT/RW). Paling banyak {most} huruf. "
    "Nama Anda tidak diminta.",
    "answer_in": "Jawab dalam",
    "send": "Kirim",
    "empty": "Pertanyaan masih kosong: tulislah, lalu kirim lagi.",
    "too_long": "Pertanyaan ini {given} huruf; paling banyak {most}. Pendekkan, lalu kirim lagi.",
    "too_many": "Terlalu banyak pertanyaan dari sambungan ini. Coba lagi dalam 10 menit. "
    "Bila nyawa terancam, telepon {help_line} sekarang.",
    "bad_form": "Formulir ini tidak dapat dibaca. Buka halaman Tanya petugas dan kirim lagi.",
    "asked": "Pertanyaan Anda",
    "sent_at": "Dikirim {time}",
    "waiting": "Petugas akan menjawab di halaman ini. Halaman ini membaca ulang sendiri setiap 15 detik.",
    "answered": "Sudah dijawab.",
    "closed": "Selesai.",
    "keep": "Simpan alamat halaman ini; jawabannya hanya ada di sini.",
    "answers": "Jawaban",
    "by_officer": "Petugas",
    "by_playbook": "Jawaban otomatis",
    "again": "Tanya lagi",
    "no_alert": "Peringatan ini tidak ada.",
    "no_question": "Tidak ada pertanyaan di alamat ini. Periksa alamatnya, atau tanya lagi.",
    "no_file": "Berkas ini tidak ada.",
    "aired_title": "Kapan disiarkan?",
    "aired_thanks": "Terima kasih, sudah kami catat",
    "aired_station": "Stasiun",
    "aired_record": "Tercatat disiarkan",
    "aired_code": "Kode pada lembar tanda terima",
    "aired_hint": "Stasiun yang terdaftar menerima kode sendiri di setiap paket, 16 huruf dan angka. Belum terdaftar, "
    "atau tidak ada kodenya? Telepon kantor kami.",
    "aired_next": "Lanjut",
    "aired_at": "Tanggal dan jam siar ({zone})",
    "aired_by": "Nama yang melaporkan",
    "aired_send": "Laporkan",
    "aired_again": "Laporkan siaran lain",
    "aired_unknown": "Tidak ada siaran dengan kode ini. Periksa kode pada lembar tanda terima, atau telepon kami.",
    "aired_no_time": "Jamnya tidak terbaca. Tulis tanggal dan jam, misalnya 21/11/2026 21.35.",
    "aired_ahead": "Jam itu belum tiba. Tulis kapan peringatan ini disiarkan.",
    "aired_before": "Peringatan ini baru dikirim {sent}. Tulis kapan disiarkan sesudah itu.",
    "aired_no_name": "Tulis nama yang melaporkan, paling banyak 80 huruf.",
    "aired_too_many": "Terlalu banyak laporan dari sambungan ini. Coba lagi dalam 10 menit, atau telepon kantor kami.",
    "aired_bad_form": "Formulir ini tidak dapat dibaca. Buka lagi tautan pada lembar tanda terima.",
    "unready": "Halaman ini belum dapat dibaca. Coba lagi sebentar. Bila nyawa terancam, telepon {help_line}.",
}
_EN = {
    "now": "Alerts in force",
    "now_drill": "Exercises going on",
    "none": "No alert is in force right now",
    "none_drill": "No exercise is going on right now",
    "checked": "Checked {time}",
    "stale": "This list could not be renewed since {time}. There may be newer alerts: listen to the radio "
    "or call {help_line}.",
    "unknown": "We cannot check just now whether there is an alert",
    "area": "Area",
    "issued": "Issued",
    "until": "Valid until",
    "next_update": "Next update",
    "source": "Source",
    "number": "Alert number",
    "more": "Read all",
    "all_words": "Full text",
    "ended_list": "Ended in the last 24 hours",
    "superseded": "Replaced",
    "cancelled": "Withdrawn",
    "expired": "Expired",
    "over": "NO LONGER IN FORCE",
    "newer": "Read the latest",
    "cancel": "Alert withdrawn",
    "all_clear": "All clear",
    "correction": "Correction",
    "home": "Alerts",
    "ask": "Ask an officer",
    "ask_title": "Ask an officer",
    "exercises": "Exercises",
    "drill": "This is only an exercise or a test, not a real emergency.",
    "to_real": "See the real alerts",
    "danger": "Life in danger? Call",
    "feed": "CAP feed (Atom)",
    "cap": "CAP file (XML)",
    "rss": "CAP feed (RSS)",
    "code": "Code",
    "check": "Check a code",
    "check_it": "Check that this alert is real",
    "check_title": "Is this alert real?",
    "check_code": "Code on the alert",
    "check_hint": "Every alert of ours carries a code, for example: Code 12345.",
    "check_send": "Check",
    "check_without": "It has no code? Compare it with this list:",
    "check_digits": "The digits of this code do not match. Check the digits and try again.",
    "check_no_code": "This is not a code. Write only its digits, as on the alert.",
    "check_unknown": "We have not sent an alert with this code. Do not pass it on. "
    "If in doubt, or if a life is in danger, call {help_line}.",
    "check_actual": "Yes, this alert is ours",
    "check_exercise": "This is an EXERCISE of ours, not a real emergency",
    "check_test": "This is a TEST of ours, not a real emergency",
    "check_compare": "Compare the words",
    "check_compare_hint": "The true words are below. If what you received is different, do not believe it and do not "
    "pass it on; call {help_line}.",
    "check_other": "Check another code",
    "from_whom": "From",
    "stands_in_force": "It is in force.",
    "stands_drill": "This exercise or test is going on.",
    "stands_cancel": "In force: it withdraws an earlier alert.",
    "stands_all_clear": "In force: it gives the all-clear.",
    "stands_superseded": "NO LONGER IN FORCE: there is newer word.",
    "stands_cancelled": "NO LONGER IN FORCE: it was withdrawn, or the all-clear was given.",
    "stands_expired": "NO LONGER IN FORCE: it has expired.",
    "languages": "Languages",
    "skip": "Skip to content",
    "question": "Your question or report",
    "question_hint": "Say what is happening and where (village, RT/RW). At most {most} characters. "
    "We do not ask for your name.",
    "answer_in": "Answer in",
    "send": "Send",
    "empty": "The question is empty: write it, then send again.",
    "too_long": "This question has {given} characters; the most is {most}. Shorten it, then send again.",
    "too_many": "Too many questions from this connection. Try again in 10 minutes. "
    "If a life is in danger, call {help_line} now.",
    "bad_form": "This form cannot be read. Open the page Ask an officer and send again.",
    "asked": "Your question",
    "sent_at": "Sent {time}",
    "waiting": "An officer will answer on this page. It reads itself again every 15 seconds.",
    "answered": "Answered.",
    "closed": "Closed.",
    "keep": "Keep the address of this page; the answer is only here.",
    "answers": "Answers",
    "by_officer": "Officer",
    "by_playbook": "Automatic answer",
    "again": "Ask again",
    "no_alert": "There is no such alert.",
    "no_question": "There is no question at this address. Check the address, or ask again.",
    "no_file": "There is no such file.",
    "aired_title": "When was it on air?",
    "aired_thanks": "Thank you, we have noted it",
    "aired_station": "Station",
    "aired_record": "On record as aired",
    "aired_code": "Code on the receipt",
    "aired_hint": "Registered stations get a code of their own in each kit, 16 letters and digits. Not registered, or "
    "no code? Call our office.",
    "aired_next": "Go on",
    "aired_at": "Day and time on air ({zone})",
    "aired_by": "Name of who reports",
    "aired_send": "Report",
    "aired_again": "Report another airing",
    "aired_unknown": "There is no broadcast with this code. Check the code on the receipt, or call us.",
    "aired_no_time": "The time cannot be read. Write day and time, for example 21/11/2026 21:35.",
    "aired_ahead": "That time is still to come. Write when this alert was on air.",
    "aired_before": "This alert was sent only on {sent}. Write when it was on air after that.",
    "aired_no_name": "Write the name of who reports, in at most 80 characters.",
    "aired_too_many": "Too many reports from this connection. Try again in 10 minutes, or call our office.",
    "aired_bad_form": "This form cannot be read. Open the link on the receipt again.",
    "unready": "This page cannot be read just now. Try again shortly. If a life is in danger, call {help_line}.",
}
_BY_LANGUAGE = {"id": _ID, "en": _EN}


def labels(language: str) -> Mapping[str, str]:
    """Give the fixed words in a language; one that has none of its own gets the Indonesian ones."""
    return _BY_LANGUAGE.get(language, _ID)


def label_language(language: str) -> str:
    """Tell in which language labels() answers."""
    return language if language in _BY_LANGUAGE else "id"


def choose_language(request: web.Request, known: Sequence[str]) -> str:
    """Choose by ?lang=, then by Accept-Language (RFC 9110 section 12.5.4), then the first known."""
    wanted = request.query.get("lang", "")
    return wanted if wanted in known else accepted(request.headers.get("Accept-Language", ""), known)


def accepted(header: str, known: Sequence[str]) -> str:
    """Give the known language a browser likes best, by primary tag; the first known when it likes none."""
    liked: list[tuple[float, int, str]] = []
    for at, part in enumerate(header[:500].split(",")):
        name, _, weight = part.partition(";q=")
        tag = name.strip().lower().partition("-")[0]
        tag = "id" if tag == "in" else tag  # what old Android still calls Indonesian
        if tag in known:
            liked.append((-_weight(weight), at, tag))
    return min(liked)[2] if liked else known[0]


def _weight(text: str) -> float:
    try:
        return float(text or 1)
    except ValueError:
        return 0.0
