"""Makes every sound file of a kit from speech: masters, encodes, measures what came out, and says what is missing.

It runs in a worker process. A kit comes in two stages: `produce(..., formats=FIRST, keep=True)` makes what a station
needs at once, and `produce(..., formats=REST)` the others from the same masters, which stay in `.master` between
the two and are gone after the second.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from channels.radio import bwf, id3, label, mastering
from channels.radio.label import Label
from channels.radio.loudness import RATE, Loudness
from channels.radio.mastering import PODCAST, STATION, TELEPHONE, VOICE_NOTE, Cues, Reading, Target
from channels.radio.speech import NoAudio, Speech

FIRST = ("wav", "mp3")
REST = ("loudspeaker_mp3", "opus", "amr", "loop", "flac", "mp2", "stem")
ALL = FIRST + REST

CODEC = Path(__file__).with_name("codec.py")
CODEC_TIME = 180.0  # seconds; twenty times what the longest bulletin took
NO_CODEC, NO_ROOM = 3, 4  # exit codes of codec.py
CEILING, NEAR = -1.1, 0.5  # dBTP and LU a decoded file must keep: -1 dBTP, and 0.1 for another's decoder
AT_LAST = 3.0  # LU: what is still kept after the last try, and told
AGAIN, MARGIN = 2, 0.2  # more tries of a file that does not keep it, and dB to be sure
MASTERS = ".master"

MPEG_FRAME = 1152  # samples
LOOP = 15 * 60 * RATE // MPEG_FRAME  # frames: 15 minutes are a whole number of them
PAUSE = 5 * RATE // MPEG_FRAME  # frames between two rounds at least


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a role's file is made."""

    format: str  # of codec.py, or wav
    target: Target
    lufs: float  # what it is promised to come to, decoded
    cut: str = "programme"  # or once: the words without the bell; or loudspeaker: the short script
    narrow: bool = False  # for a telephone's 8 kHz


PLANS: Mapping[str, Plan] = {
    "wav": Plan(format="wav", target=STATION, lufs=-23.0),
    # In the order they are made: what takes long to encode first, then what shares its master.
    "loop": Plan(format="loop", target=PODCAST, lufs=-16.0),
    "mp3": Plan(format="mp3", target=PODCAST, lufs=-16.0),
    "opus": Plan(format="opus", target=VOICE_NOTE, lufs=-16.0),
    "amr": Plan(format="amr", target=TELEPHONE, lufs=-16.0, narrow=True),
    "flac": Plan(format="flac", target=STATION, lufs=-23.0),
    "mp2": Plan(format="mp2", target=STATION, lufs=-23.0),
    "loudspeaker_mp3": Plan(format="mp3", target=PODCAST, lufs=-16.0, cut="loudspeaker"),
    "stem": Plan(format="wav", target=STATION, lufs=-23.0, cut="once"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One file that was made, as it measured when it was decoded again."""

    role: str
    path: Path
    format: str
    seconds: float
    lufs: float
    peak: float  # dBTP
    size: int  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """What a production came to; `missing` says in sentences what could not be made."""

    made: tuple[Made, ...]
    missing: tuple[str, ...]
    cues: Cues
    readings: tuple[float, ...]  # seconds of the programme at which the speech's own time starts, for captions
    seconds: float


def produce(
    speech: Speech,
    loudspeaker: Speech | None,
    words: Label,
    into: Path,
    *,
    formats: Sequence[str] = ALL,
    keep: bool = False,
) -> Sound:
    """Write the files of these roles into a kit's folder; the same speech and label give the same bytes.

    NoAudio when the speech is no good. OSError (ENOSPC) when there is no room. What cannot be encoded is missing.
    """
    desk = _Desk(speech, loudspeaker, words, into)
    wanted = [role for role in PLANS if role in formats and (loudspeaker or role != "loudspeaker_mp3")]
    try:
        reading = desk.reading("programme", narrow=False)  # no voice, no sound: said before anything is written
        waves: list[Made] = []
        plain = [role for role in wanted if PLANS[role].format == "wav"]
        others = [role for role in wanted if role not in plain]
        unheard, others = desk.heard_only(others)
        encoded, missing = desk.encoded(others, lambda: waves.extend(map(desk.wave, plain)))
        cues = desk.cues("programme")
    finally:
        if not keep:
            shutil.rmtree(into / MASTERS, ignore_errors=True)
    return Sound(
        made=tuple(sorted([*waves, *encoded], key=lambda made: ALL.index(made.role))),
        missing=(*unheard, *missing),
        cues=cues,
        readings=mastering.offsets(reading, cues),
        seconds=mastering.seconds(cues.length),
    )


class _Desk:
    """The readings and masters of one production, each made once and when it is first needed."""

    def __init__(self, speech: Speech, loudspeaker: Speech | None, words: Label, into: Path) -> None:
        self.words, self.into = words, into
        self.speeches = {"programme": speech, "once": speech, "loudspeaker": loudspeaker or speech}
        self.missing: list[str] = []
        self.heard = cache(mastering.heard)
        self.narrowed = cache(mastering.narrowed)

    def heard_only(self, roles: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return sentences on what is no good, and the roles that are left: a mute short script costs its file only."""
        try:
            self.reading("loudspeaker", narrow=False)
        except NoAudio as error:
            cut = [role for role in roles if PLANS[role].cut == "loudspeaker"]
            return [f"No {self.words.name(role)}: {error}." for role in cut], [r for r in roles if r not in cut]
        return [], list(roles)

    def reading(self, cut: str, *, narrow: bool) -> Reading:
        """Return what is heard of a cut's speech, once for all its masters; NoAudio when that is nothing."""
        whole = self.heard(self.speeches[cut])
        return self.narrowed(whole) if narrow else whole

    def cues(self, cut: str) -> Cues:
        """Return where the parts of a cut go."""
        length = len(self.reading(cut, narrow=False).sound)
        return mastering.laid_out(length, times=2 if cut == "programme" else 1, rung=cut != "once")

    def path(self, role: str) -> Path:
        """Return where a role's file goes, its folder made."""
        path = self.into / self.words.name(role)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def master(self, plan: Plan, target: Target) -> tuple[Path, Loudness]:
        """Return where the master is kept and how loud it is; made now unless an earlier stage left it."""
        speech = self.speeches[plan.cut]
        made_of = (speech.rate, plan.cut, plan.narrow, target, self.words.seed, mastering.CHAIN)
        key = blake2b(repr(made_of).encode() + np.ascontiguousarray(speech.sound).tobytes(), digest_size=12).hexdigest()
        samples, figures = (self.into / MASTERS / f"{key}{kind}" for kind in (".pcm", ".json"))
        if figures.exists() and samples.exists():
            return samples, Loudness(**json.loads(figures.read_text()))
        reading = self.reading(plan.cut, narrow=plan.narrow)
        made = mastering.mastered(reading, self.cues(plan.cut), target, seed=self.words.seed)
        samples.parent.mkdir(parents=True, exist_ok=True)
        samples.write_bytes(made.samples.tobytes())
        figures.write_text(json.dumps(asdict(made.loudness)))
        return samples, made.loudness

    def wave(self, role: str) -> Made:
        """Write a Broadcast WAV; only the programme has a cart, so that no automation takes the stem."""
        plan = PLANS[role]
        master, measured = self.master(plan, plan.target)
        cues, speech = self.cues(plan.cut), self.speeches[plan.cut]
        content = bwf.written(
            np.fromfile(master, "<i2"),
            label.bext(self.words, speech, measured, role),
            label.cart(self.words, cues) if role == "wav" else None,
            label.facts(self.words),
        )
        self.path(role).write_bytes(content)
        found = {"seconds": cues.length / RATE, "lufs": measured.integrated, "peak": measured.peak}
        return self._made(role, found | {"size": len(content)})

    def encoded(self, roles: Sequence[str], meanwhile: Callable[[], None]) -> tuple[list[Made], list[str]]:
        """Have codec.py make these roles; one that does not measure well is made again from another master.

        `meanwhile` is called once, while it encodes.
        """
        made: list[Made] = []
        missing: list[str] = []
        targets = {role: PLANS[role].target for role in roles}
        if not roles:
            meanwhile()
        for attempt in range(1 + AGAIN):
            unfit: dict[str, Target] = {}
            near = NEAR if attempt < AGAIN else AT_LAST
            tracks = (self.track(role, target, near) for role, target in targets.items())
            for found in _run(tracks, missing, meanwhile if attempt == 0 else _nothing) if targets else []:
                if "why" in found:
                    missing.append(f"No {self.words.name(found['role'])}: {found['why']}.")
                elif found["fit"]:
                    made.append(self._made(found["role"], found))
                    missing += _besides(self.words.name(found["role"]), found, PLANS[found["role"]].lufs)
                elif attempt == AGAIN:
                    missing.append(_unfit(self.words.name(found["role"]), found))
                else:
                    unfit[found["role"]] = _corrected(targets[found["role"]], found, PLANS[found["role"]].lufs)
            targets = unfit
        return made, missing

    def track(self, role: str, target: Target, near: float = NEAR) -> dict[str, Any]:
        """Return what codec.py is told of a role, mastered to a target; it writes what comes as `near` to it, in LU."""
        plan, cues = PLANS[role], self.cues(PLANS[role].cut)
        speech = self.speeches[plan.cut]
        track: dict[str, Any] = {"role": role, "format": plan.format, "path": str(self.path(role))}
        track |= {"target": plan.lufs, "near": near, "ceiling": CEILING, "pcm": str(self.master(plan, target)[0])}
        if plan.format in {"mp3", "loop"}:
            tag = label.tag(self.words, speech, cues if role == "mp3" else None)
            track |= {"head": base64.b64encode(id3.written(tag)).decode()}
        if plan.format in {"flac", "opus"}:
            track |= {"tags": label.comments(self.words, speech)}
        return track | (looped(cues.length) if plan.format == "loop" else {})

    def _made(self, role: str, found: Mapping[str, Any]) -> Made:
        return Made(
            role=role,
            path=self.path(role),
            format=PLANS[role].format if role != "loop" else "mp3",
            seconds=round(found["seconds"], 3),
            lufs=round(found["lufs"], 2),
            peak=round(found["peak"], 2),
            size=found["size"],
        )


def looped(length: int) -> dict[str, int]:
    """Return the MPEG frames of one round, with the pause after it, and of the whole: 15 minutes or one round."""
    round_ = -(-length // MPEG_FRAME)
    if round_ > LOOP:
        return {"cycle": round_, "frames": round_}
    return {"cycle": LOOP // max(LOOP // (round_ + PAUSE), 1), "frames": LOOP}


def _corrected(target: Target, found: Mapping[str, Any], lufs: float) -> Target:
    """Aim as much beside as it missed; what came out too quiet may use the room there is below the ceiling."""
    over = found["peak"] - CEILING + MARGIN
    if over < 0 and found["lufs"] > lufs - NEAR:
        over = 0.0
    return replace(target, lufs=target.lufs + lufs - found["lufs"], ceiling=target.ceiling - over)


def _besides(name: str, found: Mapping[str, Any], lufs: float) -> list[str]:
    """Tell of a file whose loudness is not as promised: a quieter warning is better than none."""
    if abs(found["lufs"] - lufs) <= NEAR:
        return []
    return [f"{name} is {found['lufs']:.1f} LUFS loud, not {lufs:.0f}."]


def _unfit(name: str, found: Mapping[str, Any]) -> str:
    return f"No {name}: decoded it peaks at {found['peak']:.1f} dBTP and is {found['lufs']:.1f} LUFS loud."


def _nothing() -> None: ...


def _run(
    tracks: Iterable[Mapping[str, Any]], missing: list[str], meanwhile: Callable[[], None]
) -> list[dict[str, Any]]:
    """Have codec.py encode one track while the next is mastered; what is missing when it cannot run at all.

    OSError when there is no room.
    """
    pipe = subprocess.PIPE
    # -P: a module of ours beside the program must not hide one of the library.
    with subprocess.Popen((sys.executable, "-P", str(CODEC)), stdin=pipe, stdout=pipe, stderr=pipe) as codec:
        try:
            with contextlib.suppress(BrokenPipeError):  # it could not start, and says why
                _fed(codec, tracks)
            meanwhile()
            printed, said = codec.communicate(timeout=CODEC_TIME)
        except subprocess.TimeoutExpired:
            missing.append(f"Only WAV could be made: encoding took longer than {CODEC_TIME:g} seconds.")
            return []
        finally:
            codec.kill()
    if codec.returncode == 0:
        return [json.loads(line) for line in printed.splitlines()]
    return _failed(codec.returncode, said.decode("utf-8", "replace"), missing)


def _fed(codec: subprocess.Popen[bytes], tracks: Iterable[Mapping[str, Any]]) -> None:
    assert codec.stdin is not None  # noqa: S101  for the type checker: it was asked for
    for track in tracks:
        codec.stdin.write(json.dumps(track).encode() + b"\n")
        codec.stdin.flush()


def _failed(code: int, said: str, missing: list[str]) -> list[dict[str, Any]]:
    lines = said.strip().splitlines() or [f"codec.py ended with {code}"]
    if code == NO_ROOM:
        failed = json.loads(lines[-1])
        raise OSError(failed["errno"] or errno.EIO, failed["why"], failed["path"])
    missing.append(f"Only WAV could be made: {lines[-1][:300]}.")
    return []
