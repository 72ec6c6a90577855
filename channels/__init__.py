"""The registry of channels: one line each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from channels.chat.telegram import Telegram
from channels.contract import Channel
from channels.page import Page
from channels.push.webhook import Webhook
from channels.radio.radio import Radio
from channels.sms.smpp import Smpp
from channels.social.mastodon import Mastodon

REGISTRY: Mapping[str, type[Channel]] = MappingProxyType(
    {
        "sms": Smpp,
        "telegram": Telegram,
        "mastodon": Mastodon,
        "page": Page,
        "radio": Radio,
        "webhook": Webhook,
    }
)
