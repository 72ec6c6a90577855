"""A radio kit of a minute's bulletin in a warm press: paper, first sound, every format; beside ffmpeg's sound chain.

ffmpeg levels the same speech in two passes (loudnorm, EBU R 128) and encodes it to the same formats, one after the
other as a station's script does. It prints no paper and reads no words; its time is that of the sound alone.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import tempfile
import time
import wave
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from channels.contract import About, Notice
from channels.radio import kit
from channels.radio.bulletin import Office, draft
from channels.radio.manifest import Kit
from channels.radio.order import Order
from channels.radio.press import Press
from channels.radio.speech import speak
from channels.radio.spoken import spoken
from channels.radio.stages import Stage
from tests.bench.figures import Figure, judged, say

ROUNDS = 3
GOALS = {Stage.PAPER: 1.0, Stage.FIRST: 5.0, Stage.WHOLE: 15.0}  # seconds from the order
WORDS = (
    "Warga di Sungai Raya dan Rasau Jaya, mohon perhatian.\nBanjir terjadi di Desa Kuala Dua.\n"
    "Tinggi air 1,2 meter dan naik.\nPindah sekarang ke SDN 05 Kuala Dua.\nBawa obat, surat penting dan air minum.\n"
    "Matikan listrik sebelum pergi.\nJangan menyeberang arus.\nJangan kembali mengambil barang.\n"
    "Nomor posko 0561-765432.\nBila nyawa terancam, telepon 112.\nKabar berikutnya pukul 21.00 WIB."
)
SENT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NOTICE = Notice(
    id="urn:oid:2.49.1", language="id", text="Banjir.", headline="Banjir di Desa Kuala Dua, pindah ke SDN 05",
    script=WORDS, incident="1", sent=SENT, expires=SENT + timedelta(hours=3), link="https://office.example/a/1",
    document=b"<alert><identifier>urn:oid:2.49.1</identifier></alert>",
    about=About(agency="BPBD Contoh", hazard="Banjir", severity="Severe", area="Sungai Raya", help_line="112",
                do=("Pindah sekarang ke SDN 05 Kuala Dua.",), questions=(("Di mana pengungsian?", "Di SDN 05."),)),
)  # fmt: skip
OFFICE = Office(title="BPBD Contoh", base="https://office.example/radio", language="id", zone="Asia/Pontianak")
FORMATS: tuple[tuple[str, str, list[str]], ...] = (
    ("a.mp3", "-16", ["-b:a", "128k"]),
    ("a.mp2", "-23", ["-b:a", "256k"]),
    ("a.flac", "-23", []),
    ("a.ogg", "-16", ["-c:a", "libopus", "-b:a", "24k"]),
    ("a.wav", "-23", []),
)
PEER = "ffmpeg loudnorm twice, then WAV, FLAC, MP2, MP3, Opus"


async def figures() -> list[Figure]:
    """Build kits and time each stage from the order; the sound beside ffmpeg's, round by round."""
    with tempfile.TemporaryDirectory() as folder:
        return await _figures(Path(folder))


async def _figures(folder: Path) -> list[Figure]:
    press, rounds, theirs, made = Press(), [], [], Kit()
    try:
        await press.run(60, _warm)
        await press.run(60, _warm)
        for number in range(ROUNDS):
            took, made = await _round(press, folder / f"kit{number}")
            rounds.append(took)
            theirs.append(_ffmpeg(folder) if shutil.which("ffmpeg") else 0.0)
            say(f"kit: {', '.join(f'{stage.name.lower()} {at:.2f} s' for stage, at in took.items())}")
    finally:
        press.close()
    return [_figure(stage, rounds, theirs, made) for stage in GOALS]


async def _round(press: Press, into: Path) -> tuple[dict[Stage, float], Kit]:
    order = Order(bulletin=draft(NOTICE, OFFICE, SENT), office=OFFICE, into=into, document=NOTICE.document)
    took, made, began = {}, Kit(), time.perf_counter()
    for stage in GOALS:
        made = await press.run(120, kit.make, order, stage)
        took[stage] = time.perf_counter() - began
    shutil.rmtree(into)
    return took, made


def _warm() -> int:
    """Load what a kit is made with, as a service's press has after its first kit."""
    return len(GOALS)


def _ffmpeg(folder: Path) -> float:
    """Time ffmpeg's sound of the same speech, spoken twice, in seconds."""
    speech = speak([spoken(line, "id") for line in NOTICE.script.splitlines()], "id")
    source = folder / "speech.wav"
    with wave.open(str(source), "wb") as out:
        out.setparams((1, 2, speech.rate, 0, "NONE", ""))
        out.writeframes((np.tile(speech.sound, 2) * 32767).astype("<i2").tobytes())
    began = time.perf_counter()
    for name, level, how in FORMATS:
        asked = f"loudnorm=I={level}:TP=-2:LRA=7"
        first = _run(["-i", str(source), "-af", f"{asked}:print_format=json", "-f", "null", "-"])
        found = json.loads(re.findall(r"\{[^{}]+\}", first)[-1])
        known = f"measured_I={found['input_i']}:measured_TP={found['input_tp']}:measured_LRA={found['input_lra']}"
        known += f":measured_thresh={found['input_thresh']}:linear=true"
        _run(["-i", str(source), "-af", f"{asked}:{known}", "-ar", "48000", *how, str(folder / name)])
    return time.perf_counter() - began


def _run(arguments: Sequence[str]) -> str:
    command = ["ffmpeg", "-y", "-nostdin", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stderr


def _figure(stage: Stage, rounds: Sequence[dict[Stage, float]], theirs: Sequence[float], made: Kit) -> Figure:
    ours = [took[stage] for took in rounds]
    sound = stage is Stage.WHOLE and min(theirs) > 0
    ratios = [mine / its for mine, its in zip(ours, theirs, strict=True)] if sound else []
    return judged(
        "kit", statistics.median(ours), "s", goal=GOALS[stage], goal_of="figure", sense="<=",
        peer=PEER if sound else "", peer_figure=statistics.median(theirs) if sound else None,
        ratio=statistics.median(ratios) if ratios else None, spread=(min(ratios), max(ratios)) if ratios else None,
        what=f"a kit {stage.name.lower()}, {made.seconds:.0f} s on air", rounds=[round(one, 2) for one in ours],
    )  # fmt: skip
