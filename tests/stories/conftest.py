"""The town that stories happen in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from deploy.sandbox.mastodon import MastodonSandbox
from deploy.sandbox.smsc import Smsc
from deploy.sandbox.telegram import TelegramSandbox
from tests.stories.town import Hands, Town, open_town


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def town(dsn: str, tmp_path: Path, free_port: Callable[[], int], hands: Hands) -> AsyncIterator[Town]:
    async with open_town(dsn, tmp_path, free_port(), hands) as opened:
        yield opened


@pytest.fixture
async def carriers() -> AsyncIterator[tuple[Smsc, MastodonSandbox, TelegramSandbox]]:
    """The carriers of a process: they outlive it."""
    async with Smsc(receipts=False, delay=0.05) as smsc, MastodonSandbox() as mastodon, TelegramSandbox() as telegram:
        yield smsc, mastodon, telegram
