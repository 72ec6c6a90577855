"""`python -m tests.bench.cap`: reading and judging CAP beside what schema validators take for validation alone.

Every peer gets the same bytes in the same run; attacks are timed and weighed one by one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from crisis.cap.nouns import (
    Alert,
    Area,
    Category,
    Certainty,
    Circle,
    Info,
    MsgType,
    Resource,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)
from crisis.cap.read import read
from crisis.cap.write import write
from crisis.errors import BadInput

SAMPLES = Path(os.environ.get("CRISIS_TEST_SAMPLES", Path(__file__).parents[3] / "shared" / "data"))
SENT = datetime(2026, 11, 21, 8, 15, tzinfo=timezone(timedelta(hours=7)))
GOAL = 6_000  # alerts a second on one core
WORDS = "Hujan lebat disertai petir berpotensi menimbulkan genangan, banjir dan longsor di wilayah Sungai Raya. "


def ring(at: int, points: int) -> tuple[tuple[float, float], ...]:
    """A jagged outline that does not cross itself, about ten kilometres wide."""
    up = [(round(-0.1 - 0.01 * (n % 3), 3), round(109 + at * 0.3 + n * 0.01, 3)) for n in range(points // 2)]
    down = [(round(-0.25 + 0.01 * (n % 2), 3), lon) for n, (_, lon) in reversed(list(enumerate(up)))]
    return (*up, *down, up[0])


def flood(outlines: int = 2, points: int = 20) -> Alert:
    """A sound alert in two languages with all that a careful office says: about 6 KB."""
    area = Area(
        desc="Kecamatan Sungai Raya, Kabupaten Kubu Raya",
        polygons=tuple(ring(at, points) for at in range(outlines)),
        circles=(Circle(lat=-0.17, lon=109.4, radius=5.0),),
        geocodes=(("kode-wilayah:Kemendagri", "61.12.01"),),
    )
    info = Info(
        language="id",
        categories=(Category.MET,),
        event="Banjir",
        response_types=(ResponseType.EVACUATE, ResponseType.PREPARE),
        urgency=Urgency.IMMEDIATE,
        severity=Severity.SEVERE,
        certainty=Certainty.OBSERVED,
        event_codes=(("OET:v1.2", "OET-194"),),
        effective=SENT,
        onset=SENT + timedelta(minutes=15),
        expires=SENT + timedelta(hours=6),
        sender_name="BPBD Kubu Raya",
        headline="Banjir: segera mengungsi dari bantaran Sungai Kapuas",
        description=WORDS * 7,
        instruction=WORDS * 3,
        web="https://bpbd.example.go.id/peringatan/1",
        contact="112",
        parameters=(("tinggi-air-cm", "210"), ("naik-cm-jam", "15")),
        resources=(Resource(desc="Peta", mime_type="image/png", size=1024, uri="https://bpbd.example.go.id/1.png"),),
        areas=(area,),
    )
    english = replace(info, language="en", event="Flood", headline="Flood: leave the river bank", description="x" * 700)
    return Alert(
        identifier="2.49.0.1.360.9.2026.11.21.0001",
        sender="pusdalops@bpbd.example.go.id",
        sent=SENT,
        status=Status.ACTUAL,
        msg_type=MsgType.ALERT,
        scope=Scope.PUBLIC,
        infos=(info, english),
    )


def seconds(work: Callable[[], object], least: float = 1.0) -> tuple[float, float]:
    """The median and the best time of one run, over at least so many seconds."""
    took = []
    until = time.perf_counter() + least
    while time.perf_counter() < until or len(took) < 5:
        start = time.process_time()
        work()
        took.append(time.process_time() - start)
    return statistics.median(took), min(took)


def peers(raw: bytes) -> dict[str, Callable[[], object]]:
    """Validation by the official schema, alone: no rule beyond it, nothing read."""
    path = SAMPLES / "schema" / "CAP-v1.2.xsd"
    if not path.is_file():
        return {}
    import xmlschema
    from lxml import etree

    strict, quick = xmlschema.XMLSchema(str(path)), etree.XMLSchema(etree.parse(path))
    text = raw.decode()
    return {
        "xmlschema, validation alone": lambda: strict.validate(text),
        "lxml XSD, parse and validation": lambda: quick.assertValid(etree.fromstring(raw)),
    }


def speed(raw: bytes) -> dict[str, Any]:
    """Read, repair, judge by every rule and give the nouns, beside the peers on the same bytes."""
    assert read(raw).warnings == ()
    ours, best = seconds(lambda: read(raw), 2.0)
    told: dict[str, Any] = {
        "bytes": len(raw),
        "read and every rule, us": round(ours * 1e6, 1),
        "alerts a second": round(1 / ours),
        "alerts a second at best": round(1 / best),
    }
    for name, work in peers(raw).items():
        theirs, _ = seconds(work)
        told[f"{name}, us"] = round(theirs * 1e6, 1)
        told[f"{name}: times as long"] = round(theirs / ours, 2)
    return told


def attacks() -> dict[str, str]:
    """What attacks cost: milliseconds and the peak of Python's memory beyond the bytes."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(12))
    cases = {
        "xxe": b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><alert>&x;</alert>",
        "billion laughs": f"<!DOCTYPE a [{laughs}]><alert>&l11;</alert>".encode(),
        "300 deep": b"<alert>" + b"<b>" * 300 + b"</b>" * 300 + b"</alert>",
        "50 MB": b"<alert>" + b"x" * 50_000_000 + b"</alert>",
        "a million elements": b"<alert>" + b"<a/>" * 1_000_000 + b"</alert>",
    }
    told = {}
    for name, raw in cases.items():

        def attempt(raw: bytes = raw) -> None:
            with suppress(BadInput):
                read(raw)

        took, _ = seconds(attempt, 0.2)
        tracemalloc.start()
        attempt()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        told[name] = f"{took * 1000:.2f} ms, {peak / 2**20:.1f} MB"
    return told


def figures() -> dict[str, Any]:
    """Give every figure beside its peer and the machine it was measured on."""
    small, large = speed(write(flood())), speed(write(flood(150, 20)))
    ratio = small.get("xmlschema, validation alone: times as long")
    return {
        "bench": "cap",
        "an alert of 6 KB": small,
        "an alert of 150 outlines, in two languages": large,
        "attacks refused": attacks(),
        "goal": f"{GOAL} alerts a second, 4 times as fast as xmlschema alone",
        "met": small["alerts a second"] >= GOAL and (ratio is None or ratio >= 4),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cap", description=__doc__)
    parser.add_argument("--json", action="store_true")
    asked, told = parser.parse_args(), figures()
    if asked.json:
        print(json.dumps(told))
        return
    for name, value in told.items():
        shown = value.items() if isinstance(value, dict) else [("", value)]
        print("\n".join(f"{name:<44} {what:<48} {figure}" for what, figure in shown))


if __name__ == "__main__":
    main()
