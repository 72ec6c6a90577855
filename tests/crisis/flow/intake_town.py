"""A district with three areas and a feed, and alerts as their senders would write them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from shapely import Polygon, box, to_geojson

from channels.contract import Reach
from crisis import db
from crisis.app import limits_of_channels
from crisis.cap.entry import Entry
from crisis.cap.nouns import (
    Alert,
    Area,
    Category,
    Certainty,
    Circle,
    Info,
    MsgType,
    Reference,
    Ring,
    Scope,
    Severity,
    Status,
    Urgency,
)
from crisis.cap.write import write
from crisis.flow import register
from crisis.flow.inbound import Desk
from crisis.flow.intake import Intake, Taken
from crisis.flow.plan import Means
from crisis.flow.release import Outlet
from crisis.model.alert import Mode
from crisis.model.area import parse_geojson
from crisis.model.feed import Feed
from crisis.model.office import Office
from crisis.model.officer import Officer, Role
from crisis.model.playbook import Playbook, load_folder
from crisis.model.replies import load_replies
from crisis.model.resident import parse_csv
from crisis.privacy import Vault

PLAYBOOKS = Path(__file__).parents[3] / "playbooks"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
OFFICE = Office(
    agency="BPBD Contoh",
    sender="bpbd.contoh@example.id",
    identifier_prefix="2.49.0.0.360.9",
    zone=ZoneInfo("Asia/Pontianak"),
    help_line="112",
    public_url="https://example.id",
)
SQUARES = {"61.12.01": ("Utara", box(109.0, 0.0, 109.5, 0.4)), "61.12.02": ("Selatan", box(109.0, -0.4, 109.5, 0.0))}
OUTLET = Outlet(channel="sms", account="sms/exercise", reach=Reach.ADDRESSED)
LIMITS = {"sms": limits_of_channels()["sms"]}


def ring(west: float, south: float, east: float, north: float) -> Ring:
    return ((south, west), (south, east), (north, east), (north, west), (south, west))


NORTH = ring(108.9, 0.05, 109.6, 0.5)
BOTH = ring(108.9, -0.5, 109.6, 0.5)
FAR = ring(100.0, 3.0, 100.5, 3.5)


def rain(number: int = 1, *rings: Ring, **changes: Any) -> Alert:
    """A BMKG nowcast of heavy rain, over the north if nothing else is said."""
    named = (
        "severity",
        "certainty",
        "event",
        "headline",
        "description",
        "expires",
        "effective",
        "response_types",
        "sender_name",
        "language",
    )
    info = Info(
        language="id",
        categories=(Category.MET,),
        event="Hujan Lebat dan Petir",
        urgency=Urgency.IMMEDIATE,
        severity=Severity.MODERATE,
        certainty=Certainty.OBSERVED,
        event_codes=(("OET", "OET-194"),),
        effective=NOW,
        expires=NOW + timedelta(hours=3),
        sender_name="Badan Meteorologi Klimatologi dan Geofisika",
        headline="Hujan Lebat disertai Petir di Kalimantan Barat",
        description="Hujan lebat disertai petir akan terjadi di sebagian wilayah Kalimantan Barat.",
        areas=(Area(desc="Kalimantan Barat", polygons=rings or (NORTH,)),),
    )
    alert = Alert(
        identifier=f"2.49.0.1.360.0.2026.11.21.12.61.{number:03d}",
        sender="cuaca.ekstrem@bmkg.go.id",
        sent=NOW + timedelta(minutes=number - 1),
        status=Status.ACTUAL,
        msg_type=MsgType.ALERT,
        scope=Scope.PUBLIC,
        infos=(replace(info, **{name: value for name, value in changes.items() if name in named}),),
    )
    return replace(alert, **{name: value for name, value in changes.items() if name not in named})


def naming(alert: Alert) -> tuple[Reference, ...]:
    """The references of an alert that updates or cancels this one."""
    return (Reference(sender=alert.sender, identifier=alert.identifier, sent=alert.sent),)


def quake(magnitude: str, lat: float, lon: float, potential: str, **changes: Any) -> Alert:
    """A BMKG earthquake as the format of its feed makes it."""
    info = Info(
        language="id",
        categories=(Category.GEO,),
        event="Gempabumi",
        urgency=Urgency.IMMEDIATE,
        severity=Severity.SEVERE,
        certainty=Certainty.OBSERVED,
        onset=NOW,
        sender_name="BMKG",
        headline=f"Gempabumi M {magnitude}",
        description=f"Magnitudo: {magnitude}\nPotensi: {potential}",
        parameters=(("magnitude", magnitude), ("depth_km", "10"), ("potential", potential)),
        areas=(Area(desc="48 km barat daya Ketapang", circles=(Circle(lat=lat, lon=lon, radius=0.0),)),),
    )
    alert = Alert(
        identifier=f"gempa-{magnitude}-{lat}-{lon}",
        sender="bmkg.go.id",
        sent=NOW,
        status=Status.ACTUAL,
        msg_type=MsgType.ALERT,
        scope=Scope.PUBLIC,
        source="BMKG",
        infos=(info,),
    )
    return replace(alert, **changes)


def entry(alert: Alert, raw: bytes = b"") -> Entry:
    return Entry(raw=raw or _bytes(alert), alert=alert, where="entry[0]", guid=alert.identifier)


def _bytes(alert: Alert) -> bytes:
    try:
        return write(alert)
    except Exception:  # what is strange here on purpose cannot be written
        return repr(alert).encode()


def playbooks(**changes: Any) -> dict[str, Playbook]:
    """The shipped playbooks, with fields of the flood one changed."""
    books = load_folder(PLAYBOOKS)
    return {**books, "flood": books["flood"].model_copy(update=changes)}


@dataclass(slots=True, kw_only=True)
class District:
    """What intake needs around it."""

    pool: db.Pool
    feed: Feed
    books: dict[str, Playbook] = field(default_factory=playbooks)
    outlets: list[Outlet] = field(default_factory=lambda: [OUTLET])

    def intake(self) -> Intake:
        desk = Desk(
            office=OFFICE,
            playbooks=self.books,
            replies=load_replies(PLAYBOOKS / "replies.yaml"),
            vault=Vault(b"k" * 32),
        )
        return Intake(self.pool, desk, lambda _: Means(office=OFFICE, limits=LIMITS), self._ways)

    def _ways(self, _: Mode, channels: Sequence[str]) -> list[Outlet]:
        return [outlet for outlet in self.outlets if outlet.channel in channels]

    async def take(self, alert: Alert, now: datetime = NOW, **feed: Any) -> Taken:
        """Take one alert as this district's feed tells it."""
        return await self.intake().take(replace(self.feed, **feed), entry(alert), now)

    async def alerts(self) -> list[Any]:
        return await self.pool.fetch("SELECT * FROM alert ORDER BY id")

    async def alarms(self) -> list[tuple[str, str]]:
        return [(r["kind"], r["says"]) for r in await self.pool.fetch("SELECT kind, says FROM alarm ORDER BY id")]

    async def fate(self, source_id: int) -> Any:
        return await self.pool.fetchrow("SELECT * FROM source_alert WHERE id = $1", source_id)


ADMIN = Officer(id=1, name="Ani", role=Role.ADMIN)


async def bring_areas(pool: db.Pool, squares: Mapping[str, tuple[str, Polygon]]) -> None:
    """Load areas as an office does, from GeoJSON."""
    features = [
        {"type": "Feature", "properties": {"kode": code, "nama": name}, "geometry": json.loads(to_geojson(square))}
        for code, (name, square) in squares.items()
    ]
    found, faults = parse_geojson(json.dumps({"type": "FeatureCollection", "features": features}).encode(), "test")
    assert not faults
    await register.save_areas(pool, found, ADMIN)


async def open_district(pool: db.Pool, people: int = 12) -> District:
    """Bring in the areas, those who live in the north, and one feed."""
    await register.add_officer(pool, "Ani", Role.ADMIN, None, NOW)
    await register.add_officer(pool, "Rina", Role.OFFICER, ADMIN, NOW)
    await bring_areas(pool, SQUARES)
    lines = [f"+628129{n:07d},sms,id,61.12.01,yes,1,yes" for n in range(people)]
    text = "\n".join(["address,channel,language,area,consent,risk,exercise", *lines])
    known = {"areas": await register.area_names(pool), "languages": ("id", "en"), "channels": ("sms",)}
    found, faults = parse_csv(text.encode(), "test", **known)
    assert not faults
    await register.save_residents(pool, found, Vault(b"k" * 32), ADMIN, "test")
    feed_id = await pool.fetchval(
        "INSERT INTO feed (name, format, every, quiet_after) VALUES ('bmkg', 'cap', '1 min', '1 day') RETURNING id"
    )
    return District(pool=pool, feed=Feed(id=feed_id, name="bmkg", format="cap", url=""))
