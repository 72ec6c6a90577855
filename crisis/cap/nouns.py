"""The nouns of CAP 1.2 (OASIS, section 3.2): alert, info, resource, area, with CAP's own spellings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
OLDER_NAMESPACES = ("urn:oasis:names:tc:emergency:cap:1.1", "http://www.incident.com/cap/1.0")

Point = tuple[float, float]  # (lat, lon) in degrees, the order CAP writes them
Ring = tuple[Point, ...]  # first point = last point
Pair = tuple[str, str]  # (valueName, value); names repeat, order is kept


class Status(StrEnum):
    """How an alert is to be treated."""

    ACTUAL = "Actual"  # for everyone it targets
    EXERCISE = "Exercise"  # only for those taking part
    SYSTEM = "System"  # for the network itself
    TEST = "Test"  # technical; every recipient disregards it
    DRAFT = "Draft"  # not actionable


class MsgType(StrEnum):
    """What an alert does to those before it."""

    ALERT = "Alert"  # the first of its kind
    UPDATE = "Update"  # supersedes all it references
    CANCEL = "Cancel"  # withdraws all it references
    ACK = "Ack"  # confirms receipt
    ERROR = "Error"  # rejects what it references; the note says why


class Scope(StrEnum):
    """Whom an alert may be shown to."""

    PUBLIC = "Public"  # everyone
    RESTRICTED = "Restricted"  # those the restriction names
    PRIVATE = "Private"  # those the addresses name


class Category(StrEnum):
    """What kind of thing is happening."""

    GEO = "Geo"  # earthquake, landslide
    MET = "Met"  # weather, flood
    SAFETY = "Safety"  # general safety
    SECURITY = "Security"  # police, military
    RESCUE = "Rescue"  # search and rescue
    FIRE = "Fire"  # fire
    HEALTH = "Health"  # disease, medical
    ENV = "Env"  # pollution
    TRANSPORT = "Transport"  # roads, air, sea
    INFRA = "Infra"  # power, water, telecom
    CBRNE = "CBRNE"  # chemical to explosive
    OTHER = "Other"  # none of these


class ResponseType(StrEnum):
    """What people should do."""

    SHELTER = "Shelter"  # take shelter where they are
    EVACUATE = "Evacuate"  # leave
    PREPARE = "Prepare"  # make ready
    EXECUTE = "Execute"  # do what was rehearsed
    AVOID = "Avoid"  # keep away
    MONITOR = "Monitor"  # watch for news
    ASSESS = "Assess"  # not for public warning
    ALL_CLEAR = "AllClear"  # the threat is over
    NONE = "None"  # nothing


class Urgency(StrEnum):
    """When people should act."""

    IMMEDIATE = "Immediate"  # now
    EXPECTED = "Expected"  # within the hour
    FUTURE = "Future"  # soon
    PAST = "Past"  # no longer needed
    UNKNOWN = "Unknown"  # not known


class Severity(StrEnum):
    """How bad it is."""

    EXTREME = "Extreme"  # extraordinary threat
    SEVERE = "Severe"  # significant threat
    MODERATE = "Moderate"  # possible threat
    MINOR = "Minor"  # minimal threat
    UNKNOWN = "Unknown"  # not known


class Certainty(StrEnum):
    """How sure it is."""

    OBSERVED = "Observed"  # has happened or is happening
    LIKELY = "Likely"  # more than one in two
    POSSIBLE = "Possible"  # one in two or less
    UNLIKELY = "Unlikely"  # close to none
    UNKNOWN = "Unknown"  # not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An earlier alert, named by the three things that make it unique."""

    sender: str
    identifier: str
    sent: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A file that goes with an info; `digest` is SHA-1 in hex, `size` in bytes."""

    desc: str
    mime_type: str
    size: int | None = None
    uri: str = ""
    deref_uri: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """A place and everything within `radius` kilometres of it; 0 is the place alone."""

    lat: float
    lon: float
    radius: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """The union of all its polygons, circles and geocodes; heights in feet above mean sea level."""

    desc: str
    polygons: tuple[Ring, ...] = ()
    circles: tuple[Circle, ...] = ()
    geocodes: tuple[Pair, ...] = ()
    altitude: float | None = None
    ceiling: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """What an alert says in one language."""

    language: str = "en-US"
    categories: tuple[Category, ...] = ()
    event: str = ""
    response_types: tuple[ResponseType, ...] = ()
    urgency: Urgency = Urgency.UNKNOWN
    severity: Severity = Severity.UNKNOWN
    certainty: Certainty = Certainty.UNKNOWN
    audience: str = ""
    event_codes: tuple[Pair, ...] = ()
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    contact: str = ""
    parameters: tuple[Pair, ...] = ()
    resources: tuple[Resource, ...] = ()
    areas: tuple[Area, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One CAP alert; (sender, identifier, sent) makes it unique."""

    identifier: str
    sender: str
    sent: datetime
    status: Status
    msg_type: MsgType
    scope: Scope
    source: str = ""
    restriction: str = ""
    addresses: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    note: str = ""
    references: tuple[Reference, ...] = ()
    incidents: tuple[str, ...] = ()
    infos: tuple[Info, ...] = ()
