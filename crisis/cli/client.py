"""Asks the service over its HTTP API, and says in one sentence what went wrong where it could not."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar
from urllib.parse import urlencode, urlsplit

from crisis.errors import BadInput, CrisisError, Fault, IllegalMove, NotAllowed, NotFound, NotReady
from crisis.settings import Settings

T = TypeVar("T")

API = "/api/v1"
TIMEOUT = 60.0  # seconds; an import of many residents takes a while
AGAIN = (0.5, 1.0, 2.0)  # seconds before each repeat of what may be repeated

ERRORS: Mapping[int, type[CrisisError]] = {
    400: BadInput,
    403: NotAllowed,
    404: NotFound,
    409: IllegalMove,
    503: NotReady,
}


class Unreachable(NotReady):
    """No connection: nothing was asked."""


class NoAnswer(NotReady):
    """It was asked, and may or may not have been done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The service at one address, spoken to as one officer."""

    url: str
    token: str = field(repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Give the client the settings describe; raise BadInput where the token is missing."""
        token = settings.token.get_secret_value().strip() if settings.token else ""
        if not token:
            raise BadInput(
                "CRISIS_TOKEN is not set: set it to your officer's token; an admin makes one with `crisis officer add`"
            )
        _must_be_plain("CRISIS_TOKEN", token)
        return cls(url=settings.url, token=token)

    def ask(self, method: str, path: str, body: object = None, *, key: str = "", **query: str) -> Any:
        """Ask for one thing and give the JSON of the reply; what carries a key is repeated until it is answered.

        Raise the CrisisError the service told of, Unreachable or NoAnswer.
        """
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        _must_be_plain("--key", key)
        headers = {"Idempotency-Key": key} if key else {}
        target = path + (f"?{urlencode(query)}" if query else "")
        return _again(lambda: self._once(method, target, raw, headers), AGAIN if key else ())

    def _once(self, method: str, target: str, raw: bytes | None, headers: Mapping[str, str]) -> Any:
        with self.reply(method, target, raw, headers) as response:
            status, content = response.status, response.read()
        return self.understand(status, content)

    @contextlib.contextmanager
    def reply(
        self,
        method: str,
        path: str,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
    ) -> Iterator[http.client.HTTPResponse]:
        """Give the open reply of the service; a connection that breaks inside is told as NoAnswer."""
        connection = self._connect(timeout)
        everything = {"Authorization": f"Bearer {self.token}", "Accept": "application/json", **(headers or {})}
        try:
            # A large upload may be refused before it is read: the reply says why.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, urlsplit(self.url).path + API + path, raw, everything)
            yield connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(
                f"the service at {self.url} gave no answer ({str(error) or type(error).__name__}): "
                "it may or may not have done what you asked; look before you ask again"
            ) from error
        finally:
            connection.close()

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        try:
            there = urlsplit(self.url)
            if not there.hostname:
                raise ValueError("it names no host")
            # Neither proxies nor redirects: a token goes where CRISIS_URL says and nowhere else.
            kind = http.client.HTTPSConnection if there.scheme == "https" else http.client.HTTPConnection
            connection = kind(there.hostname, there.port, timeout=timeout)
            connection.connect()
        except (ValueError, http.client.InvalidURL) as error:
            raise BadInput(f"CRISIS_URL: {self.url} is no address of a service ({error})") from error
        except OSError as error:
            why = error.strerror or str(error) or type(error).__name__
            raise Unreachable(
                f"the service is not reachable at {self.url} ({why}): is `crisis serve` running?"
            ) from error
        return connection

    def understand(self, status: int, content: bytes) -> Any:
        """Give the JSON of a reply, or raise what it tells of."""
        try:
            found = json.loads(content)
        except ValueError:
            found = None
        if status < 300 and found is not None:
            return found
        if not isinstance(found, dict) or "error" not in found:
            raise NotReady(f"the service at {self.url} answered {status}, nothing we understand: check CRISIS_URL")
        if faults := found.get("faults"):
            raise BadInput([Fault(**fault) for fault in faults])
        raise ERRORS.get(status, CrisisError)(found["error"])


def _again(attempt: Callable[[], T], waits: tuple[float, ...]) -> T:
    for wait in waits:
        try:
            return attempt()
        except NotReady:
            time.sleep(wait)
    return attempt()


def _must_be_plain(name: str, text: str) -> None:
    if not (text.isascii() and text.isprintable()):
        raise BadInput(f"{name} holds signs that cannot be sent: copy it again")
