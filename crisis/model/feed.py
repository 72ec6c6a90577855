"""The feed: a source of other people's alerts, how it is read and what it may do here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from crisis.model.alert import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One source as an admin set it up; `mode` is that of the alerts it opens here."""

    id: int
    name: str
    format: str  # a name in crisis.feeds.FORMATS
    url: str  # https, mqtts; empty where others post to us
    mode: Mode = Mode.EXERCISE  # a new feed is tried out as an exercise first
    may_release: bool = False  # with the playbook's leave too, its alerts leave without an officer
    every: timedelta = timedelta(minutes=1)
    quiet_after: timedelta = timedelta(hours=24)  # unread or unchanged for so long calls an officer
    hosts: tuple[str, ...] = ()  # besides the url's own: where links and redirects may lead
    certificates: str = ""  # PEM of the senders' certificates that are trusted
    must_sign: bool = False  # what is not signed by one of them opens a draft at most
