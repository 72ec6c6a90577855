"""A receiver of CAP alerts on loopback for demonstrations and tests: takes each document once by its key."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiohttp import web

from deploy.sandbox.loopback import Fault, Loopback, reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One document as it came, byte for byte."""

    identifier: str
    key: str
    document: bytes = field(repr=False)


class WebhookSandbox(Loopback):
    """One system; a document with a key already seen is the same document. It refuses what is no CAP."""

    def __init__(self, port: int = 0, token: str = "t") -> None:
        super().__init__(port=port, token=token)
        self.taken: list[Taken] = []
        self.tries = 0  # deliveries of a document, doubles and failures too

    @property
    def url(self) -> str:
        """The account URL a channel is built from."""
        return f"{super().url}cap"

    async def answer(self, request: web.BaseRequest, fault: Fault) -> web.StreamResponse:
        self.tries += 1
        if fault == "throttle":
            return reply({"error": "Too many requests"}, 429, Retry_After=f"{self.retry_after:g}")
        if fault == "error":
            return reply({"error": "Internal server error"}, 500)
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return reply({"error": "The token is wrong"}, 401)
        if (request.method, request.path) != ("POST", "/cap"):
            return reply({"error": "Nothing is here"}, 404)
        if fault == "refuse" or request.content_type != "application/cap+xml":
            return reply({"error": "This is no CAP alert"}, 422)
        key = request.headers.get("Idempotency-Key", "")
        if key not in {one.key for one in self.taken}:
            named = request.headers.get("X-CAP-Identifier", "")
            self.taken.append(Taken(identifier=named, key=key, document=await request.read()))
        return reply({"taken": True}, 202)
