"""Decides what is wrong with an area: its words, circles and heights."""

from __future__ import annotations

import math
from collections.abc import Callable

from crisis.cap.geometry import FARTHEST_KM
from crisis.cap.nouns import Area
from crisis.cap.rules_alert import Found
from crisis.cap.rules_info import HIDDEN, holds_entity, holds_tags


def area_required(area: Area) -> Found:
    """X-REQUIRED: an area is described in words (CAP 1.2 section 3.2.4)."""
    if not area.desc:
        yield "areaDesc", "is missing"


def area_hidden(area: Area) -> Found:
    """W-TEXT: the words for an area hold no control, direction or zero-width character (Unicode TR 36)."""
    if not area.desc.isprintable() and HIDDEN.search(area.desc):
        yield "areaDesc", "holds control or direction characters"


def area_entity(area: Area) -> Found:
    """W-TEXT-ENTITY: the words for an area hold no character that was escaped twice (section 3.3.1)."""
    if "&" in area.desc and holds_entity(area.desc):
        yield "areaDesc", "holds an entity that was escaped twice"


def area_html(area: Area) -> Found:
    """W-TEXT-HTML: the words for an area are plain text, not HTML (section 3.3.1)."""
    if "<" in area.desc and holds_tags(area.desc):
        yield "areaDesc", "holds HTML tags"


def circle_format(area: Area) -> Found:
    """R-CIRCLE-FORMAT: a circle is a point on earth and a radius in km from 0 up (section 3.2.4)."""
    for at, spot in enumerate(area.circles):
        # Written so that NaN, which compares false with everything, is caught too.
        if not (abs(spot.lat) <= 90 and abs(spot.lon) <= 180 and 0 <= spot.radius < FARTHEST_KM):
            yield f"circle[{at}]", "has a centre or radius out of range"


def height_number(area: Area) -> Found:
    """X-NUMBER: heights are numbers (section 3.2.4)."""
    if area.altitude is not None and not math.isfinite(area.altitude):
        yield "altitude", "is not a number"
    if area.ceiling is not None and not math.isfinite(area.ceiling):
        yield "ceiling", "is not a number"


def ceiling(area: Area) -> Found:
    """R-CEILING: a ceiling stands above an altitude, never alone (section 3.2.4)."""
    if area.ceiling is None:
        return
    if area.altitude is None:
        yield "ceiling", "is given without an altitude"
    elif area.ceiling < area.altitude:
        yield "ceiling", "is below the altitude"


AreaRule = Callable[[Area], Found]
AREA_RULES: tuple[tuple[str, AreaRule], ...] = (
    ("X-REQUIRED", area_required),
    ("W-TEXT", area_hidden),
    ("W-TEXT-ENTITY", area_entity),
    ("W-TEXT-HTML", area_html),
    ("R-CIRCLE-FORMAT", circle_format),
    ("X-NUMBER", height_number),
    ("R-CEILING", ceiling),
)
