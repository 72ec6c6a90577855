"""The QR code of a link, as SVG, large enough that a telephone reads it from a photocopy."""

from __future__ import annotations

import io
from dataclasses import dataclass

import segno

LONGEST = 600  # characters; more make a code that no cheap camera reads
FINE = 49  # modules a side, version 8
MODULE_MM = 0.6  # of paper; about 3.5 pixels at 150 dpi


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A drawn code: its SVG and how many modules it is wide with the quiet zone of four on each side."""

    svg: str
    modules: int

    @property
    def millimetres(self) -> float:
        return max(28.0, self.modules * MODULE_MM)


def code(link: str) -> Code | None:
    """Draw the link at level H, which bears a third of it dirty, at M where H would be too fine; None if too long.

    ISO/IEC 18004: quiet zone of 4 modules.
    """
    if not link or len(link) > LONGEST:
        return None
    made = segno.make_qr(link, error="h", boost_error=False)
    if made.symbol_size(border=0)[0] > FINE:
        made = segno.make_qr(link, error="m", boost_error=False)
    out = io.BytesIO()
    made.save(out, kind="svg", border=4, xmldecl=False, svgns=True, omitsize=True, light="#ffffff")
    return Code(svg=out.getvalue().decode(), modules=int(made.symbol_size(border=4)[0]))
