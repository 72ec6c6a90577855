"""Decides which alerts of ours rest on what a feed lists no longer, though by its own words it still holds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

from crisis.cap.entry import Entry
from crisis.cap.life import Name, State, name_of, standings, vanished
from crisis.feeds.contract import Lists
from crisis.flow.feed_rests import Rest, Source

HOLDS = frozenset({State.IN_FORCE, State.FUTURE})


def gone(
    rests: Iterable[Rest],
    entries: Sequence[Entry],
    names_of: Callable[[Entry], Collection[Name]],
    lists: Lists,
    now: datetime,
) -> list[Rest]:
    """Choose the alerts of ours that rest on nothing this listing, read whole, still holds.

    `names_of` names the alerts of an entry and of what it links to. What ran out or was ended by its sender
    is none of them. An entry that cannot be read is taken for what its link or guid stood for before; one
    that has neither may be anything, and then nothing is gone.
    """
    unread = [entry for entry in entries if not names_of(entry)]
    if lists is Lists.SOME or any(not (entry.guid or entry.link) for entry in unread):
        return []
    listed = {name for entry in entries for name in names_of(entry)}
    marks = {mark for entry in unread for mark in (entry.guid, entry.link) if mark}
    return [rest for rest in rests if _holds(rest, now) and _is_gone(rest, listed, marks, lists)]


def _holds(rest: Rest, now: datetime) -> bool:
    last = rest.told[-1]
    told = standings([source.alert for source in rest.told], now)
    return last.of_feed and told[name_of(last.alert)].state in HOLDS


def _is_gone(rest: Rest, listed: Collection[Name], marks: Collection[str], lists: Lists) -> bool:
    names, last = {name_of(source.alert) for source in rest.told}, name_of(rest.told[-1].alert)
    absent = vanished(names, listed, True, ends=True) == names
    withdrawn = vanished([last], listed, True, ends=True, latest=lists is Lists.LATEST)
    return absent and bool(withdrawn) and not any(_marked(source, marks) for source in rest.told)


def _marked(source: Source, marks: Collection[str]) -> bool:
    return source.guid in marks or source.link in marks
