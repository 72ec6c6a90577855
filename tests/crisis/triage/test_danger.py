"""A life at risk is seen in the words residents use; ordinary mail is left alone."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest

from crisis.triage.danger import judge

SEED = 20


@pytest.mark.parametrize(
    "text",
    [
        "TOLONG", "tolonggg!!!", "SOS", "s\u200bos", "tulung", "help help", "tolong kami", "mayday mayday",
        "tlg kejebak d rmh gk bs kluar air sdh sedada",
        "anak saya hanyut di kali", "adik tenggelam, cepat!", "air sudah 1,5m di rumah kami",
        "kami di atap, air naik terus", "istri mau melahirkan jalan putus banjir", "bapak pingsan di pengungsian",
        "ibu sesak nafas, banjir, ambulan ga bisa masuk", "3 orang tertimbun longsor", "tetangga tersetrum",
        "kebakaran, masih ada orang di dalam", "nenek lumpuh, air masuk rumah dan naik",
        "ibu hamil terjebak banjir di lantai 2", "tanggul jebol!", "mbahku kejebak neng omah, banyune wis sak dodo",
        "tulungan, pun bapa teu tiasa kaluar, caah", "kamek tejebak, aek dah sampai dade, ndak bise keluar",
        "we are trapped on the roof, water rising", "my son was swept away by the flood",
        "someone is under the rubble, we hear voices", "saya mau bunuh diri",
        "bukan latihan, kami terjebak banjir tolong", "ini bukan simulasi! orang tertimbun longsor, tolong cepat",
        "sudah dievakuasi tapi nenek masih terjebak di dalam rumah, banjir",
        "tidak ada bantuan, kami terjebak banjir di atap", "tnggelam 2 org di sungai",
        "saya aman, tetangga terjebak banjir di hotel", "kami terjebak banjir di hotel melawi",
        "kejbak banjir, bayi kedinginan tlg",
    ],
)  # fmt: skip
def test_a_life_at_risk_is_urgent_and_says_why(text: str) -> None:
    """Formal, SMS, Javanese, Sundanese, Pontianak Malay and English words all reach the duty officer."""
    danger = judge(text)
    assert danger.urgent
    assert danger.reasons


@pytest.mark.parametrize(
    "text",
    [
        "", "1", "YA", "terima kasih", "posko terdekat dimana", "kapan bantuan datang", "air PAM mati",
        "tidak ada korban jiwa", "tidak ada warga yang terjebak banjir", "no one is trapped by the flood",
        "besok latihan evakuasi, ada peran korban tertimbun", "nonton film titanic, sedih pas jack tenggelam",
        "macet, terjebak 3 jam di tol karena banjir", "semua keluarga sudah dievakuasi, kami aman",
        "banjir semata kaki di depan ruko", "genangan 20 cm", "apakah benar tanggul jebol?",
        "tolong perbaiki drainase di gang kami, tiap hujan banjir", "aku tenggelam dalam rindu",
        "kantor 5 meter dari sini",
        "bagaimana cara menolong orang tenggelam", "dokumen hanyut waktu banjir", "tips kalau terjebak kebakaran",
    ],
)  # fmt: skip
def test_ordinary_mail_is_not_urgent(text: str) -> None:
    """Thanks, questions, complaints, drills, films and what is said not to be do not wake anyone."""
    assert not judge(text).urgent


def _load(path: Path) -> list[dict[str, object]]:
    if not path.exists():
        pytest.skip(f"no {path}")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _measure(rows: list[dict[str, object]], label: str) -> tuple[float, float, float]:
    flags = [(judge(str(row["text"])).urgent, bool(row[label])) for row in rows]
    right = flags.count((True, True))
    flagged = sum(flag for flag, _ in flags)
    return right / max(flagged, 1), right / sum(truth for _, truth in flags), flagged / len(flags)


def test_flood_reports_with_danger_are_found_in_third_party_texts(samples: Path) -> None:
    """At least 85 of 100 dangerous reports are flagged, at a precision over .30, flagging at most 7 of 100.

    The rules were tuned in sight of these texts: the figures are optimistic.
    """
    precision, recall, flagged = _measure(_load(samples / "inbound" / "petabencana_danger_dev.jsonl"), "danger")
    print(f"flood reports: P {precision:.3f} R {recall:.3f} flagged {flagged:.3f}")
    assert (recall >= 0.85, precision >= 0.30, flagged <= 0.07) == (True, True, True)


@pytest.mark.parametrize("half", ["tune", "hold"])
def test_written_cries_for_help_are_told_from_ordinary_texts(samples: Path, half: str) -> None:
    """Both halves of the written texts keep a precision of .75; the author saw both, so neither is held out."""
    rows = _load(samples / "inbound" / "synthetic_life_dev.jsonl")
    random.Random(SEED).shuffle(rows)
    middle = len(rows) // 2
    precision, recall, _ = _measure(rows[:middle] if half == "tune" else rows[middle:], "life")
    print(f"written, {half}, seed {SEED}: P {precision:.3f} R {recall:.3f}")
    assert (precision >= 0.75, recall >= 0.70) == (True, True)


def _chatter(samples: Path) -> list[str]:
    path = samples / "inbound" / "smsa_valid.tsv"
    if not path.exists():
        pytest.skip(f"no {path}")
    return [line.split("\t")[0] for line in path.read_text(encoding="utf-8").splitlines()]


def test_chatter_seldom_wakes_an_officer(samples: Path) -> None:
    """At most 2 of 100 reviews and tweets are flagged."""
    texts = _chatter(samples)
    flagged = sum(judge(text).urgent for text in texts) / len(texts)
    print(f"chatter: {flagged:.4f} of {len(texts)} flagged")
    assert flagged <= 0.02


def test_a_flood_of_texts_is_judged_in_time() -> None:
    """Five thousand short texts take under a second of processor time, and a huge one is no trap."""
    texts = [
        "tlg kejebak d rmh gk bs kluar, air sdh naik terus, ada bayi",
        "kapan bantuan beras dibagikan di rw 02 ya min",
    ]
    begin = time.process_time()
    for text in texts * 2500:
        judge(text)
    assert time.process_time() - begin < 1
    begin = time.process_time()
    judge("a" * 1_000_000)
    judge("tidak bisa " * 100_000)
    assert time.process_time() - begin < 1
