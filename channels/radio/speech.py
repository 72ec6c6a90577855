"""Has lines of a script spoken by a voice in a process of its own, and says when each line is heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]
Kind = Literal["espeak", "neural", "recording"]


class NoAudio(Exception):
    """There is no audio of this text; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Speech:
    """A script as it was spoken once: mono samples from -1 to 1, and when each of its lines is heard."""

    sound: Sound
    rate: int  # samples a second
    spans: tuple[tuple[float, float], ...]  # seconds, one for each line given; none for a recording: nobody timed it
    voice: str  # by whom, as a listener may be told: "espeak-ng 1.52.0 id", "kokoro-82m jm_kumo"
    kind: Kind

    @property
    def seconds(self) -> float:
        return len(self.sound) / self.rate
