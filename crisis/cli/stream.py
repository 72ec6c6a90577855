"""Follows what the service tells as it happens, across lost connections and restarts."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from typing import Any

from crisis.cli.client import Client
from crisis.errors import NotReady

SILENCE = 30.0  # seconds after which a stream without a word is opened anew
PATIENCE = 60.0  # seconds without a service until we give up
PAUSE = 1.0  # seconds before a stream is opened again

Told = tuple[str, dict[str, Any]]


def follow(client: Client, path: str) -> Iterator[Told]:
    """Yield the kind and content of what is told until `end`; raise NotReady when the service stays away."""
    lost: float | None = None  # since when the service does not answer
    while True:
        try:
            for kind, content in _stream(client, path):
                lost = None
                yield kind, content
                if kind == "end":
                    return
        except NotReady:
            lost = lost or time.monotonic()
            if time.monotonic() - lost > PATIENCE:
                raise
        time.sleep(PAUSE)


def _stream(client: Client, path: str) -> Iterator[Told]:
    with client.reply("GET", path, timeout=SILENCE) as response:
        if response.status != 200:
            client.understand(response.status, response.read())
        try:
            yield from parse(iter(response.readline, b""))
        except TimeoutError:
            return  # nothing new for a while


def parse(lines: Iterable[bytes]) -> Iterator[Told]:
    """Read server-sent events whose data is JSON (WHATWG HTML section 9.2.6); one that is cut off is dropped."""
    kind, content = "message", ""
    for raw in lines:
        name, _, value = raw.decode().rstrip("\r\n").partition(":")
        if name == "event":
            kind = value.strip()
        elif name == "data":
            content += value
        elif not name and content:
            yield kind, json.loads(content)
            kind, content = "message", ""
