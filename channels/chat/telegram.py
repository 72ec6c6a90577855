"""Sends a notice to Telegram chats through a bot, and hands on what residents write to it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Self

from channels.contract import (
    Address,
    Incoming,
    Limit,
    Misconfigured,
    Notice,
    OptedOut,
    Reach,
    Refused,
    Report,
    SendError,
    Size,
    Take,
    Unavailable,
    Unsure,
    one_by_one,
)
from channels.http import Account, Http, Reply, account, fault
from channels.window import Window

POLL: Final = 25  # seconds Telegram holds a getUpdates open
GONE: Final = ("bot was blocked", "user is deactivated", "bot was kicked")
KINDS: Final = {  # what a resident can send besides text, in the words officers and triage read
    "photo": "foto",
    "video": "video",
    "video_note": "video",
    "voice": "pesan suara",
    "audio": "audio",
    "document": "berkas",
    "sticker": "stiker",
    "contact": "kontak",
    "poll": "jajak pendapat",
}


def measure(text: str) -> Size:
    """Count a text in UTF-16 code units, as the Bot API does."""
    return Size(units=len(text.encode("utf-16-le", "surrogatepass")) // 2, encoding="UTF-16")


class Telegram:
    """One bot (Telegram Bot API: sendMessage, getUpdates)."""

    name: ClassVar[str] = "telegram"
    reach: ClassVar[Reach] = Reach.ADDRESSED
    limit: ClassVar[Limit] = Limit(renditions=("long", "short"), most_parts=1, most_units=4096, measure=measure)
    idempotent: ClassVar[bool] = False
    receipts: ClassVar[bool] = False
    inbound: ClassVar[bool] = True
    concurrency: int = 20

    def __init__(self, bot: Account, *, timeout: float = 20.0) -> None:
        self.rate = bot.number("rate")
        self._bot = f"/bot{bot.token}/"
        self.concurrency = bot.whole("concurrency")
        self._window = Window(self.concurrency)
        self._http = Http(bot.origin, secrets=(bot.token,), concurrency=self.concurrency, timeout=timeout)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Build from https://BOT_TOKEN@api.telegram.org/?rate=25&concurrency=20, the token as BotFather gave it."""
        bot = account(url, cls.name, rate="25", concurrency=str(cls.concurrency))
        if not re.fullmatch(r"\d+:[\w-]+", bot.token, re.ASCII):
            raise Misconfigured(f"{cls.name}: the token in its URL must look like 123456:ABC-def")
        return cls(bot)

    async def open(self) -> None:
        await self._http.open()

    async def close(self) -> None:
        await self._http.close()

    async def send(self, notice: Notice, addresses: AsyncIterable[Address], report: Report) -> None:
        """Send to each chat; the ref is the post's number within its chat."""
        words = json.dumps({"text": notice.text, "disable_web_page_preview": True})[1:].encode()

        async def send_one(_: Notice, address: Address) -> tuple[str, ...]:
            body = b'{"chat_id": ' + json.dumps(address.value).encode() + b", " + words
            result = self._result(await self._http.ask("POST", self._bot + "sendMessage", raw=body))
            if not isinstance(result, dict) or "message_id" not in result:
                raise Unsure("the reply names no post: is this the Bot API?", code="no message_id")
            return (str(result["message_id"]),)

        await one_by_one(send_one, notice, addresses, report, self._window)

    async def listen(self, take: Take) -> None:
        """Hand on each update once `take` has it: the next poll confirms those before it, never earlier."""
        offset = 0
        while True:
            began = asyncio.get_running_loop().time()
            updates = await self._updates(offset)
            if letters := [letter for update in updates if (letter := read_update(update))]:
                await take(letters)
            if updates:
                offset = max(int(update["update_id"]) for update in updates) + 1
            elif asyncio.get_running_loop().time() - began < 1:
                await asyncio.sleep(1)  # a server that does not hold the poll open must not be hammered

    async def _updates(self, offset: int) -> list[dict[str, Any]]:
        body = {"offset": offset, "timeout": POLL, "allowed_updates": ["message", "edited_message"]}
        try:
            reply = await self._http.ask("POST", self._bot + "getUpdates", body=body, timeout=POLL + 10)
        except Unsure as lost:
            raise Unavailable(str(lost)) from None  # asking twice changes nothing at Telegram
        result = self._result(reply)
        if not isinstance(result, list):
            raise Unavailable("the reply holds no updates: is this the Bot API?", code="no updates")
        return [u for u in result if isinstance(u, dict) and isinstance(u.get("update_id"), int)]

    def _result(self, reply: Reply) -> object:
        body = reply.json()
        if reply.status != 200 and (error := judge(reply, says=self._http.clean(body.get("description")))):
            raise error
        return body.get("result")


def judge(reply: Reply, *, says: str) -> SendError | None:
    """Judge a reply of the Bot API (core.telegram.org/bots/api, "Making requests")."""
    told = reply.json().get("parameters")
    parameters = told if isinstance(told, dict) else {}
    text, wait = says.lower(), parameters.get("retry_after")
    match reply.status:
        case 400 if "migrate_to_chat_id" in parameters:
            return Refused("the group has become a supergroup with another id", code="migrate_to_chat_id")
        case 400 if "chat not found" in text:
            return Refused("the chat does not exist", code="400 chat not found")
        case 403 if any(sign in text for sign in GONE):
            return OptedOut(says, code="403")
        case 404:
            return Misconfigured("Telegram does not know this bot: mend the token", code="404")
        case 409:
            return Unavailable("another program reads this bot's updates, or a webhook is set", code="409")
    after = float(wait) if isinstance(wait, int | float) else None
    denied = Refused if reply.status == 403 else Misconfigured
    return fault(reply, says=says, after=after, denied=denied)


def read_update(update: Mapping[str, Any]) -> Incoming | None:
    """Read what a resident wrote from an update; None if nobody wrote (a change of settings, a button)."""
    letter = update.get("message") or update.get("edited_message")
    if not isinstance(letter, dict):
        return None
    sender = _part(letter, "chat").get("id", _part(letter, "from").get("id"))
    if sender is None:
        return None
    return Incoming(
        id=str(update["update_id"]), sender=str(sender), text=_words(letter), at=_moment(letter.get("date"))
    )


def _words(letter: Mapping[str, Any]) -> str:
    """Put in words whatever was sent, so that an officer at least sees that something came."""
    written = str(letter.get("text") or letter.get("caption") or "")
    return " ".join(filter(None, (_kind(letter), written))) or "[lain]"


def _kind(letter: Mapping[str, Any]) -> str:
    spot = _part(letter, "location") or _part(_part(letter, "venue"), "location")
    if spot:
        return f"[lokasi {spot.get('latitude')},{spot.get('longitude')}]"
    return next((f"[{words}]" for kind, words in KINDS.items() if kind in letter), "")


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}


def _moment(date: object) -> datetime:
    """Read a date in seconds, or in milliseconds as some emulators give; now if there is none."""
    if not isinstance(date, int | float) or not 0 < date < 1e14:
        return datetime.now(UTC)
    return datetime.fromtimestamp(date / 1000 if date > 1e11 else date, UTC)
