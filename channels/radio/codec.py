"""Encodes masters as FLAC, MP2, MP3, Opus and AMR, decodes what it made and measures it, in a process of its own.

PyAV's wheel carries a GPL FFmpeg: this file is run as a program, never imported, and stands on nothing of ours.
`python -P channels/radio/codec.py < tracks.jsonl` prints a line of JSON for each track, a line of JSON too:
{"role", "format", "pcm": path of 16-bit mono at 48 kHz, "path", "target": LUFS, "near": LU, "ceiling": dBTP,
"head": base64, "tags": {}, "cycle": MPEG frames of one round, "frames": MPEG frames of the whole}. It starts on each
as it comes in. A file is written when it measures well.
"""

from __future__ import annotations

import base64
import json
import math
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE = 48_000
PIECE = RATE  # samples given to an encoder at once
NO_CODEC, NO_ROOM = 3, 4  # exit codes
LOOP_FRAME = 192  # bytes: 64 kbit/s at 48 kHz, 1152 samples, never padded
SYNC = b"\xff\xfb"  # MPEG-1 layer III without a checksum


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a format is made."""

    name: str
    codec: str
    container: str
    bits: int | None = None  # a second
    rate: int = RATE
    gain: float = 1.0
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)


BARE = {"id3v2_version": "0"}  # the tag is ours
LAME_LOWERS = 0.95  # LAME 3.100 makes all it is given so much fainter
RECIPES = {
    "flac": Recipe(name="FLAC", codec="flac", container="flac"),
    "mp2": Recipe(name="MP2", codec="mp2", container="mp2", bits=256_000),
    "mp3": Recipe(
        name="MP3",
        codec="libmp3lame",
        container="mp3",
        bits=128_000,
        gain=1 / LAME_LOWERS,
        options={"compression_level": "5"},
        container_options=BARE,
    ),
    # Without a reservoir each frame stands alone, so that a round can be repeated byte by byte.
    "loop": Recipe(
        name="MP3",
        codec="libmp3lame",
        container="mp3",
        bits=64_000,
        gain=1 / LAME_LOWERS,
        options={"compression_level": "7", "reservoir": "0"},
        container_options={**BARE, "write_xing": "0"},
    ),
    # voip overshoots by 1.8 dB where audio stays below its master.
    "opus": Recipe(
        name="Opus",
        codec="libopus",
        container="ogg",
        bits=24_000,
        options={"application": "audio"},
    ),
    "amr": Recipe(name="AMR", codec="libopencore_amrnb", container="amr", bits=12_200, rate=8_000),
}


def main() -> int:
    """Make the tracks that come in on stdin; exit 3 without PyAV, 4 without room, saying why on stderr."""
    try:
        import av  # noqa: PLC0415
    except ImportError as error:
        print(f"PyAV cannot be loaded ({error}); pip install av", file=sys.stderr)
        return NO_CODEC
    try:
        with ThreadPoolExecutor(os.cpu_count() or 1) as threads:  # PyAV lets go of Python's lock
            running = [threads.submit(_made, av, json.loads(line)) for line in sys.stdin]
            for found in running:
                print(json.dumps(found.result()))
    except OSError as error:
        json.dump({"errno": error.errno, "why": error.strerror, "path": error.filename}, sys.stderr)
        return NO_ROOM
    return 0


def _made(av: Any, track: dict[str, Any]) -> dict[str, Any]:
    recipe = RECIPES[track["format"]]
    if recipe.codec not in av.codecs_available:
        return {"role": track["role"], "why": f"this PyAV has no {recipe.codec} encoder; pip install av"}
    try:
        content = encoded(av, recipe, np.fromfile(track["pcm"], "<i2"), track)
        found = measured(av, content)
        whole = content if "frames" not in track else repeated(content, track["cycle"], track["frames"])
    except (av.FFmpegError, ValueError) as error:
        return {"role": track["role"], "why": f"{recipe.name} cannot be made: {error}"}
    head = base64.b64decode(track.get("head", ""))
    seconds = track["frames"] * 1152 / RATE if "frames" in track else found["seconds"]
    found |= {"role": track["role"], "size": len(head) + len(whole), "seconds": round(seconds, 3)}
    # Written only when it is fit to be heard.
    found["fit"] = found["peak"] <= track["ceiling"] and abs(found["lufs"] - track["target"]) <= track["near"]
    if found["fit"]:
        Path(track["path"]).write_bytes(head + whole)
    return found


def encoded(av: Any, recipe: Recipe, samples: NDArray[np.int16], track: dict[str, Any]) -> bytes:
    """Return the bytes of a container: the same samples and tags always give the same."""
    if "cycle" in track:
        samples = np.pad(samples, (0, track["cycle"] * 1152 - len(samples)))
    whole = BytesIO()
    options = {"fflags": "+bitexact", **recipe.container_options}  # no random serial number, no date
    with av.open(whole, "w", format=recipe.container, options=options) as container:
        container.metadata.update(track.get("tags", {}))
        stream = container.add_stream(recipe.codec, rate=recipe.rate, options=recipe.options, layout="mono")
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        if recipe.bits:
            stream.bit_rate = recipe.bits
        resampler = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=recipe.rate)
        for frame in (*_pieces(av, samples, recipe.gain), None):
            for ready in resampler.resample(frame):
                container.mux(stream.encode(ready))
        container.mux(stream.encode(None))
    return whole.getvalue()


def _pieces(av: Any, samples: NDArray[np.int16], gain: float) -> Iterator[Any]:
    for start in range(0, len(samples), PIECE):
        piece = samples[None, start : start + PIECE]
        if gain == 1.0:
            frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
        else:  # raised as floating point, so that nothing is clipped
            raised = piece.astype(np.float32) * np.float32(gain / 32768)
            frame = av.AudioFrame.from_ndarray(raised, format="flt", layout="mono")
        frame.sample_rate, frame.pts = RATE, start
        yield frame


def repeated(content: bytes, cycle: int, frames: int) -> bytes:
    """Repeat the first `cycle` MPEG frames of a round, then its last, silent one; ValueError if their size differs."""
    starts = {content[at : at + 2] for at in range(0, cycle * LOOP_FRAME, LOOP_FRAME)}
    if starts != {SYNC}:
        raise ValueError("its frames are not as long as they should be")
    once = content[: cycle * LOOP_FRAME]
    return once * (frames // cycle) + once[-LOOP_FRAME:] * (frames % cycle)


def measured(av: Any, content: bytes) -> dict[str, Any]:
    """Decode a file as a listener's player does; return its seconds, LUFS and dBTP by FFmpeg's ebur128."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=RATE, format="fltp", layout="mono")
    meter, sink = graph.add("ebur128", "peak=true:metadata=1"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    shown: dict[str, str] = {}
    length = 0
    with av.open(BytesIO(content)) as container:
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=RATE)
        for frame in (*container.decode(audio=0), None):
            for ready in resampler.resample(frame):
                length += ready.samples
                source.push(ready)
                _pulled(av, sink, shown)
    peak = float(shown.get("lavfi.r128.true_peak", 0))
    return {
        "seconds": length / RATE,
        "lufs": float(shown.get("lavfi.r128.I", -math.inf)),
        "peak": round(20 * math.log10(peak), 2) if peak > 0 else -120.0,
    }


def _pulled(av: Any, sink: Any, shown: dict[str, str]) -> None:
    while True:
        try:
            shown.update(sink.pull().metadata)
        except (av.BlockingIOError, av.EOFError):
            return


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(10)  # text goes first: an encoder never takes a core from the alert path
    sys.exit(main())
