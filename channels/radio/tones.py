"""Finds in a sound the tones that make other receivers act: the EAS and WEA attention signal, 1050 Hz and SAME headers.

None of them may stand in anything we export (47 CFR 11.45(a) and 10.520(d)); false ones set off chains of decoders.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]

ATTENTION = (853.0, 960.0)  # Hz, together: EAS and WEA
WEATHER = 1050.0  # Hz: NOAA Weather Radio's warning alarm tone
MARK, SPACE = 2083.3, 1562.5  # Hz, SAME's two tones
BAUD = 520.83
PREAMBLE = (1, 1, 0, 1, 0, 1, 0, 1)  # 0xAB, least significant bit first
WINDOW, HOP = 0.1, 0.05  # s
STEADY = 5  # windows in a row: a quarter of a second; a vowel does not stand still so long
QUIET = 1e-6  # mean square; -60 dBFS
PHASES = 8  # of a bit at which the bits are read
BYTES = 4  # of the sixteen of the preamble, heard whole, are enough
PURE = 0.6  # of the power, in the two tones
CHUNK, OVERLAP = 10.0, 1.0  # s


def forbidden(sound: Sound, rate: int) -> list[str]:
    """Name what must not be in a sound and is, each once, with the second where it begins; -1..1 in, mono."""
    found = [
        ("the EAS/WEA attention signal (853 and 960 Hz)", steady(sound, rate, ATTENTION)),
        ("the 1050 Hz warning tone", steady(sound, rate, (WEATHER,))),
        ("a SAME header (0xAB preamble at 520.83 Bd)", preamble(sound, rate)),
    ]
    return [f"{name} at {at:.1f} s" for name, at in found if at is not None]


def steady(sound: Sound, rate: int, tones: tuple[float, ...]) -> float | None:
    """Find where these tones together, each with its share, stand alone for a quarter of a second; seconds, or None."""
    size, hop = int(rate * WINDOW), int(rate * HOP)
    if len(sound) < size + hop * STEADY:
        return None
    frames = np.lib.stride_tricks.sliding_window_view(sound, size)[::hop]
    window = np.hanning(size).astype(np.float32)
    alone = np.concatenate([_alone(part, window, rate, tones) for part in _slices(frames, 400)])
    run = np.convolve(alone, np.ones(STEADY, np.int32), "valid")
    hits = np.flatnonzero(run == STEADY)
    return float(hits[0] * hop / rate) if len(hits) else None


def _alone(frames: Sound, window: Sound, rate: int, tones: tuple[float, ...]) -> NDArray[np.int32]:
    shaped = frames * window
    power = np.einsum("ij,ij->i", shaped, shaped) / np.sum(window**2)
    turns = np.exp(-2j * np.pi * np.outer(np.arange(len(window)), tones) / rate).astype(np.complex64)
    # A sine of amplitude a gives |sum| = a * sum(window) / 2, and has the power a * a / 2.
    each = 2 * np.abs(shaped @ turns) ** 2 / np.sum(window) ** 2
    share = each / np.maximum(power, QUIET)[:, None]
    enough = (share > 0.5 / len(tones) * 0.5).all(axis=1) & (share.sum(axis=1) > 0.7)
    return np.asarray(enough & (power > QUIET), np.int32)


def preamble(sound: Sound, rate: int) -> float | None:
    """Find the first four bytes in a row of a SAME preamble; seconds, or None. Other FSK and speech are not it."""
    size, step = int(CHUNK * rate), int((CHUNK - OVERLAP) * rate)
    for start in range(0, max(1, len(sound)), step):
        if (at := _preamble(sound[start : start + size], rate)) is not None:
            return start / rate + at
    return None


def _preamble(sound: Sound, rate: int) -> float | None:
    bit = rate / BAUD
    length = int(bit)
    if len(sound) < bit * len(PREAMBLE) * BYTES:
        return None
    mark, space = (_energy(sound, tone, rate, length) for tone in (MARK, SPACE))
    total = np.cumsum(np.concatenate([[0.0], np.square(sound, dtype=np.float64)]))
    power = (total[length:] - total[:-length]) / length
    wanted = np.array(PREAMBLE * BYTES, bool)
    for phase in range(PHASES):
        places = np.arange(phase * bit / PHASES, len(power), bit).astype(np.int64)
        places = places[places < len(power)]
        pure = (mark[places] + space[places] > PURE * np.maximum(power[places], QUIET)) & (power[places] > QUIET)
        hits = _runs(mark[places] > space[places], pure, wanted)
        if len(hits):
            return float(places[hits[0]] / rate)
    return None


def _runs(bits: NDArray[np.bool_], pure: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Find where the wanted bits stand, nearly all of them in pure tones: a bit's edge is never pure."""
    if len(bits) < len(wanted):
        return np.zeros(0, np.int64)
    same = (np.lib.stride_tricks.sliding_window_view(bits, len(wanted)) == wanted).all(axis=1)
    clean = np.lib.stride_tricks.sliding_window_view(pure, len(wanted)).mean(axis=1) > 0.8
    return np.flatnonzero(same & clean)


def _energy(sound: Sound, tone: float, rate: int, length: int) -> NDArray[np.float64]:
    """Give the power of one tone in every window of one bit, by sums that run on."""
    turned = sound * np.exp(-2j * np.pi * tone * np.arange(len(sound)) / rate)
    sums = np.cumsum(np.concatenate([[0j], turned]))
    return np.asarray(2 * np.abs((sums[length:] - sums[:-length]) / length) ** 2, np.float64)


def _slices(frames: Sound, size: int) -> Iterator[Sound]:
    for start in range(0, len(frames), size):
        yield frames[start : start + size]
