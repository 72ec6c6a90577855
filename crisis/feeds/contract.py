"""The format contract: how the bytes of one kind of feed become entries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from crisis.cap.entry import Entry

Parse = Callable[[bytes, str, datetime], Sequence[Entry]]


class Way(StrEnum):
    """How a feed reaches us."""

    POLLED = "polled"  # we ask again and again
    SUBSCRIBED = "subscribed"  # it tells us over a connection that stays open
    POSTED = "posted"  # its owner posts each alert to us


class Lists(StrEnum):
    """What it means that a feed read whole does not list an alert any more."""

    SOME = "some"  # nothing: entries come and go by the clock or by their size
    LATEST = "latest"  # something, unless newer ones may have pushed it out
    ALL = "all"  # that it is over or was withdrawn: the feed lists all that is in force


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One kind of feed.

    `parse(raw, url, now)` gives every entry in the feed's order, bad ones with the reason for which they were
    refused; it raises BadInput only when the document as a whole is not of this kind, which is the fact
    "cannot read the feed", never "no alerts". Links are made absolute against `url`. It is pure.
    """

    parse: Parse
    says: str  # one line for those who add a feed
    way: Way = Way.POLLED
    accept: str = "*/*"
    every: timedelta = timedelta(minutes=1)  # a polite rhythm
    lists: Lists = Lists.SOME
