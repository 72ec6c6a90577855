"""A Telegram bot server on loopback for demonstrations and tests: sendMessage and getUpdates."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from deploy.sandbox.loopback import Fault, Loopback, fields, reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What the bot sent to one chat."""

    chat_id: str
    text: str
    at: datetime


class TelegramSandbox(Loopback):
    """One bot; chats in `blocked` have blocked it, chats in `unknown` do not exist, all others do."""

    def __init__(self, port: int = 0, token: str = "123:abc") -> None:
        super().__init__(port=port, token=token)
        self.sent: list[Sent] = []
        self.blocked: set[str] = set()
        self.unknown: set[str] = set()
        self.updates: list[dict[str, Any]] = []  # those not yet confirmed by a later offset
        self._last_update = 0
        self._came = asyncio.Condition()
        self._polls = 0

    async def write(self, chat_id: int | str, text: str = "", **parts: object) -> int:
        """Write to the bot as a resident and return the update's id; `parts` add a location or photo."""
        self._last_update += 1
        letter: dict[str, Any] = {
            "message_id": self._last_update,
            "date": int(datetime.now(UTC).timestamp()),
            "chat": {"id": int(chat_id), "type": "private"},
            "from": {"id": int(chat_id), "is_bot": False, "first_name": "Warga"},
            **({"text": text} if text else {}),
            **parts,
        }
        async with self._came:
            self.updates.append({"update_id": self._last_update, "message": letter})
            self._came.notify_all()
        return self._last_update

    async def __aexit__(self, *failure: object) -> None:
        self._closing.set()
        async with self._came:
            self._came.notify_all()
        await super().__aexit__(*failure)

    async def answer(self, request: web.BaseRequest, fault: Fault) -> web.StreamResponse:
        bot, _, method = request.path.removeprefix("/").partition("/")
        if bot != f"bot{self.token}":
            return _no(401, "Unauthorized")
        if fault == "throttle":
            wait = int(self.retry_after) if float(self.retry_after).is_integer() else self.retry_after
            return _no(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
        if fault == "error":
            return _no(500, "Internal Server Error")
        match method.lower():
            case "sendmessage":
                return self._send(await fields(request), fault)
            case "getupdates":
                return await self._get_updates(await fields(request))
            case "getme":
                return _yes({"id": int(self.token.partition(":")[0]), "is_bot": True, "username": "crisis_bot"})
            case _:
                return _no(404, "Not Found")

    def _send(self, asked: dict[str, Any], fault: Fault) -> web.Response:
        chat, text = str(asked.get("chat_id", "")), str(asked.get("text", ""))
        if chat in self.blocked:
            return _no(403, "Forbidden: bot was blocked by the user")
        if fault == "refuse" or chat in self.unknown or not chat.lstrip("-").isdigit():
            return _no(400, "Bad Request: chat not found")
        if not text:
            return _no(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le", "surrogatepass")) > 2 * 4096:
            return _no(400, "Bad Request: message is too long")
        now = datetime.now(UTC)
        self.sent.append(Sent(chat_id=chat, text=text, at=now))
        return _yes(
            {
                "message_id": len(self.sent),
                "date": int(now.timestamp()),
                "chat": {"id": int(chat), "type": "private"},
                "text": text,
            }
        )

    async def _get_updates(self, asked: dict[str, Any]) -> web.Response:
        """Hold the poll until something comes; a second poll ends the first, as Telegram does."""
        offset, wait = int(asked.get("offset") or 0), float(asked.get("timeout") or 0)
        most = min(max(int(asked.get("limit") or 100), 1), 100)
        self.updates = [update for update in self.updates if update["update_id"] >= offset]
        async with self._came:
            self._polls += 1
            mine = self._polls
            self._came.notify_all()
            try:
                async with asyncio.timeout(wait):
                    await self._came.wait_for(
                        lambda: bool(self.updates) or mine != self._polls or self._closing.is_set()
                    )
            except TimeoutError:
                return _yes([])
        if mine != self._polls:
            return _no(409, "Conflict: terminated by other getUpdates request")
        return _yes(self.updates[:most])


def _yes(result: object) -> web.Response:
    return reply({"ok": True, "result": result})


def _no(status: int, says: str, **parameters: object) -> web.Response:
    body: dict[str, object] = {"ok": False, "error_code": status, "description": says}
    return reply(body | ({"parameters": parameters} if parameters else {}), status)
