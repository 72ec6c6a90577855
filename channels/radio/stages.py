"""How a kit grows: what is made next, so that words never wait for paper, nor paper for sound. Pure."""

from __future__ import annotations

from enum import IntEnum

from channels.radio.bulletin import Bulletin
from channels.radio.names import ID as NAMES
from channels.radio.sound import REST


class Stage(IntEnum):
    """A step of a kit; the lower comes first, over all bulletins."""

    WORDS = 0  # the script alone: there at once, in the sending itself
    PAPER = 1  # sheets, poster, card, texts for stations
    FIRST = 2  # the voice at once: what a playout system and a player take
    WHOLE = 3  # every format
    NEURAL = 4  # all sound again in the better voice


def first_roles() -> frozenset[str]:
    """Name what a kit holds once its first sound is made: all but the further formats."""
    return frozenset({*NAMES} - {*REST})


def next_stage(bulletin: Bulletin, most: Stage, *, neural: bool) -> Stage | None:
    """Tell what is made next of a bulletin's kit, no further than `most`; None when there is no more.

    `neural` tells that a better voice is there; it speaks only where no person does.
    """
    done = Stage[bulletin.reached.upper()]
    following = Stage(done + 1) if done < Stage.NEURAL else None
    if following is None or following > most:
        return None
    return None if following is Stage.NEURAL and not (neural and bulletin.voice == "espeak") else following
