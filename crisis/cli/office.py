"""The office a command speaks for: its settings, the service as its officer, and its time zone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from crisis.cli.client import Client
from crisis.errors import BadInput
from crisis.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a command that asks the service needs."""

    client: Client
    zone: ZoneInfo


def desk() -> Desk:
    """Read the settings of this process; raise BadInput where one is wrong or the token is missing."""
    settings = Settings.read()
    return Desk(client=Client.of(settings), zone=ZoneInfo(settings.zone))


def read_file(path: Path) -> bytes:
    """Give a file's bytes, or raise BadInput saying why it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror or error})") from error
