"""The registry of channels: one line each, loaded when it is first asked for, so that a kit's process loads no SMS."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from channels.contract import Channel

WHERE: Final = {
    "sms": ("channels.sms.smpp", "Smpp"),
    "telegram": ("channels.chat.telegram", "Telegram"),
    "mastodon": ("channels.social.mastodon", "Mastodon"),
    "page": ("channels.page", "Page"),
    "radio": ("channels.radio.radio", "Radio"),
    "webhook": ("channels.push.webhook", "Webhook"),
}


@cache
def kinds() -> Mapping[str, type[Channel]]:
    """Give every channel's class by its name; whoever builds none of them has none of their libraries loaded."""
    return MappingProxyType({name: getattr(import_module(module), kind) for name, (module, kind) in WHERE.items()})
