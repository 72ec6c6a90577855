"""Logging: `stage.happened` with ids and facts, never a resident's address or words."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

# A plus and eight digits with the separators people write, or nine digits in a row, is taken for a number.
PHONE = re.compile(r"\+\d(?:[ -]?\d){7,}|(?<![\w.])\d{9,}(?![\w.])")
SECRET = re.compile(r"(?i)(token|password|secret|key)=[^\s&]+|(?<=//)[^/@\s]+@|\b\d{6,}:[\w-]{6,}")
SAFE = frozenset({"timestamp", "alert", "dispatch", "batch", "inquiry", "officer", "port", "pid"})


def redact(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank what looks like a phone number or a secret in any text of a log line: the last line of defence."""
    for name, value in line.items():
        if name not in SAFE and isinstance(value, str):
            line[name] = PHONE.sub("[number]", SECRET.sub("[secret]", value))
    return line


def configure(style: str = "console") -> None:
    """Set up logging once for the process: to standard error, readable or as JSON lines."""
    last: Any = structlog.processors.JSONRenderer() if style == "json" else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


def get(stage: str) -> Any:
    """Give the logger of a stage."""
    return structlog.get_logger(stage=stage)
