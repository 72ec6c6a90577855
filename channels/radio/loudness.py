"""Measures loudness and true peak as broadcasters do: ITU-R BS.1770-4, EBU Tech 3341 and 3342, at 48 kHz mono.

All of it comes from the K-weighted energy of every tenth of a second, so that what is put together from parts
with silence between them is measured from its parts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Energies = NDArray[np.float64]  # mean squares of tenths of a second, after K-weighting

RATE = 48_000  # Hz
TENTH = RATE // 10
BLOCK, WINDOW = 4, 30  # tenths: the momentary 400 ms and the short-term 3 s
ABSOLUTE, RELATIVE, RANGE_RELATIVE = -70.0, -10.0, -20.0  # gates in LUFS and LU

# BS.1770-4 Annex 1, tables 1 and 2: the head's shelf, then the high-pass.
SHELF = (1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585)
HIGH_PASS = (1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)
RINGING = 9_600  # samples; after 0.2 s the two filters have died away by 200 dB
OVERSAMPLING = 4  # Annex 2
REACH = 32  # samples either side that one point between two samples is made of


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """What a meter shows: LUFS, LU for the range, dBTP for the peak; -inf of silence."""

    integrated: float
    range: float
    peak: float
    momentary: float  # the loudest
    short_term: float  # the loudest


def measured(sound: Samples) -> Loudness:
    """Measure a whole sound at 48 kHz."""
    return summed_up(energies(sound), true_peak(sound))


def summed_up(tenths: Energies, peak: float) -> Loudness:
    """Sum up what was measured piece by piece; `peak` is linear."""
    return Loudness(
        integrated=integrated(tenths),
        range=loudness_range(tenths),
        peak=decibels(peak),
        momentary=loudest(tenths, BLOCK),
        short_term=loudest(tenths, WINDOW),
    )


def energies(sound: Samples) -> Energies:
    """Return the K-weighted mean square of every tenth of a second, the last one filled up with silence."""
    whole = -(-len(sound) // TENTH) * TENTH
    weighted = filtered(sound, *_weighting())[:whole]
    weighted = np.pad(weighted, (0, whole - len(weighted))).reshape(-1, TENTH)
    sums: Energies = np.einsum("ij,ij->i", weighted, weighted, dtype=np.float64)
    return sums / TENTH


def integrated(tenths: Energies) -> float:
    """Return the gated programme loudness in LUFS (BS.1770-4 Annex 1): blocks of 400 ms, overlapping by 75 %."""
    blocks = _means(tenths, BLOCK)
    blocks = blocks[blocks > _energy(ABSOLUTE)]
    if not len(blocks):
        return -math.inf
    gate = _energy(_lufs(float(blocks.mean())) + RELATIVE)
    return _lufs(float(blocks[blocks > gate].mean()))


def loudest(tenths: Energies, length: int) -> float:
    """Return the loudest stretch of `length` tenths in LUFS (EBU Tech 3341)."""
    means = _means(tenths, length)
    return _lufs(float(means.max())) if len(means) else -math.inf


def loudness_range(tenths: Energies) -> float:
    """Return the loudness range in LU (EBU Tech 3342); 0 where less than 3 s stand above the gates."""
    windows = _means(tenths, WINDOW)
    windows = windows[windows > _energy(ABSOLUTE)]
    if not len(windows):
        return 0.0
    gate = _energy(_lufs(float(windows.mean())) + RANGE_RELATIVE)
    kept = np.sort(windows[windows > gate])
    low, high = (kept[round((len(kept) - 1) * part)] for part in (0.10, 0.95))
    return _lufs(float(high)) - _lufs(float(low))


def true_peak(sound: Samples) -> float:
    """Return the highest value, linear, also between the samples (BS.1770-4 Annex 2)."""
    return float(envelope(sound).max(initial=0.0))


def envelope(sound: Samples) -> Samples:
    """Return for each sample the highest of itself and of three points between it and the next."""
    highest = np.abs(sound)
    for spectrum in _between():
        np.maximum(highest, np.abs(filtered(sound, spectrum, 2 * REACH)[REACH:][: len(sound)]), out=highest)
    return highest


def filtered(sound: Samples, spectrum: NDArray[np.complex64], length: int) -> Samples:
    """Convolve with a filter of `length` samples by its spectrum, block after block; the end rings out."""
    size = 2 * (len(spectrum) - 1)
    step = size - length + 1
    total = len(sound) + length - 1
    count = -(-total // step)
    padded = np.zeros(length - 1 + count * step, np.float32)
    padded[length - 1 : length - 1 + len(sound)] = sound
    out = np.empty(count * step, np.float32)
    for start in range(0, count * step, step):
        block = np.fft.irfft(np.fft.rfft(padded[start : start + size]) * spectrum, size)
        out[start : start + step] = block[length - 1 :]
    return out[:total]


def decibels(value: float) -> float:
    """Return the level of a linear value in dB; -inf of nothing."""
    return 20 * math.log10(value) if value > 0 else -math.inf


def linear(level: float) -> float:
    """Return the linear value of a level in dB."""
    return float(10 ** (level / 20))


def _lufs(energy: float) -> float:
    return -0.691 + 10 * math.log10(energy) if energy > 0 else -math.inf


def _energy(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))


def _means(tenths: Energies, length: int) -> Energies:
    if len(tenths) < length:
        return tenths[:0]
    sums = np.cumsum(np.concatenate([[0.0], tenths]))
    return np.asarray(np.maximum(sums[length:] - sums[:-length], 0.0) / length)


@lru_cache(maxsize=1)
def _weighting() -> tuple[NDArray[np.complex64], int]:
    size = 1 << 16
    turn = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    response = np.ones_like(turn)
    for above, below in (SHELF, HIGH_PASS):
        response *= np.polyval(above[::-1], turn) / np.polyval(below[::-1], turn)
    ringing = np.fft.irfft(response, size)[:RINGING]
    return np.fft.rfft(ringing, size).astype(np.complex64), RINGING


@lru_cache(maxsize=1)
def _between() -> tuple[NDArray[np.complex64], ...]:
    """Spectra of the windowed sincs that find the points a quarter, a half and three quarters on."""
    found = []
    for quarter in range(1, OVERSAMPLING):
        away = quarter / OVERSAMPLING - np.arange(-REACH + 1, REACH + 1)
        window = np.i0(8.0 * np.sqrt(np.maximum(1 - (away / REACH) ** 2, 0))) / np.i0(8.0)
        kernel = np.sinc(away) * window
        found.append(np.fft.rfft(kernel[::-1] / kernel.sum(), 1 << 13).astype(np.complex64))
    return tuple(found)
