"""Checks of a kit's sound: what the WAV says of itself, how loud it is, and that no tone makes a receiver act."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from channels.radio.bwf import Bext, Cart, Wave, read
from channels.radio.findings import Row, judged, skipped
from channels.radio.frames import marker
from channels.radio.loudness import RATE, measured
from channels.radio.opened import Opened, Unfit, located
from channels.radio.tones import forbidden

QUIETER = ("wav", "mp2", "flac", "stem")  # for stations: -23 LUFS (EBU R 128)
LOUDER = ("mp3", "opus", "amr", "loop", "loudspeaker_mp3")  # for telephones and loudspeakers: -16 LUFS
TARGETS = {**dict.fromkeys(QUIETER, -23.0), **dict.fromkeys(LOUDER, -16.0)}
OFF = 0.5  # LU that a codec or a limiter may be off
PEAK = -1.0  # dBTP at most, once decoded
LARGEST = 256 << 20  # octets of a WAV that is measured: 45 minutes


def described(kit: Opened) -> Iterator[Row]:
    """The broadcast WAV says of itself what the manifest says: bext version 2, and the cart's number and times."""
    for path, _ in kit.of("wav"):
        wave = _wave(kit, path)
        yield judged("bext", list(_bext_faults(wave.bext)), good=path, wanted="bext version 2 with measured loudness")
        faults = list(_cart_faults(kit, wave.cart))
        number = kit.said.cart if kit.said.cart is not None else "no number agreed"
        yield judged("cart", faults, good=f"{number}", wanted="title, CutID, start and end as in the manifest")


def loud(kit: Opened) -> Iterator[Row]:
    """Each WAV is measured again; what other codecs came to is as the manifest states it."""
    for path, listed in kit.of(*TARGETS):
        wanted = f"{TARGETS[listed.role]:.0f} LUFS within {OFF} LU, at most {PEAK:.0f} dBTP"
        name = f"loudness: {listed.role}"
        if path.endswith(".wav"):
            sound, wave = _samples(kit, path)
            if wave.rate != RATE:
                yield judged(name, [f"{path} has {wave.rate} Hz"], good="", wanted=f"{RATE} Hz")
                continue
            heard = measured(sound)
            found, how = (heard.integrated, heard.peak), "measured"
        elif listed.lufs is None or listed.peak is None:
            yield skipped(name, "the manifest states no figures", wanted=wanted)
            continue
        else:
            found, how = (listed.lufs, listed.peak), "as stated"
        wrong = list(_level_faults(found, TARGETS[listed.role]))
        if how == "measured" and listed.lufs is not None and abs(listed.lufs - found[0]) > OFF:
            wrong.append(f"the manifest states {listed.lufs:.1f} LUFS, measured are {found[0]:.1f}")
        yield judged(name, wrong, good=f"{found[0]:.1f} LUFS, {found[1]:.1f} dBTP, {how}", wanted=wanted)


def silent(kit: Opened) -> Iterator[Row]:
    """No WAV carries a tone that makes another receiver act."""
    wanted = "no EAS, WEA, SAME or 1050 Hz tones"
    for path, listed in kit.of("wav", "stem"):
        sound, wave = _samples(kit, path)
        yield judged(f"tones: {listed.role}", forbidden(sound, wave.rate), good="none", wanted=wanted)


def _bext_faults(bext: Bext | None) -> Iterator[str]:
    if bext is None:
        yield "there is no bext chunk"
        return
    if bext.version != 2:
        yield f"bext is of version {bext.version}"
    wanting = [
        ("Description", bext.description),
        ("Originator", bext.originator),
        ("OriginatorReference", bext.reference),
    ]
    yield from (f"{name} is empty" for name, text in wanting if not text)
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", bext.date) or not re.fullmatch(r"\d\d:\d\d:\d\d", bext.time):
        yield f"its date is {bext.date!r} {bext.time!r}"
    if bext.loudness is None or bext.peak is None:
        yield "it states no loudness"


def _cart_faults(kit: Opened, cart: Cart | None) -> Iterator[str]:
    if cart is None:
        yield "there is no cart chunk"
        return
    said = kit.said
    number = str(said.cart) if said.cart is not None else cart.cut_id
    pairs = [
        ("CutID", cart.cut_id, number),
        ("start", f"{cart.start_date}T{cart.start_time}", said.valid_from.strftime("%Y-%m-%dT%H:%M:%S")),
        ("end", f"{cart.end_date}T{cart.end_time}", said.valid_until.strftime("%Y-%m-%dT%H:%M:%S")),
    ]
    yield from (f"{name} is {found!r}, not {wanted!r}" for name, found, wanted in pairs if found != wanted)
    mark = marker(said.mode, said.language).rstrip("_")
    if not cart.title or mark not in cart.title.upper():
        yield f"its title is {cart.title!r}"


def _level_faults(found: tuple[float, float], target: float) -> Iterator[str]:
    lufs, peak = found
    # Written so that a figure that is none fails too.
    if not abs(lufs - target) <= OFF:
        yield f"{lufs:.1f} LUFS"
    if not peak <= PEAK:
        yield f"peaks at {peak:.1f} dBTP"


def _wave(kit: Opened, path: str) -> Wave:
    found = located(kit.folder, path)
    if found.stat().st_size > LARGEST:
        raise Unfit(f"{path} is too large to be checked")
    return read(found)


def _samples(kit: Opened, path: str) -> tuple[NDArray[np.float32], Wave]:
    """Read a 16-bit mono WAV as -1..1."""
    wave = _wave(kit, path)
    if (wave.channels, wave.bits) != (1, 16) or "data" not in wave.chunks or wave.rate < 8_000:
        raise Unfit(f"{path} is not 16-bit mono sound")
    content = kit.read(path, LARGEST)
    start = _data(content)
    return np.frombuffer(content, "<i2", count=wave.samples, offset=start).astype(np.float32) / np.float32(32768), wave


def _data(content: bytes) -> int:
    at = 12
    while content[at : at + 4] != b"data":
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        at += 8 + length + length % 2
    return at + 8


SOUND: Mapping[str, Callable[[Opened], Iterator[Row]]] = {"BWF": described, "loudness": loud, "tones": silent}
