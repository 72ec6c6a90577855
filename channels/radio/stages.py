"""How a kit grows: what is made next, so that words never wait for paper, nor paper for sound. Pure."""

from __future__ import annotations

from enum import IntEnum

from channels.radio.bulletin import Bulletin
from channels.radio.names import ID as NAMES

LATER = {"mp2", "flac", "opus", "amr", "loop", "loudspeaker_mp3", "stem"}


class Stage(IntEnum):
    """A step of a kit; the lower comes first, over all bulletins."""

    PAPER = 1  # sheets, poster, card, texts for stations
    FIRST = 2  # the voice at once: what a playout system and a player take
    WHOLE = 3  # every format
    NEURAL = 4  # all sound again in the better voice


def first_roles() -> frozenset[str]:
    """Name what a kit holds once its first sound is made: all but the further formats."""
    return frozenset({*NAMES} - LATER)


def next_stage(bulletin: Bulletin, neural: bool) -> Stage | None:
    """Tell what is made next of a bulletin's kit; None when there is no more. `neural`: a better voice is there."""
    match bulletin.reached:
        case "words":
            return Stage.PAPER
        case "paper":
            return Stage.FIRST
        case "first":
            return Stage.WHOLE
        case "whole" if neural and bulletin.voice == "espeak":
            return Stage.NEURAL
        case _:
            return None
