"""What a voice makes of a script: its sound, and when each line of it is heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["espeak", "neural", "recording"]


class NoAudio(Exception):
    """There is no audio of this text; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Speech:
    """One reading of a script, without bell or breath."""

    sound: NDArray[np.float32]  # mono, -1..1
    rate: int  # Hz
    spans: tuple[tuple[float, float], ...]  # seconds from the sound's start to each line's start and end
    voice: str  # by its name: espeak-ng id, kokoro jm_kumo, an officer's name
    kind: Kind = "espeak"
