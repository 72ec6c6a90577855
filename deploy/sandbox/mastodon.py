"""A Mastodon page on loopback for demonstrations and tests: POST /api/v1/statuses as servers answer it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from deploy.sandbox.loopback import Fault, Loopback, fields, reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What stands on the page; `key` is the Idempotency-Key it came with."""

    id: str
    text: str
    language: str
    in_reply_to_id: str
    key: str
    at: datetime


class MastodonSandbox(Loopback):
    """One page; a post with a key already seen is the same post, and more than 500 characters is a 422."""

    def __init__(self, port: int = 0, token: str = "t") -> None:
        super().__init__(port=port, token=token)
        self.posts: list[Post] = []
        self.longest = 500
        self._last_id = 110_000_000_000_000_000
        self._by_key: dict[str, Post] = {}
        self._ids: set[str] = set()

    def delete(self, ref: str) -> None:
        """Take a post off the page, as its owner could; what follows it must find another place."""
        self.posts = [post for post in self.posts if post.id != ref]
        self._ids.discard(ref)

    async def answer(self, request: web.BaseRequest, fault: Fault) -> web.StreamResponse:
        now = datetime.now(UTC)
        if fault == "throttle":
            reset = (now + timedelta(seconds=self.retry_after)).isoformat().replace("+00:00", "Z")
            return self._limited({"error": "Too many requests"}, 429, left=0, reset=reset)
        if fault == "error":
            return reply({"error": "Internal server error"}, 500)
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return reply({"error": "The access token is invalid"}, 401)
        if (request.method, request.path) != ("POST", "/api/v1/statuses"):
            return reply({"error": "Record not found"}, 404)
        if fault == "refuse":
            return reply({"error": "Validation failed: Text contains a blocked word"}, 422)
        return self._publish(await fields(request), request.headers.get("Idempotency-Key", ""), now)

    def _publish(self, asked: dict[str, Any], key: str, now: datetime) -> web.Response:
        text, parent = str(asked.get("status", "")), str(asked.get("in_reply_to_id") or "")
        if not text:
            return reply({"error": "Validation failed: Text can't be blank"}, 422)
        if len(text) > self.longest:
            says = f"Validation failed: Text character limit of {self.longest} exceeded"
            return reply({"error": says}, 422)
        if parent and parent not in self._ids:
            return reply({"error": "The post you are trying to reply to does not appear to exist."}, 404)
        post = self._by_key.get(key) or self._keep(text, str(asked.get("language") or ""), parent, key, now)
        reset = (now + timedelta(minutes=5)).isoformat().replace("+00:00", "Z")
        body = {
            "id": post.id,
            "created_at": post.at.isoformat().replace("+00:00", "Z"),
            "in_reply_to_id": post.in_reply_to_id or None,
            "language": post.language or None,
            "visibility": asked.get("visibility", "public"),
            "url": f"http://127.0.0.1:{self.port}/@page/{post.id}",
            "content": post.text,
        }
        return self._limited(body, 200, left=299, reset=reset)

    def _keep(self, text: str, language: str, parent: str, key: str, now: datetime) -> Post:
        self._last_id += 1
        post = Post(id=str(self._last_id), text=text, language=language, in_reply_to_id=parent, key=key, at=now)
        self.posts.append(post)
        self._ids.add(post.id)
        if key:
            self._by_key[key] = post
        return post

    def _limited(self, body: object, status: int, *, left: int, reset: str) -> web.Response:
        return reply(
            body,
            status,
            X_RateLimit_Limit="300",
            X_RateLimit_Remaining=str(left),
            X_RateLimit_Reset=reset,
        )
