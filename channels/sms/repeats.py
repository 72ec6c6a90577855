"""Whether the same words from the same number are a resend of the SMSC or a resident saying it again.

SMPP gives a resident's text no id, so we make one: a digest of sender, receiver, parts and their
reference, the SMSC's own marks if any, and the quarter hour. A resend can follow only where the
SMSC may not have seen our answer, so the same digest keeps its id

- while the earlier one is not acknowledged, or could not be (the session broke first); on one session
  only after five seconds, for no SMSC gives up sooner, and a backlog may hold the same words twice,
- for fifteen minutes, if it was acknowledged late (the SMSC may have given up waiting) or the session
  broke within five seconds of the answer (it may not have got through).

Otherwise it is the resident writing again ("TOLONG" twice must be seen twice) and gets an id of its own.
After a crash of ours nothing is remembered, and the quarter hour in the id makes a resend within it the
same still; one that crosses the quarter hour is seen twice, which is better than lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

PROMPT = timedelta(seconds=5)
AGAIN = timedelta(minutes=15)
FORGET = timedelta(hours=1)


class Link(Protocol):
    """What we must know of the session a text came by."""

    lost_at: datetime | None


@dataclass(slots=True, kw_only=True)
class Seen:
    """One text handed on."""

    id: str
    link: Link
    arrived: datetime
    acknowledged: datetime | None = None


def is_resend(seen: Seen, link: Link, now: datetime) -> bool:
    """Tell whether the SMSC may be sending again, by `link`, what it sent then."""
    if seen.acknowledged is None:
        return link is not seen.link or now - seen.arrived >= PROMPT
    late = seen.acknowledged - seen.arrived >= PROMPT
    broke = seen.link.lost_at is not None and seen.link.lost_at - seen.acknowledged < PROMPT
    return (late or broke) and now - seen.acknowledged < AGAIN


class Repeats:
    """Remembers for an hour which digest got which id."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}
        self._given: dict[str, int] = {}
        self._swept: datetime | None = None

    @property
    def kept(self) -> int:
        """How many records there are: no more than the last hour and a quarter needs."""
        return len(self._seen) + len(self._given)

    def seen(self, digest: str, link: Link, now: datetime) -> Seen:
        """Return the text's record, with the id of the earlier one if this is a resend."""
        self._sweep(now)
        earlier = self._seen.get(digest)
        if earlier and is_resend(earlier, link, now):
            same = Seen(id=earlier.id, link=link, arrived=now)
            self._seen[digest] = same
            return same
        quarter = f"{digest}-{int(now.timestamp()) // 900}"
        times = self._given[quarter] = self._given.get(quarter, 0) + 1
        new = Seen(id=quarter if times == 1 else f"{quarter}-{times}", link=link, arrived=now)
        self._seen[digest] = new
        return new

    def _sweep(self, now: datetime) -> None:
        if self._swept and now - self._swept < AGAIN:
            return
        self._swept = now
        self._seen = {key: seen for key, seen in self._seen.items() if now - seen.arrived < FORGET}
        live = {f"-{int((now - timedelta(minutes=15 * back)).timestamp()) // 900}" for back in range(5)}
        self._given = {key: times for key, times in self._given.items() if key[key.index("-") :] in live}
