"""A server of feeds, and alerts to put on it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from deploy.sandbox.feeds import FeedServer


@pytest.fixture
async def server_of_feeds() -> AsyncIterator[FeedServer]:
    """A loopback server that tests publish feeds on."""
    async with FeedServer() as running:
        yield running
