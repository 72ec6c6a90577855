"""Has a bulletin spoken and put on every kind of sound file: a person's recording first, then the voices there are."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from channels.radio import sound
from channels.radio.bulletin import loudspeaker_of, script_of
from channels.radio.captions import webvtt
from channels.radio.frames import frame
from channels.radio.label import Label
from channels.radio.lexicon import Lexicon
from channels.radio.manifest import Made
from channels.radio.neural import speak_neural
from channels.radio.order import Order
from channels.radio.pack import write
from channels.radio.recordings import load_recording, recording_for
from channels.radio.sayings import aloud
from channels.radio.script import moment
from channels.radio.speech import NoAudio, Speech, speak
from channels.radio.stages import Stage

PSA = {"Minor", "Unknown"}  # severities that are no emergency to a playout system


@dataclass(frozen=True, slots=True, kw_only=True)
class Voiced:
    """The sound of a bulletin: its files, whose voice it is, how long it lasts on air, and what is missing."""

    made: tuple[Made, ...] = ()
    missing: tuple[str, ...] = ()
    voice: str = ""
    kind: str = ""
    seconds: float = 0.0


def voiced(order: Order, names: Lexicon, stage: Stage, *, anew: bool) -> Voiced:
    """Make the sound files of a stage, or `anew` all up to it; what cannot be said or encoded is told in a sentence.

    Raises OSError when there is no room.
    """
    bulletin = order.bulletin
    lines = script_of(bulletin, order.office).lines
    missing: list[str] = []
    try:
        speech = _speech(order, aloud(lines, bulletin.language, names), names, stage, missing)
        short = _loudspeaker(order, names, stage, missing)
        formats = _formats(stage, anew=anew)
        with _set_aside(order, formats):
            made = sound.produce(speech, short, _label(order), order.into, formats=formats, keep=stage is Stage.FIRST)
    except NoAudio as error:
        return Voiced(missing=(*missing, f"no sound: {error}"))
    files = [_file(order, one) for one in made.made]
    if speech.spans:
        captions = webvtt([line.text for line in lines], speech.spans, made.readings, bulletin.language)
        write(order.into / bulletin.file("captions"), captions)
        files.append(Made(role="captions", path=bulletin.file("captions")))
    return Voiced(
        made=tuple(files),
        missing=(*missing, *made.missing),
        voice=speech.voice,
        kind=speech.kind,
        seconds=made.seconds,
    )


def _speech(order: Order, said: Sequence[str], names: Lexicon, stage: Stage, missing: list[str]) -> Speech:
    """Take a person's recording where there is one; else the neural voice where its turn has come, else espeak-ng."""
    if order.recordings is not None:
        try:
            if (found := recorded(order)) is not None:
                return load_recording(found)
        except NoAudio as error:
            missing.append(str(error))
    return _by_voice(order, said, names, stage)


def recorded(order: Order) -> Path | None:
    """Find a person's recording of these very words: a file given, or in the folder under the bulletin's own name.

    Never one of the incident's earlier words, nor of another language.
    """
    if order.recordings is None or order.recordings.is_file():
        return order.recordings
    return recording_for(order.recordings, order.bulletin.stem, order.bulletin.language)


def _by_voice(order: Order, said: Sequence[str], names: Lexicon, stage: Stage) -> Speech:
    language = order.bulletin.language
    if stage is Stage.NEURAL and order.cache is not None:
        return speak_neural(said, language, cache=order.cache, lexicon=names.digest)
    return speak(said, language)


def _loudspeaker(order: Order, names: Lexicon, stage: Stage, missing: list[str]) -> Speech | None:
    if stage is Stage.FIRST:
        return None
    language = order.bulletin.language
    lines = loudspeaker_of(order.bulletin, order.office).lines
    try:
        return _by_voice(order, aloud(lines, language, names), names, stage)
    except NoAudio as error:
        missing.append(f"no sound for loudspeakers: {error}")
        return None


def _formats(stage: Stage, *, anew: bool) -> tuple[str, ...]:
    if stage is Stage.FIRST:
        return sound.FIRST
    return sound.ALL if anew or stage is Stage.NEURAL else sound.REST


@contextmanager
def _set_aside(order: Order, roles: Sequence[str]) -> Iterator[None]:
    """Keep the files of an earlier stage until the new ones are made, and put back those that cannot be.

    They are linked into the folder a station reads from: nothing may be written over them.
    """
    aside = order.into / ".aside"
    kept = [(path := order.into / order.bulletin.file(role), aside / path.name) for role in sound.ALL]
    _put_back(kept)  # where a process ended in the middle
    aside.mkdir(exist_ok=True)
    for role, (path, there) in zip(sound.ALL, kept, strict=True):
        if role in roles and path.exists():
            path.replace(there)
    try:
        yield
    except BaseException:
        for path, there in kept:
            if there.exists():
                there.replace(path)
        raise
    finally:
        _put_back(kept)
        shutil.rmtree(aside, ignore_errors=True)


def _put_back(kept: Sequence[tuple[Path, Path]]) -> None:
    """Take the old file where there is no new one: the same words, and the kit names it."""
    for path, there in kept:
        if there.exists() and not path.exists():
            there.replace(path)


def _file(order: Order, made: sound.Made) -> Made:
    path = made.path.relative_to(order.into).as_posix()
    return Made(role=made.role, path=path, seconds=made.seconds, lufs=made.lufs, peak=made.peak)


def _label(order: Order) -> Label:
    bulletin, office, about = order.bulletin, order.office, order.bulletin.about
    words = frame(bulletin.language, office.language)
    until = moment(words.repeat, words, bulletin.expires, office.zone)
    return Label(
        title=bulletin.headline,
        agency=about.agency or office.title,
        agency_code=office.code,
        identifier=bulletin.id,
        version=about.version,
        language=bulletin.language,
        mode=bulletin.mode,
        severity=about.severity,
        category="PSA" if about.severity in PSA or bulletin.ends else "EMERGENCY",
        sent=bulletin.sent,
        expires=bulletin.expires,
        zone=office.zone,
        link=bulletin.link,
        script=bulletin.reading,
        outcue=bulletin.reading.rstrip().rpartition("\n")[2],
        cut_id=str(order.cart or ""),
        repeat=until,
        mark=bulletin.mark,
        stem=bulletin.stem,
        country=office.country,
        picture=_card(order.into / bulletin.file("card")),
        maker_version=_version(),
    )


def _card(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _version() -> str:
    try:
        return version("crisis-broadcast")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return ""
