"""Promises of voice and mixing desk: own process, own bell, right level, no language by another's voice."""

from __future__ import annotations

import asyncio
import contextlib
import io
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path
from shutil import which

import numpy as np
import pytest

from channels.radio import audio
from channels.radio.studio import NoAudio, produce, speak, voice_for

FORBIDDEN = (853.0, 960.0, 1050.0, 1562.5, 2083.3)  # EAS attention, NOAA and WEA, SAME mark and space


def wav_of(samples: np.ndarray, rate: int = 22050) -> bytes:
    whole = io.BytesIO()
    with wave.open(whole, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((samples * 32767).astype("<i2").tobytes())
    return whole.getvalue()


def strength(sound: np.ndarray, hertz: float) -> float:
    time = np.arange(len(sound)) / audio.RATE
    return float(abs(np.sum(sound * np.exp(-2j * np.pi * hertz * time))) / len(sound))


@pytest.mark.parametrize("language", ["id", "id-ID", "en", "en-US"])
async def test_a_voice_speaks_its_language(language: str) -> None:
    """The WAV is 16-bit mono, not silent, and about as long as the words take."""
    with wave.open(io.BytesIO(await speak("Banjir datang pukul 21.00 WIB. " * 4, language))) as heard:
        assert (heard.getnchannels(), heard.getsampwidth()) == (1, 2)
        sound = np.frombuffer(heard.readframes(heard.getnframes()), "<i2") / 32768
        assert 6 < len(sound) / heard.getframerate() < 30
    assert float(np.sqrt(np.mean(sound**2))) > 0.02


@pytest.mark.parametrize("language", ["jv", "su", "ms", "idx", ""])
async def test_no_language_is_spoken_by_anothers_voice(language: str) -> None:
    """Only Indonesian and English are spoken; any other says so."""
    assert voice_for(language) is None
    with pytest.raises(NoAudio, match=f"no voice for {language}"):
        await speak("Banjir", language)


def test_the_voice_program_refuses_too() -> None:
    """The program itself guards the rule, whoever runs it."""
    program = Path(audio.__file__).with_name("voice.py")
    ran = subprocess.run(
        [sys.executable, "-P", program, "jv"], input=b"x", capture_output=True, timeout=20, check=False
    )
    assert (ran.returncode, ran.stderr.strip(), ran.stdout) == (3, b"no voice for jv", b"")


def test_the_gpl_voice_is_never_in_our_process() -> None:
    """Importing the whole channel loads neither the library nor its loader."""
    code = "import channels.radio.radio, sys; print('espeakng_loader' in sys.modules)"
    root = Path(audio.__file__).parents[2]
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, timeout=20, check=True)
    assert ran.stdout.strip() == b"False"
    assert "espeak" not in Path("/proc/self/maps").read_text() if Path("/proc/self/maps").exists() else True


async def test_a_slow_voice_is_given_up(left_behind: Callable[[], set[str]]) -> None:
    """A child past its time is killed and the reason kept."""
    with pytest.raises(NoAudio, match=r"voice.py took longer than 0.001 seconds"):
        await speak("Banjir", "id", timeout=0.001)
    assert left_behind() == set()


@pytest.mark.parametrize(
    ("speech", "says"),
    [
        (wav_of(np.zeros(22050)), "the voice came back silent"),
        (wav_of(np.zeros(0)), "the voice came back silent"),
        (b"not a wav", "audio.py failed"),
    ],
)
async def test_bad_speech_is_never_put_on_air(tmp_path: Path, speech: bytes, says: str) -> None:
    """Silence or noise from a broken voice makes no file."""
    with pytest.raises(NoAudio, match=says):
        await produce(speech, tmp_path / "a.wav", tmp_path / "a.mp3")
    assert list(tmp_path.iterdir()) == []


def test_the_bell_is_ours() -> None:
    """Its three notes are there; no alerting frequency is within 20 dB of them."""
    sound = audio.bell()
    third = len(sound) // 3
    notes = [strength(sound[n * third : (n + 1) * third], hertz) for n, hertz in enumerate(audio.BELL)]
    worst = max(strength(sound[n * third : (n + 1) * third], hertz) for n in range(3) for hertz in FORBIDDEN)
    assert min(notes) > 0.05
    assert worst < min(notes) / 10


@pytest.mark.parametrize("rate", [16000, 22050, 24000, 44100, 48000])
def test_changing_the_rate_keeps_pitch_and_length(rate: int) -> None:
    """A 1 kHz tone stays one, as long and as loud."""
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)
    sound = audio.resampled(tone, rate)
    assert abs(len(sound) - 48000) <= 1
    assert strength(sound[4800:-4800], 1000.0) == pytest.approx(0.25, rel=0.01)


def test_the_bulletin_is_read_twice() -> None:
    """The two readings are the same sound, a breath apart."""
    speech = np.sin(np.arange(48000) / 20) * 0.1
    whole = audio.assemble(speech)
    words = audio.louder(speech[1:])
    count = len(words)
    end = len(whole) - int(0.5 * audio.RATE)
    second = whole[end - count : end]
    first_end = end - count - int(audio.BREATH * audio.RATE)
    assert np.array_equal(second, whole[first_end - count : first_end])
    assert 20 * np.log10(np.max(np.abs(whole))) == pytest.approx(audio.PEAK, abs=0.01)


@pytest.mark.peer
async def test_another_decoder_hears_the_mp3_whole_and_unclipped(tmp_path: Path, peer: Callable[..., str]) -> None:
    """sox decodes it at 48 kHz, mono, peak below -1.5 dBFS."""
    sox = peer("sox", which("sox"))
    figures = await produce(await speak("Banjir. Pindah sekarang.", "id"), tmp_path / "a.wav", tmp_path / "a.mp3")
    ran = subprocess.run([sox, tmp_path / "a.mp3", "-n", "stats"], capture_output=True, timeout=20, check=False)
    peer("sox's MP3 format", b"no handler" not in ran.stderr)
    stats = dict(line.rsplit(None, 1) for line in ran.stderr.decode().splitlines() if line[:2] in {"Pk", "Le"})
    assert float(stats["Pk lev dB"]) <= -1.5
    assert float(stats["Length s"]) == pytest.approx(figures.seconds, abs=0.2)


@pytest.mark.peer
async def test_no_alert_receiver_is_triggered(tmp_path: Path, peer: Callable[..., str]) -> None:
    """An EAS decoder hears nothing in our audio."""
    sox, decoder = peer("sox", which("sox")), peer("multimon-ng", which("multimon-ng"))
    await produce(await speak("Banjir. Pindah sekarang.", "id"), tmp_path / "a.wav", tmp_path / "a.mp3")
    raw = tmp_path / "a.raw"
    subprocess.run(
        [sox, tmp_path / "a.wav", "-r", "22050", "-e", "signed", "-b", "16", "-c", "1", "-t", "raw", raw],
        check=True,
        timeout=20,
    )
    ran = subprocess.run([decoder, "-q", "-a", "EAS", "-t", "raw", raw], capture_output=True, timeout=20, check=True)
    assert ran.stdout.strip() == b""


async def test_a_voice_that_is_stopped_in_the_middle_is_gone_at_once() -> None:
    """Stopped with its pipe full of sound nobody reads, the child is killed and never waited for in vain."""
    long_text = "Banjir di Sungai Raya. Pindah ke SMPN satu. " * 60
    async with asyncio.timeout(20):
        for hundredths in range(1, 31):
            with contextlib.suppress(NoAudio):
                await speak(long_text, "id", timeout=hundredths / 100)
