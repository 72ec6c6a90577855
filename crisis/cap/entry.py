"""The entry: one alert as somebody published it, with its bytes, what could be read and what could not."""

from __future__ import annotations

from dataclasses import dataclass

from crisis.cap.nouns import Alert
from crisis.cap.rules import Warning  # noqa: A004 - what the standard's own tools call it


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One alert of a document or feed; without `alert` it was refused, or is only a link to its CAP document."""

    raw: bytes  # as published, never changed: signatures hold over these
    where: str = ""  # its place in the document: entry[3]
    guid: str = ""  # the feed's own name for it
    link: str = ""  # where the whole alert is to be fetched
    alert: Alert | None = None
    warnings: tuple[Warning, ...] = ()
    refused: str = ""  # why no alert could be read, in one sentence
