"""Fetching: only what changed, only where it may lead, never more than it can hold, and one sentence for a fault."""

from __future__ import annotations

import gzip
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from crisis.feeds.fetch import CannotRead, bare, fetch, is_public, open_session, shown
from deploy.sandbox.feeds import FeedServer

BODY = b"<feed>" + b"x" * 1000 + b"</feed>"


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened


async def refused(session: aiohttp.ClientSession, url: str, **how: Any) -> CannotRead:
    with pytest.raises(CannotRead) as caught:
        await fetch(session, url, **how)
    assert "\n" not in str(caught.value)
    return caught.value


async def test_what_has_not_changed_is_not_sent_again(
    server_of_feeds: FeedServer, session: aiohttp.ClientSession
) -> None:
    """The ETag and date of the last answer go with the next question, and a 304 is no empty feed."""
    page = server_of_feeds.publish("/feed", BODY)
    first = await fetch(session, server_of_feeds.url("/feed"))
    assert (first.status, first.body, first.unchanged) == (200, BODY, False)
    again = await fetch(session, server_of_feeds.url("/feed"), etag=first.etag, last_modified=first.last_modified)
    assert (again.status, again.body, again.unchanged) == (304, b"", True)
    assert (again.etag, again.last_modified) == (first.etag, first.last_modified)
    by_date = await fetch(session, server_of_feeds.url("/feed"), last_modified=first.last_modified)
    assert by_date.unchanged
    server_of_feeds.publish("/feed", BODY + b"<!-- -->")
    changed = await fetch(session, server_of_feeds.url("/feed"), etag=first.etag, last_modified=first.last_modified)
    assert (changed.unchanged, changed.body) == (False, BODY + b"<!-- -->")
    assert page.answered_304 == 2


async def test_a_304_nobody_asked_for_is_a_fault(server_of_feeds: FeedServer, session: aiohttp.ClientSession) -> None:
    """Without an ETag of ours there is nothing that could be unchanged."""

    async def broken(_: web.BaseRequest) -> web.Response:
        return web.Response(status=304)

    async with Serving(broken) as url:
        assert "answered 304" in str(await refused(session, url))


async def test_it_says_who_it_is_and_takes_packed_bodies(
    server_of_feeds: FeedServer, session: aiohttp.ClientSession
) -> None:
    """A polite reader names itself; gzip is unpacked, members after one another and padding too."""
    server_of_feeds.publish("/feed", BODY, packed=True)
    assert (await fetch(session, server_of_feeds.url("/feed"), accept="application/atom+xml")).body == BODY
    _, headers = server_of_feeds.requests[-1]
    assert headers["User-Agent"].startswith("crisis-broadcast")
    assert headers["Accept"] == "application/atom+xml"

    async def members(_: web.BaseRequest) -> web.Response:
        body = gzip.compress(BODY) + gzip.compress(BODY * 300) + bytes(7)
        return web.Response(body=body, headers={"Content-Encoding": "gzip"})

    async with Serving(members) as url:
        assert (await fetch(session, url)).body == BODY * 301


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("error", "answered 500 Internal Server Error"),
        ("hang", "did not answer in full within 0.5 seconds"),
        ("slow", "did not answer in full within 0.5 seconds"),
        ("drop", "hung up without an answer"),
        ("truncate", "broke off in the middle"),
        ("bomb", "is larger than 1 MB"),
        ("huge", "is larger than 1 MB"),
        ("brotli", "packed as 'br'"),
        ("gone", "answered 410 Gone"),
    ],
)
async def test_every_fault_of_a_server_is_one_sentence(
    server_of_feeds: FeedServer, session: aiohttp.ClientSession, fault: str, says: str
) -> None:
    """Whatever a server does, it ends soon, holds no more than it may, and says what happened."""
    server_of_feeds.publish("/feed", BODY, fault=fault)
    error = await refused(session, server_of_feeds.url("/feed"), timeout=0.5 if "0.5" in says else 20, most_bytes=2**20)
    assert says in str(error)
    assert error.lasting == (fault in ("gone", "bomb", "huge"))


async def test_a_packed_body_that_breaks_off_is_not_taken_for_whole(session: aiohttp.ClientSession) -> None:
    """Half a feed would look like one whose other alerts have gone."""

    async def half(_: web.BaseRequest) -> web.Response:
        return web.Response(body=gzip.compress(BODY * 50)[:-30], headers={"Content-Encoding": "gzip"})

    async with Serving(half) as url:
        assert "broke off in the middle" in str(await refused(session, url))


async def test_what_a_server_asks_for_is_passed_on(server_of_feeds: FeedServer, session: aiohttp.ClientSession) -> None:
    """Retry-After is understood in seconds and as a date; nonsense in it is no fault."""
    page = server_of_feeds.publish("/feed", BODY, fault="throttle", retry_after="90")
    assert (await refused(session, server_of_feeds.url("/feed"))).retry_after == timedelta(seconds=90)
    page.retry_after = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    waits = (await refused(session, server_of_feeds.url("/feed"))).retry_after
    assert waits is not None
    assert timedelta(minutes=9) < waits <= timedelta(minutes=10)
    for nonsense in ("soon", "-5", "99999999999", "1.5"):
        page.retry_after = nonsense
        error = await refused(session, server_of_feeds.url("/feed"))
        assert (error.retry_after, error.lasting) == (None, False)


async def test_redirects_stay_where_the_feed_may_lead(
    server_of_feeds: FeedServer, session: aiohttp.ClientSession
) -> None:
    """Its own host always, another only from the list, three at most; the sentence says what to allow."""
    server_of_feeds.publish("/feed", BODY)
    server_of_feeds.publish("/old", b"", location="/feed")
    assert (await fetch(session, server_of_feeds.url("/old"))).url == server_of_feeds.url("/feed")
    other = f"http://localhost:{server_of_feeds.port}/feed"
    server_of_feeds.publish("/moved", b"", location=other)
    error = await refused(session, server_of_feeds.url("/moved"))
    assert "add --host localhost" in str(error)
    assert error.lasting
    server_of_feeds.publish("/round", b"", location="/round")
    assert "redirects more than 3 times" in str(await refused(session, server_of_feeds.url("/round")))
    assert server_of_feeds.pages["/round"].asked == 4


async def test_a_listed_host_inside_the_network_is_still_refused(
    server_of_feeds: FeedServer, session: aiohttp.ClientSession
) -> None:
    """A name that resolves to this machine or network is only for the feed that lives there."""
    server_of_feeds.publish("/feed", BODY)
    by_name = f"http://localhost:{server_of_feeds.port}/feed"
    error = await refused(session, by_name, own=server_of_feeds.url("/"), hosts=["localhost"])
    assert "leads inside a network" in str(error)
    error = await refused(session, server_of_feeds.url("/feed"), own="http://feeds.example/", hosts=["127.0.0.1"])
    assert "inside a network" in str(error)
    assert server_of_feeds.requests == []
    assert (await fetch(session, by_name)).body == BODY


@pytest.mark.parametrize(
    ("url", "own", "says"),
    [
        ("http://feeds.example/a", "https://feeds.example/", "from https to http"),
        ("https://evil.example/a", "https://feeds.example/", "add --host evil.example"),
        ("file:///etc/passwd", "https://feeds.example/", "not an address of the web"),
        ("ftp://feeds.example/a", "https://feeds.example/", "not an address of the web"),
        ("gopher://127.0.0.1:70/", "https://feeds.example/", "not an address of the web"),
        ("https:///a", "https://feeds.example/", "not an address of the web"),
        ("https://feeds.example@evil.example/a", "https://feeds.example/", "add --host evil.example"),
        ("https://[::1/a", "https://feeds.example/", "cannot be read"),
        ("https://feeds.example:99999/a", "https://feeds.example/", "cannot be read"),
    ],
)
async def test_links_are_held_to_the_feeds_own_terms(
    session: aiohttp.ClientSession, url: str, own: str, says: str
) -> None:
    """No other scheme, no step down to http, no other host, whatever stands before an @."""
    assert says in str(await refused(session, url, own=own))


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_an_address_inside_is_known_in_every_disguise(address: str, public: bool) -> None:
    """Loopback, private, link-local, carrier NAT, multicast, and all of them wrapped in IPv6."""
    assert is_public(address) is public


async def test_a_password_goes_to_its_own_server_only_and_into_no_sentence(
    server_of_feeds: FeedServer, session: aiohttp.ClientSession
) -> None:
    """Neither redirects nor words carry it away; links on the same server get it."""
    server_of_feeds.publish("/feed", BODY)
    own = f"http://officer:s3cret@127.0.0.1:{server_of_feeds.port}/feed?key=k3y"
    await fetch(session, own)
    await fetch(session, server_of_feeds.url("/feed"), own=own)
    assert [headers.get("Authorization", "")[:6] for _, headers in server_of_feeds.requests] == ["Basic ", "Basic "]
    async with Serving(_secrets) as other:
        assert (await fetch(session, other, own=own)).body == b"no secrets"
    server_of_feeds.publish("/feed", BODY, fault="error")
    error = await refused(session, own)
    assert "s3cret" not in str(error)
    assert "k3y" not in str(error)
    assert shown(own) == f"http://127.0.0.1:{server_of_feeds.port}/feed?..."
    assert bare(own) == f"http://127.0.0.1:{server_of_feeds.port}/feed?key=k3y"


async def _secrets(request: web.BaseRequest) -> web.Response:
    return web.Response(text=request.headers.get("Authorization", "no secrets"))


async def test_a_certificate_nobody_vouches_for_is_a_fault(session: aiohttp.ClientSession, tmp_path: Path) -> None:
    """A self-made certificate is told in one sentence, and nothing is read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_self_made(tmp_path))
    async with Serving(_secrets, context) as url:
        assert "certificate is not to be trusted" in str(await refused(session, url))


async def test_nobody_listening_is_a_fault(session: aiohttp.ClientSession, free_port: Any) -> None:
    """The system's own words say why."""
    error = await refused(session, f"http://127.0.0.1:{free_port()}/feed")
    assert "cannot be read: " in str(error)
    assert isinstance(error, CannotRead)
    assert not error.lasting


class Serving:
    """`async with Serving(answer) as url` runs a server of one answer."""

    def __init__(self, answer: Any, context: ssl.SSLContext | None = None) -> None:
        self._runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=1)
        self._context = context

    async def __aenter__(self) -> str:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._context).start()
        return f"http{'s' if self._context else ''}://127.0.0.1:{self._runner.addresses[0][1]}/"

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


def _self_made(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "self.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


async def test_a_closed_door_is_told_in_words(session: aiohttp.ClientSession, free_port: Callable[[], int]) -> None:
    """Officers read it at night: no name of a function, no tuple."""
    error = await refused(session, f"http://127.0.0.1:{free_port()}/feed")
    assert str(error).endswith("/feed cannot be read: nothing answers there, the connection was refused")
