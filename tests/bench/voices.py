"""`python -m tests.bench.voices`: how well a machine that listens understands our voices, text by text.

Own bulletins are the radio words of every playbook, level and follow-up, their slots filled with the examples;
held-out texts are `heldout.py`'s, nobody tuned a voice by them; `cap` takes third-party CAP files from the
folder of samples. Needs the extras `voice` and `asr`; `--python` names an interpreter that has them.

CER and WER as `channels/radio/heard.py` defines them; RTF is the time it took by the time it lasts, on this
machine as busy as it is. Sentences already in `--cache` cost nothing, so RTF is only right with an empty one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
import wave
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from lxml import etree

from channels.radio.heard import MOST_WRONG, heard, slots_heard, transcripts, words_wrong
from channels.radio.neural import SPEAKERS, speak_neural
from channels.radio.speech import NoAudio, Speech, speak
from channels.radio.spoken import spoken
from crisis.model import slots as slotting
from crisis.model.playbook import NOT_PLAYBOOKS, Playbook, load
from crisis.model.words import Facts, Purpose, render
from tests.bench.heldout import ENGLISH, INDONESIAN

ROOT = Path(__file__).parents[2]
SENT = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
AREA = {"id": "Desa Kuala Dua dan Sungai Raya", "en": "Kuala Dua and Sungai Raya"}
REASON = {"id": "Air surut di bawah setengah meter", "en": "The water has fallen below half a metre"}
CLOCK = {"id": r"pukul \d\d\.\d\d \w+", "en": r"\d?\d:\d\d \w+"}
MOST_CAP_WORDS = 90
AROUND = 1.0  # seconds of silence: on air a bell and a breath go before; without, the first words are guessed at
SHORT = 24  # characters: "Do this first." alone is no action


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text to be spoken, and the facts that must be heard in it, all as they are written."""

    kind: str  # own, heldout or cap
    name: str
    language: str
    lines: tuple[str, ...]
    slots: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What was understood of one text by one voice."""

    voice: str
    text: str
    kind: str
    language: str
    cer: float
    wer: float
    missing: tuple[str, ...]
    slots: int
    seconds: float
    rtf: float
    wpm: float
    heard: str


def own() -> Iterator[Text]:
    """Give the radio words of all playbooks."""
    for path in sorted((ROOT / "playbooks").glob("*.yaml")):
        if path.name not in NOT_PLAYBOOKS:
            playbook = load(path)
            parts = [(level, Purpose.ALERT, level) for level in playbook.levels]
            worst = list(playbook.levels)[-1]
            parts += [(one.value, one, worst) for one in (Purpose.CORRECTION, Purpose.CANCEL, Purpose.ALL_CLEAR)]
            for part, purpose, level in parts:
                yield from _rendered(playbook, part, purpose, level)


def _rendered(playbook: Playbook, part: str, purpose: Purpose, level: str) -> Iterator[Text]:
    rhythm = playbook.levels[level]
    facts = Facts(
        agency="BPBD Kubu Raya",
        area=AREA,
        sent=SENT,
        until=SENT + rhythm.expires_after,
        next_update=SENT + (rhythm.update_every or timedelta(hours=3)),
        source="BMKG",
        zone=ZoneInfo("Asia/Pontianak"),
        number=1,
        reason=REASON,
    )
    examples = {name: slot.example for name, slot in playbook.slots.items()}
    for language, words in render(playbook, purpose, level, slotting.parse(playbook, examples), facts).items():
        found = {
            "place": str(examples["place"]),
            "action": _action(words.radio),
            "time": _first(CLOCK[language], words.radio),
            "phone": _first(r"\d{4}-\d{6}", words.radio),
            "help": _first(r"\b112\b", words.radio),
        }
        slots = {name: fact for name, fact in found.items() if fact and fact in " ".join(words.radio.split())}
        lines = tuple(line.strip() for line in words.radio.splitlines() if line.strip())
        yield Text(kind="own", name=f"{playbook.playbook}/{part}", language=language, lines=lines, slots=slots)


def _action(radio: str) -> str:
    """Our playbooks say what to do at the head of their second paragraph; what follows them, at their second line."""
    blocks = [block.strip() for block in re.split(r"\n\s*\n", radio.strip())]
    said = re.split(r"(?<=[.!?])\s", blocks[1]) if len(blocks) > 1 else blocks[0].splitlines()[1:]
    return said[0] if len(said[0]) >= SHORT or len(said) == 1 else f"{said[0]} {said[1]}"


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[0] if found else ""


def held_out() -> Iterator[Text]:
    """Give the texts nobody tuned a voice by."""
    for language, texts in (("id", INDONESIAN), ("en", ENGLISH)):
        for name, (text, slots) in texts.items():
            yield Text(kind="heldout", name=name, language=language, lines=_lines(text), slots=slots)


def from_cap() -> Iterator[Text]:
    """Give descriptions and instructions of third-party CAP files, the same few each time; none without them."""
    folder = Path(os.environ.get("CRISIS_TEST_SAMPLES") or ROOT.parent / "shared" / "data") / "cap" / "real"
    seen: set[str] = set()
    for path in sorted(folder.glob("*/*")):
        try:
            root = etree.parse(path, etree.XMLParser(resolve_entities=False, no_network=True)).getroot()
        except (etree.XMLSyntaxError, OSError):  # lxml raises OSError at a wrong encoding
            continue
        texts = [text for info in root.iter("{*}info") if (text := _told(info, path)) is not None]
        if texts and path.parent.name not in seen:
            seen.add(path.parent.name)  # one of each publisher
            yield texts[0]


def _told(info: etree._Element, path: Path) -> Text | None:
    language = (info.findtext("{*}language") or "en").lower()[:2]
    text = " ".join(info.findtext(f"{{*}}{name}") or "" for name in ("description", "instruction"))
    lines = _lines(re.sub(r"<[^>]+>", " ", text))
    fits = 25 <= len(" ".join(lines).split()) <= MOST_CAP_WORDS
    if language not in ("id", "en") or not fits:
        return None
    return Text(kind="cap", name=path.parent.name, language=language, lines=lines)


def _lines(text: str) -> tuple[str, ...]:
    one = " ".join(text.split())
    return tuple(part for part in re.split(r"(?<=[.!?])\s+(?=[A-Z])", one) if re.search(r"\w", part))


def measure(texts: Sequence[Text], engine: str, language: str, how: argparse.Namespace) -> list[Score]:
    """Speak the texts, listen to all, and score each."""
    with tempfile.TemporaryDirectory() as folder:
        made = [(text, *_said(text, engine, how)) for text in texts]
        files = [Path(folder) / f"{at}.wav" for at in range(len(made))]
        for file, (_, speech, _) in zip(files, made, strict=True):
            _write(file, speech)
        print(f"listening to {sum(speech.seconds for _, speech, _ in made):.0f} s of {engine}", file=sys.stderr)
        written = transcripts(files, language, timeout=3600, python=how.python)
    return [_score(text, speech, took, words) for (text, speech, took), words in zip(made, written, strict=True)]


def _said(text: Text, engine: str, how: argparse.Namespace) -> tuple[Speech, float]:
    lines = [spoken(line, text.language) for line in text.lines]
    began = time.monotonic()
    if engine == "espeak":
        speech = speak(lines, text.language)
    else:
        speech = speak_neural(lines, text.language, cache=how.cache, timeout=1200, python=how.python)
    return speech, time.monotonic() - began


def _score(text: Text, speech: Speech, took: float, words: str) -> Score:
    reference = " ".join(spoken(line, text.language) for line in text.lines)
    return Score(
        voice=speech.voice,
        text=text.name,
        kind=text.kind,
        language=text.language,
        cer=heard(reference, words, text.language),
        wer=words_wrong(reference, words, text.language),
        missing=slots_heard(text.slots, words, text.language),
        slots=len(text.slots),
        seconds=speech.seconds,
        rtf=took / speech.seconds,
        wpm=60 * len(reference.split()) / speech.seconds,
        heard=words,
    )


def _write(path: Path, speech: Speech) -> None:
    sound = np.pad(np.clip(speech.sound, -1, 1), round(AROUND * speech.rate))
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(speech.rate)
        out.writeframes((sound * 32767).astype("<i2").tobytes())


def tell(scores: Sequence[Score]) -> None:
    """Print a row for each text, the worst last, and a summary."""
    for one in sorted(scores, key=lambda score: score.cer):
        lost = f"  NOT HEARD: {', '.join(one.missing)}" if one.missing else ""
        print(f"  {one.cer:.3f} CER {one.wer:.3f} WER {one.seconds:5.1f} s {one.rtf:.3f} RTF  {one.text}{lost}")
    cers = [one.cer for one in scores]
    lost, asked = sum(len(one.missing) for one in scores), sum(one.slots for one in scores)
    print(
        f"{scores[0].kind} {scores[0].language} {scores[0].voice}: {len(scores)} texts, "
        f"CER mean {np.mean(cers):.4f} worst {max(cers):.4f} (over {MOST_WRONG}: {sum(c > MOST_WRONG for c in cers)}), "
        f"WER mean {np.mean([one.wer for one in scores]):.3f}, facts heard {asked - lost} of {asked}, "
        f"RTF {sum(one.rtf * one.seconds for one in scores) / sum(one.seconds for one in scores):.3f}, "
        f"{np.mean([one.wpm for one in scores]):.0f} words a minute\n",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.voices", description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="interpreter that has the extras voice and asr")
    parser.add_argument("--language", choices=("id", "en"), action="append")
    parser.add_argument("--engine", choices=("espeak", "kokoro"), action="append")
    parser.add_argument("--kind", choices=("own", "heldout", "cap"), action="append")
    parser.add_argument("--name", default="", help="only texts whose name has this in it")
    parser.add_argument("--cache", type=Path, default=None, help="folder of spoken sentences; default: a new one")
    parser.add_argument("--json", action="store_true", help="print every score as a line of JSON")
    how = parser.parse_args()
    with tempfile.TemporaryDirectory() as empty:
        how.cache = how.cache or Path(empty)
        try:
            return _all(how)
        except NoAudio as error:
            print(error, file=sys.stderr)
            return 1


def _all(how: argparse.Namespace) -> int:
    texts = [*own(), *held_out(), *from_cap()]
    for kind in how.kind or ("own", "heldout", "cap"):
        for language in how.language or ("id", "en"):
            chosen = [
                text for text in texts if (text.kind, text.language) == (kind, language) and how.name in text.name
            ]
            for engine in how.engine or ("espeak", "kokoro"):
                if not chosen or (engine == "kokoro" and language not in SPEAKERS):
                    continue
                scores = measure(chosen, engine, language, how)
                if how.json:
                    for score in scores:
                        print(json.dumps({name: getattr(score, name) for name in Score.__slots__}, ensure_ascii=False))
                else:
                    tell(scores)
    return 0


if __name__ == "__main__":
    sys.exit(main())
