"""Megabytes that one officer brings keep nobody else waiting."""

from __future__ import annotations

import asyncio
import io
import json
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.stories.town import SLOTS, Town, residents

PATIENCE = 1 / 3  # of the time a file takes is the most that an officer's click may wait behind it; an eighth is usual
MOST_ROWS = 48  # of outlines; their files have 5 MB

Ring = list[tuple[float, float]]


def outlines() -> list[Ring]:
    """A grid of stars over the north, side by side, each of a hundred corners (lon, lat)."""
    places = [(109.01 + 0.01 * (n % MOST_ROWS), 0.01 + 0.008 * (n // MOST_ROWS)) for n in range(MOST_ROWS**2)]
    return [star(lon, lat) for lon, lat in places]


def star(lon: float, lat: float) -> Ring:
    turns = [(math.tau * n / 100, 0.002 + 0.0004 * (n % 2)) for n in range(100)]
    ring = [(round(lon + r * math.cos(turn), 7), round(lat + r * math.sin(turn), 7)) for turn, r in turns]
    return [*ring, ring[0]]


def launch() -> str:
    """A request to preview an alert that rests on a CAP document of such outlines."""
    sent = datetime.now(UTC).astimezone().replace(microsecond=0)
    spelt = (" ".join(f"{lat:.7f},{lon:.7f}" for lon, lat in ring) for ring in outlines())
    cap = f"""<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>large</identifier>
<sender>met@example.test</sender><sent>{sent.isoformat()}</sent><status>Exercise</status><msgType>Alert</msgType>
<scope>Public</scope><info><language>id</language><category>Met</category><event>Banjir</event>
<urgency>Immediate</urgency><severity>Severe</severity><certainty>Observed</certainty>
<expires>{(sent + timedelta(hours=3)).isoformat()}</expires><headline>Banjir</headline>
<area><areaDesc>Utara</areaDesc>{"".join(f"<polygon>{ring}</polygon>" for ring in spelt)}</area></info></alert>"""
    return json.dumps({"playbook": "flood", "mode": "Exercise", "slots": SLOTS, "cap": cap, "dry_run": True})


def features() -> str:
    """The same outlines as one area in GeoJSON."""
    shape = {"type": "MultiPolygon", "coordinates": [[ring] for ring in outlines()]}
    feature = {"type": "Feature", "properties": {"kode": "61.09", "nama": "Bintang"}, "geometry": shape}
    return json.dumps({"type": "FeatureCollection", "features": [feature]})


async def bring(town: Town, who: str, path: str, text: str) -> tuple[int, Any]:
    """Send a large file as one of the officers."""
    url = f"http://127.0.0.1:{town.service.port}{path}"
    headers = {"Authorization": f"Bearer {town.tokens[who]}"}
    async with town.session.post(url, data=io.BytesIO(text.encode()), headers=headers) as reply:
        return reply.status, await reply.json()


@pytest.mark.parametrize(
    ("who", "path", "write"), [("Rina", "/api/v1/alerts", launch), ("Ani", "/api/v1/areas", features)]
)
async def test_a_large_file_keeps_nobody_waiting(town: Town, who: str, path: str, write: Callable[[], str]) -> None:
    """While it is read, and it takes a while, the service answers others."""
    text = write()
    assert len(text) > 5_000_000
    await town.settle(residents(5))
    brought, waits, began = asyncio.ensure_future(bring(town, who, path, text)), [0.0], time.perf_counter()
    while not brought.done():
        asked = time.perf_counter()
        assert (await town.page("/readyz"))[0] == 200
        waits.append(time.perf_counter() - asked)
    status, told = await brought
    took = time.perf_counter() - began
    print(f"{path}: {took:.1f} s, the longest of {len(waits)} waits {max(waits):.2f} s")
    assert status == 200, told
    assert max(waits) < took * PATIENCE
