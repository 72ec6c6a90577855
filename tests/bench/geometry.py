"""`python -m tests.bench.geometry [--json]`: match a large nowcast to every village, beside a plain loop of shapely."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import shapely
from shapely import MultiPolygon, Polygon

from crisis.cap.nouns import Alert, Area, Info, MsgType, Ring, Scope, Status
from crisis.cap.read import UNDATED
from crisis.model.area import parse_geojson
from crisis.model.gazetteer import Gazetteer, Known

ROOT = Path(__file__).parents[2]
SEED = 20261121
GOAL_MS = 20  # and 100 is the promise


def villages() -> list[Known]:
    """The 117 villages of the shared sample, or as many made-up ones of the same size where there is none."""
    samples = Path(os.environ.get("CRISIS_TEST_SAMPLES") or ROOT.parent / "shared" / "data")
    path = samples / "geo" / "kubu_raya_desa.geojson"
    if path.is_file():
        areas, _ = parse_geojson(path.read_bytes(), path.name)
        return [Known(id=at, code=area.code, name=area.name, geometry=area.geometry) for at, area in enumerate(areas)]
    cells = [(108.9 + 0.08 * (at % 13), -1.0 + 0.12 * (at // 13)) for at in range(117)]
    shapes = [Polygon([*_wavy(x, x + 0.08, y, 20), *_wavy(x + 0.08, x, y + 0.12, 20)]) for x, y in cells]
    return [
        Known(id=at, code=f"61.12.01.{2001 + at}", name=f"Desa {at}", geometry=MultiPolygon([shape]))
        for at, shape in enumerate(shapes)
    ]


def _wavy(start: float, end: float, y: float, steps: int) -> list[tuple[float, float]]:
    return [(start + (end - start) * at / steps, y + 0.004 * math.sin(at)) for at in range(steps + 1)]


def nowcast(over: MultiPolygon, seed: int = SEED) -> Alert:
    """An alert as BMKG draws them: one area, 150 rough rings of 20 points over the district and around it."""
    rng = random.Random(seed)
    west, south, east, north = over.bounds
    spots = [(rng.uniform(south - 0.2, north + 0.2), rng.uniform(west - 0.2, east + 0.2)) for _ in range(150)]
    rings = tuple(_ring(rng, lat, lon) for lat, lon in spots)
    area = Area(desc="Kalimantan Barat", polygons=rings)
    return Alert(
        identifier="2.49.0.1.360.0.2026.11.21.01.61.001", sender="cuaca@example.id", sent=UNDATED,
        status=Status.ACTUAL, msg_type=MsgType.ALERT, scope=Scope.PUBLIC, infos=(Info(language="id", areas=(area,)),),
    )  # fmt: skip


def _ring(rng: random.Random, lat: float, lon: float) -> Ring:
    far = [rng.uniform(0.02, 0.07) for _ in range(19)]
    turns = [at * 2 * math.pi / 19 for at in range(19)]
    points = [
        (round(lat + r * math.sin(t), 3), round(lon + r * math.cos(t), 3)) for r, t in zip(far, turns, strict=True)
    ]
    return (*points, points[0])


def plain_loop(alert: Alert, places: list[Known]) -> dict[int, float]:
    """What anyone would write first: unite the rings, intersect with every village, compare areas in degrees."""
    whole = shapely.union_all([Polygon([(y, x) for x, y in ring]) for ring in alert.infos[0].areas[0].polygons])
    shares = {place.id: place.geometry.intersection(whole).area / place.geometry.area for place in places}
    return {place: share for place, share in shares.items() if share}


def timed(run: Callable[[], object], rounds: int) -> list[float]:
    """Milliseconds of each round."""
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        took.append((time.perf_counter() - start) * 1000)
    return took


def figures(rounds: int = 30) -> dict[str, object]:
    """Measure both on the same alert, and compare what they found."""
    places = villages()
    start = time.perf_counter()
    gazetteer = Gazetteer(places)
    built = (time.perf_counter() - start) * 1000
    alert = nowcast(gazetteer.whole)
    where, plain = gazetteer.find(alert), plain_loop(alert, places)
    assert where.shares.keys() == plain.keys()
    farthest = max(abs(where.shares[place] - plain[place]) for place in plain)
    ours, theirs = timed(lambda: gazetteer.find(alert), rounds), timed(lambda: plain_loop(alert, places), rounds)
    mine, bare = statistics.median(ours), statistics.median(theirs)
    return {
        "bench": "geometry",
        "figure": round(mine, 1),
        "unit": f"ms, 150 polygons of 3,000 points on {len(places)} villages",
        "range": [round(min(ours), 1), round(max(ours), 1)],
        "peer": "a loop of shapely's union and intersection, without shape, doubts or kilometres",
        "peer_figure": round(bare, 1),
        "ratio": round(mine / bare, 2),
        "goal": GOAL_MS,
        "met": mine < GOAL_MS,
        "touched": len(where.shares),
        "largest_difference_of_a_share": round(farthest, 6),
        "built_once_ms": round(built, 1),
        "seed": SEED,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.geometry", description=__doc__)
    parser.add_argument("--json", action="store_true")
    asked, told = parser.parse_args(), figures()
    print(json.dumps(told) if asked.json else "\n".join(f"{key:>30}  {value}" for key, value in told.items()))


if __name__ == "__main__":
    main()
