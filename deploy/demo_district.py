"""A made-up district: three areas, residents drawn from one seed, and the warning that starts the exercise."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from lxml import etree

HERE = Path(__file__).parent
SEED = 20261121
WARNED, SILENT = 2_000, 100  # residents who must hear of it, and residents who must not
ZONE = ZoneInfo("Asia/Pontianak")
COLUMNS = ("name", "address", "channel", "language", "area", "latitude", "longitude", "risk", "exercise", "consent")
BAD_ROWS = (  # one each: a landline, nobody's consent, an area that is not there
    ("Warga X1", "0561-765432", "sms", "id", "99.01", "", "", "0", "yes", "yes"),
    ("Warga X2", "+6281299900002", "sms", "id", "99.01", "", "", "0", "yes", "no"),
    ("Warga X3", "+6281299900003", "sms", "id", "Atlantis", "", "", "0", "yes", "yes"),
)
WHOLE, PARTLY = ("99.01", "99.02"), "99.03"  # areas as the warning's polygon meets them
UPSTREAM = (109.60, 109.64, -0.18, -0.10)  # of the area it meets partly: dry
DOWNSTREAM = (109.47, 109.50, -0.16, -0.10)

Ring = Sequence[tuple[float, float]]  # lon, lat


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """One made-up resident, and whether the first alert must reach them."""

    name: str
    address: str = field(repr=False)
    channel: str
    language: str
    area: str
    lat: float | None
    lon: float | None
    risk: int
    exercise: bool
    warned: bool

    def row(self) -> tuple[str, ...]:
        """Give the row of the file that is imported."""
        place = ("", "") if self.lat is None else (f"{self.lat:.5f}", f"{self.lon:.5f}")
        enrolled = "yes" if self.exercise else "no"
        return (
            self.name, self.address, self.channel, self.language, self.area, *place, str(self.risk), enrolled, "yes",
        )  # fmt: skip


def residents(seed: int = SEED) -> list[Resident]:
    """Draw the district's residents; the same seed gives the same people."""
    chance = random.Random(seed)
    people = [_draw(chance, number, warned=True) for number in range(WARNED)]
    people += [_draw(chance, number, warned=False) for number in range(WARNED, WARNED + SILENT)]
    chance.shuffle(people)
    return people


def _draw(chance: random.Random, number: int, *, warned: bool) -> Resident:
    channel = "sms" if chance.random() < 0.7 else "telegram"
    # Who must not hear of it lives upstream, or lives in the midst of it and never agreed to exercises.
    enrolled = warned or chance.random() < 0.5
    area, lat, lon = _place(chance) if warned or not enrolled else ("", *_spot(chance, UPSTREAM))
    return Resident(
        name=f"Warga {number:04d}",
        address=f"+62812990{number:05d}" if channel == "sms" else str(700_000_000 + number),
        channel=channel,
        language="en" if chance.random() < 0.15 else "id",
        area=area,
        lat=lat,
        lon=lon,
        risk=chance.choices(range(10), weights=(40, 20, 10, 8, 6, 5, 4, 3, 2, 2))[0],
        exercise=enrolled,
        warned=warned,
    )


def _place(chance: random.Random) -> tuple[str, float | None, float | None]:
    draw = chance.random()
    if draw < 0.75:
        return chance.choice(WHOLE), None, None
    if draw < 0.85:
        return PARTLY, None, None  # somewhere in an area that is partly under water: warned, to be sure
    return "", *_spot(chance, DOWNSTREAM)


def _spot(chance: random.Random, box: tuple[float, float, float, float]) -> tuple[float, float]:
    west, east, south, north = box
    return round(chance.uniform(south, north), 5), round(chance.uniform(west, east), 5)


def as_csv(people: Sequence[Resident]) -> str:
    """Write the file an admin imports: the residents, and three rows that cannot be taken."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows(person.row() for person in people)
    writer.writerows(BAD_ROWS)
    return out.getvalue()


def areas() -> str:
    """Give the three areas, drawn by hand for this demonstration."""
    return (HERE / "demo_areas.geojson").read_text(encoding="utf-8")


def warning(now: datetime) -> str:
    """Give the CAP warning of a made-up weather service, sent a few minutes before `now`."""
    sent = (now - timedelta(minutes=4)).astimezone(ZONE).replace(microsecond=0)
    text = (HERE / "demo_warning.xml").read_text(encoding="utf-8")
    return text.format(stamp=f"{sent:%Y%m%d%H%M%S}", sent=sent.isoformat(), expires=_later(sent).isoformat())


def _later(sent: datetime) -> datetime:
    return sent + timedelta(hours=6)


def measured(now: datetime) -> str:
    """Say when the water was measured, as an officer types it."""
    return f"{now.astimezone(ZONE) - timedelta(minutes=10):%Y-%m-%d %H.%M} WIB"


def outline(cap: str) -> Ring:
    """Read the polygon of a CAP file, by other means than the service does."""
    root = etree.fromstring(cap.encode(), etree.XMLParser(resolve_entities=False))
    text = root.findtext(".//{*}polygon") or ""
    pairs = (point.split(",") for point in text.split())
    return [(float(lon), float(lat)) for lat, lon in pairs]


def contains(ring: Ring, lon: float, lat: float) -> bool:
    """Tell whether a point is inside a ring, by counting crossings of a ray."""
    crossed = [
        (y1 > lat) != (y2 > lat) and lon < (x2 - x1) * (lat - y1) / (y2 - y1) + x1
        for (x1, y1), (x2, y2) in pairwise(ring)
    ]
    return sum(crossed) % 2 == 1


def misplaced(people: Sequence[Resident], cap: str) -> int:
    """Count residents whose coordinates and the warning's outline disagree with what was intended for them."""
    ring = outline(cap)
    placed = [p for p in people if p.lat is not None and p.lon is not None and p.exercise]
    return sum(contains(ring, p.lon or 0.0, p.lat or 0.0) != p.warned for p in placed)


def by_channel(people: Sequence[Resident]) -> Counter[str]:
    """Count residents by channel."""
    return Counter(person.channel for person in people)
