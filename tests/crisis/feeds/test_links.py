"""Links of an index: where they lead."""

from __future__ import annotations

import pytest

from crisis.feeds.links import by_https


@pytest.mark.parametrize(
    ("link", "own", "followed"),
    [
        ("http://www.gdacs.org/cap.aspx?id=1", "https://www.gdacs.org/rss.xml", "https://www.gdacs.org/cap.aspx?id=1"),
        ("http://feeds.example:8080/a", "https://feeds.example/", "http://feeds.example:8080/a"),
        ("http://feeds.example/a", "http://feeds.example/", "http://feeds.example/a"),
        ("https://feeds.example/a", "https://feeds.example/", "https://feeds.example/a"),
        ("http://[feeds.example/a", "https://feeds.example/", "http://[feeds.example/a"),
        ("ftp://feeds.example/a", "https://feeds.example/", "ftp://feeds.example/a"),
        ("http://name@feeds.example/a", "https://feeds.example/", "http://name@feeds.example/a"),
    ],
)
def test_a_plain_link_of_an_https_feed_is_asked_for_by_https(link: str, own: str, followed: str) -> None:
    """Nobody on the way can change what a safe feed leads to, and no alert is lost for an address of old."""
    assert by_https(link, own) == followed
