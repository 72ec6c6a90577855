"""Decides who speaks a script: a person before a machine, and no language by another's voice."""

from __future__ import annotations

from dataclasses import dataclass

from channels.radio.neural import SPEAKERS
from channels.radio.speech import Kind, voice_for

LABELS: dict[Kind, str] = {
    "recording": "recorded by a person",
    "neural": "synthetic voice (Kokoro-82M); its accent is not a native speaker's",
    "espeak": "synthetic voice (espeak-ng)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One way a script can be spoken, and what the kit says of it."""

    kind: Kind
    label: str  # stands in the manifest and on the listening page: nobody takes a machine for a person


def voices_for(language: str, *, recording: bool, neural: bool) -> tuple[Choice, ...]:
    """Name who may speak a language, the best first; nobody at all for one that has neither voice nor recording.

    `recording`: a person recorded it; `neural`: the extra is there. The last is the one that is ready at once.
    """
    primary = voice_for(language)
    kinds: list[Kind] = []
    if recording:
        kinds.append("recording")
    if neural and primary in SPEAKERS:
        kinds.append("neural")
    if primary:
        kinds.append("espeak")
    return tuple(Choice(kind=kind, label=LABELS[kind]) for kind in kinds)
