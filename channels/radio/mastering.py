"""Lays out a programme (bell, reading, breath, reading) and brings it to a station's loudness and true peak.

What is measured and limited is one reading; the programme is reckoned from it, for it holds it twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from channels.radio import loudness
from channels.radio.loudness import BLOCK, RATE, TENTH, Energies, Loudness, Samples
from channels.radio.speech import NoAudio, Speech

CHAIN = 1  # raised when the same speech would be mastered otherwise: kept masters are made again
BELL = (587.33, 739.99, 880.0)  # D5 F#5 A5: ours, and none of the EAS, WEA, SAME or 1050 Hz tones
NOTE_TIME = 0.34  # seconds
START, BELL_SLOT, GAP, BREATH, TAIL = 0.2, 1.1, 0.6, 1.5, 0.5  # seconds, whole tenths: loudness is in tenths
QUIETEST = -55.0  # dBFS RMS of the heard part; less is a voice that failed or a microphone that was off
SOFTEST = 0.01  # of the peak; less at either end is not speech yet
EDGE, FADE = 0.05, 0.005  # seconds kept around speech, and faded in and out
SMOOTHING = RATE // 200  # samples, half of what the limiter looks ahead and back: a low voice swings once in it
SPARE = 0.1  # dB the limiter leaves for dither and for another meter's filter
NEAR_ENOUGH, TRIES = 0.05, 10  # LU


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a master comes to."""

    lufs: float
    ceiling: float  # dBTP


STATION = Target(lufs=-23.0, ceiling=-2.0)  # EBU R 128, with room for MP2
PODCAST = Target(lufs=-16.0, ceiling=-2.0)  # decoded it is to stay below -1.5; MP3 overshoots by 0.5
# Opus and AMR take away treble, 0.4 to 0.6 LU, and overshoot, by 0.7 and 3.5 dB: measured on what they decode to.
VOICE_NOTE = Target(lufs=-15.6, ceiling=-3.0)
TELEPHONE = Target(lufs=-15.5, ceiling=-4.8)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """One reading at 48 kHz without silence around it, and what every master of it starts from."""

    sound: Samples
    cut: float  # seconds of silence there were before it
    highest: Samples = field(init=False)  # also between the samples
    tenths: Energies = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "highest", loudness.envelope(self.sound))
        object.__setattr__(self, "tenths", loudness.energies(self.sound))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cues:
    """Where the parts of a programme start and end, in samples at 48 kHz."""

    bell: tuple[int, int] | None
    readings: tuple[tuple[int, int], ...]
    length: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Master:
    """A programme as it is to be heard."""

    samples: NDArray[np.int16]
    cues: Cues
    loudness: Loudness


def heard(speech: Speech) -> Reading:
    """Return speech at 48 kHz, cut to what is heard of it; NoAudio when that is nothing, or no sound at all."""
    if not len(speech.sound) or not np.isfinite(speech.sound).all():
        raise NoAudio("the voice came back silent" if not len(speech.sound) else "the voice came back broken")
    sound = resampled(speech.sound - speech.sound.mean(dtype=np.float64), speech.rate)
    above = np.flatnonzero(np.abs(sound) > SOFTEST * float(np.abs(sound).max()))
    if not len(above) or level(sound[above[0] : above[-1] + 1]) < QUIETEST:
        raise NoAudio("the voice came back silent")
    start = max(int(above[0]) - round(EDGE * RATE), 0)
    return Reading(sound=_faded(sound[start : above[-1] + round(EDGE * RATE)]), cut=start / RATE)


def level(sound: Samples) -> float:
    """Return the RMS in dBFS."""
    return loudness.decibels(math.sqrt(float(np.mean(np.square(sound, dtype=np.float64)))))


def _faded(sound: Samples) -> Samples:
    ramp = np.linspace(0, 1, min(round(FADE * RATE), len(sound)), dtype=np.float32)
    sound = sound.copy()
    sound[: len(ramp)] *= ramp
    sound[len(sound) - len(ramp) :] *= ramp[::-1]
    return sound


def resampled(sound: NDArray[np.floating], rate: int, to: int = RATE) -> Samples:
    """Change the rate, band-limited to 95 % of the lower band, by each two seconds' spectrum."""
    sound = np.asarray(sound, np.float32)
    if rate == to or not len(sound):
        return sound
    common = math.gcd(rate, to)
    per_in, per_out = rate // common, to // common
    step, margin = max(2 * common, 1), max(common // 10, 1)  # in units of per_in samples
    count = -(-len(sound) // (step * per_in))
    padded = np.zeros((count * step + 2 * margin) * per_in, np.float32)
    padded[margin * per_in :][: len(sound)] = sound
    taper = _taper(min(per_in, per_out) * (step + 2 * margin) // 2 + 1)
    parts = []
    for first in range(0, count * step, step):
        spectrum = np.fft.rfft(padded[first * per_in : (first + step + 2 * margin) * per_in])
        whole = np.fft.irfft(spectrum[: len(taper)] * taper, (step + 2 * margin) * per_out)
        parts.append(whole[margin * per_out : (margin + step) * per_out])
    return (np.concatenate(parts)[: round(len(sound) * to / rate)] * (to / rate)).astype(np.float32)


def _taper(length: int) -> Samples:
    falling = np.clip((np.arange(length) / (length - 1) - 0.95) / 0.05, 0, 1)
    return (0.5 + 0.5 * np.cos(np.pi * falling)).astype(np.float32)


@lru_cache(maxsize=1)
def bell() -> Samples:
    """Three rising notes of a third of a second, each dying away."""
    time = np.arange(int(RATE * NOTE_TIME)) / RATE
    shape = np.minimum(time / 0.008, 1.0) * np.exp(-time * 6.0) * np.minimum((time[-1] - time) / 0.01, 1.0)
    notes = [shape * (np.sin(2 * np.pi * f * time) + 0.2 * np.sin(4 * np.pi * f * time)) for f in BELL]
    return (np.concatenate(notes) * 0.6).astype(np.float32)


def laid_out(reading: int, *, times: int = 2, rung: bool = True) -> Cues:
    """Return where bell and readings of `reading` samples go; each part starts at a whole tenth of a second."""
    at = round(START * RATE)
    rings = (at, at + len(bell())) if rung else None
    at += round((BELL_SLOT + GAP) * RATE) if rung else 0
    slot = -(-reading // TENTH) * TENTH + round(BREATH * RATE)
    readings = tuple((at + n * slot, at + n * slot + reading) for n in range(times))
    return Cues(bell=rings, readings=readings, length=at + times * slot - round((BREATH - TAIL) * RATE))


def mastered(reading: Reading, cues: Cues, target: Target, *, seed: int) -> Master:
    """Return the programme at the target's loudness, nowhere above its ceiling, in 16 bits with dither."""
    ceiling = target.ceiling - SPARE
    rings = bell() * loudness.linear(target.lufs - _bell_loudness())
    spoken, tenths = _levelled(reading, cues, loudness.energies(rings), target.lufs, ceiling)
    peak = loudness.true_peak(spoken)
    if peak > loudness.linear(ceiling):  # between samples a gain that moves may add some hundredths
        spoken *= loudness.linear(ceiling) / peak
    peak = max(loudness.true_peak(rings) if cues.bell else 0.0, min(peak, loudness.linear(ceiling)))
    whole = np.zeros(cues.length, np.float32)
    for sound, span in [(rings, cues.bell), *((spoken, span) for span in cues.readings)]:
        if span:
            whole[span[0] : span[1]] = sound
    return Master(samples=dithered(whole, seed), cues=cues, loudness=loudness.summed_up(tenths, peak))


def _bell_loudness() -> float:
    """Return the loudness the bell is heard with, so that the words do not sound faint after it."""
    return loudness.loudest(loudness.energies(bell()), BLOCK)


def _levelled(reading: Reading, cues: Cues, rings: Energies, lufs: float, ceiling: float) -> tuple[Samples, Energies]:
    """Find the gain before the limiter that makes the programme as loud as wanted; return reading and energies."""
    gain = lufs - loudness.integrated(_tenths(cues, rings * 0, reading.tenths))
    gain = gain if math.isfinite(gain) else 0.0
    for _ in range(TRIES):
        spoken, untouched = limited(reading, loudness.linear(gain), loudness.linear(ceiling))
        energies = reading.tenths * loudness.linear(gain) ** 2 if untouched else loudness.energies(spoken)
        tenths = _tenths(cues, rings, energies)
        missing = lufs - loudness.integrated(tenths)
        if abs(missing) < NEAR_ENOUGH:
            break
        gain += missing if untouched else 1.5 * missing  # the limiter takes a third of what is added
    return spoken, tenths


def _tenths(cues: Cues, rings: Energies, reading: Energies) -> Energies:
    """Lay out the energies of the parts as the parts are laid out."""
    whole = np.zeros(cues.length // TENTH + len(reading))
    for energies, span in [(rings, cues.bell), *((reading, span) for span in cues.readings)]:
        if span:
            whole[span[0] // TENTH :][: len(energies)] = energies
    return whole[: cues.length // TENTH]


def limited(reading: Reading, gain: float, ceiling: float) -> tuple[Samples, bool]:
    """Raise a reading by a linear gain and hold it under a linear ceiling; tell whether the ceiling was not touched.

    The gain moves as a triangle of 10 ms around each peak, so nothing is clipped.
    """
    if float(reading.highest.max(initial=0.0)) * gain <= ceiling:
        return reading.sound * np.float32(gain), True
    allowed = np.minimum(1.0, ceiling / np.maximum(reading.highest * gain, 1e-9))
    allowed = _lowest(np.pad(allowed, 2 * SMOOTHING, constant_values=1.0), 2 * SMOOTHING + 1)
    for _ in range(2):  # two boxes make a triangle
        sums = np.cumsum(np.concatenate([[0.0], allowed]), dtype=np.float64)
        allowed = (sums[SMOOTHING + 1 :] - sums[: -SMOOTHING - 1]) / (SMOOTHING + 1)
    return (reading.sound * (allowed * gain)).astype(np.float32), False


def _lowest(values: NDArray[np.floating], width: int) -> NDArray[np.floating]:
    """Return the lowest of every `width` values in a row, doubling the stretch each time."""
    done = 1
    while done < width:
        more = min(done, width - done)
        values = np.minimum(values[: len(values) - more], values[more:])
        done += more
    return values


def dithered(sound: Samples, seed: int) -> NDArray[np.int16]:
    """Return 16-bit samples with triangular dither; the same sound and seed give the same samples."""
    # The stream of a bit generator never changes between numpy's versions; that of its distributions may.
    drawn = np.random.PCG64(seed).random_raw(len(sound) // 2 + 1).astype("<u8").view("<u2").astype(np.float32)
    noise = (drawn[::2] - drawn[1::2])[: len(sound)] / np.float32(65536)
    return np.asarray(np.clip(np.rint(sound * np.float32(32767) + noise), -32768, 32767), "<i2")


def narrowed(reading: Reading) -> Reading:
    """Take away what a telephone's 8 kHz cannot carry, so that loudness and peak are those it will have."""
    whole = np.pad(reading.sound, (0, -len(reading.sound) % 6))  # as long after both changes of rate
    narrow = resampled(resampled(whole, RATE, 8_000), 8_000, RATE)
    return Reading(sound=narrow[: len(reading.sound)], cut=reading.cut)


def seconds(samples: int) -> float:
    """Return how long samples at 48 kHz last, to the millisecond."""
    return round(samples / RATE, 3)


def offsets(reading: Reading, cues: Cues) -> tuple[float, ...]:
    """Return the seconds of the programme at which each reading's speech would have started uncut."""
    return tuple(round(start / RATE - reading.cut, 4) for start, _ in cues.readings)
