"""Words and shapes into PDF and PNG by typst: words go in as JSON values, never as source, so none is markup."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

TEMPLATES = Path(__file__).with_name("templates")
PAGES = re.compile(rb"/Type\s*/Pages\b[^>]*?/Count (\d+)|/Count (\d+)[^>]*?/Type\s*/Pages\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """One made paper: its bytes, how many pages, and why it is not PDF/UA, where it is not."""

    content: bytes
    pages: int = 1
    why: str = ""


def pdf(template: str, values: Mapping[str, Any], fonts: typst.Fonts) -> Printed:
    """Make a tagged PDF, PDF/UA-1 (ISO 14289-1) unless typst finds fault with it; raise typst.TypstError.

    The same values give the same bytes: no clock, no date.
    """
    compiler = _compiler(fonts)
    how: dict[str, Any] = {"input": str(TEMPLATES / f"{template}.typ"), "sys_inputs": _inputs(values), "format": "pdf"}
    try:
        content, why = _bytes(compiler.compile(pdf_standards=["ua-1"], **how)), ""
    except typst.TypstError as error:
        content, why = _bytes(compiler.compile(pdf_standards=[], **how)), _reason(error)
    return Printed(content=content, pages=_pages(content), why=why)


def png(template: str, values: Mapping[str, Any], fonts: typst.Fonts) -> Printed:
    """Make a PNG of the first page, one pixel for each point of it; raise typst.TypstError."""
    how: dict[str, Any] = {"input": str(TEMPLATES / f"{template}.typ"), "sys_inputs": _inputs(values)}
    made = _compiler(fonts).compile(format="png", ppi=72, **how)
    return Printed(content=_bytes(made))


@lru_cache(maxsize=4)
def _compiler(fonts: typst.Fonts) -> typst.Compiler:
    """Keep a compiler for each set of fonts: it remembers the parsed templates."""
    return typst.Compiler(root=str(TEMPLATES), font_paths=fonts, ignore_system_fonts=True)


def _inputs(values: Mapping[str, Any]) -> dict[str, str]:
    return {"sheet": json.dumps(values, ensure_ascii=False, sort_keys=True)}


def _bytes(made: bytes | list[bytes] | None) -> bytes:
    return b"".join(made[:1]) if isinstance(made, list) else made or b""


def _pages(content: bytes) -> int:
    found = PAGES.search(content)
    return int(found[1] or found[2]) if found else 1


def _reason(error: typst.TypstError) -> str:
    return str(error).strip().partition("\n")[0][:160]
