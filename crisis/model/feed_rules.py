"""Decides about feeds: what may be set, when one is asked next, how it stands, and when officers are called to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from urllib.parse import urlsplit

from cryptography import x509

from crisis.errors import Fault
from crisis.model.alert import Mode
from crisis.model.phrases import zone_name

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
HOST = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|[0-9a-f:]*:[0-9a-f:.]+"
)
SOONEST, LATEST = timedelta(seconds=10), timedelta(days=1)  # between two polls
LONGEST_QUIET = timedelta(days=366)
BACK_OFF = timedelta(minutes=15)  # the longest wait of our own after failures ...
LONGEST_ASKED = timedelta(hours=6)  # ... and the longest that is granted to who asks for one
JITTER = 0.1  # of the wait: services that failed together do not come back together
PATIENCE = timedelta(minutes=5)  # trouble of more than so long, or of more than so many polls, calls an officer
PATIENT_POLLS = 3
SCHEMES: Mapping[str, tuple[str, ...]] = {"polled": ("https", "http"), "subscribed": ("mqtts", "mqtt"), "posted": ()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is known of a format where it is only named: how it reaches us, in words, and its polite rhythm."""

    way: str  # polled, subscribed or posted
    says: str
    every: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFeed:
    """A feed as an admin wants it; without `mode` it is tried out as an exercise."""

    name: str
    format: str
    url: str = ""
    mode: Mode | None = None
    may_release: bool = False
    every: timedelta
    quiet_after: timedelta = timedelta(hours=24)
    hosts: tuple[str, ...] = ()
    certificates: str = ""
    must_sign: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """How a feed stands: when all of it could last be read, and when it last told something new."""

    name: str
    enabled: bool
    posted: bool = False
    quiet_after: timedelta
    created_at: datetime
    tried_at: datetime | None = None
    read_at: datetime | None = None
    changed_at: datetime | None = None
    called_at: datetime | None = None
    failures: int = 0
    trouble: str = ""

    @property
    def heard_at(self) -> datetime:
        return self.changed_at or self.created_at


def check(new: NewFeed, kinds: Mapping[str, Kind]) -> list[Fault]:
    """Give everything that is wrong with a feed, each in one sentence at its field."""
    said = [("name", _name(new)), ("format", _format(new, kinds)), ("every", _every(new))]
    said += [("quiet_after", _quiet(new)), ("certificates", _certificates(new)), ("may_release", _release(new))]
    said += [("hosts", _host(host)) for host in new.hosts]
    if new.format in kinds:
        said.append(("url", _url(new.url, kinds[new.format].way)))
    return [Fault(file="feed", field=field, says=says) for field, says in said if says]


def _name(new: NewFeed) -> str:
    return "" if NAME.fullmatch(new.name) else "write 1 to 40 small letters, digits and hyphens, like bmkg-nowcast"


def _format(new: NewFeed, kinds: Mapping[str, Kind]) -> str:
    return "" if new.format in kinds else f"there is no format {new.format!r}; there are {', '.join(sorted(kinds))}"


def _every(new: NewFeed) -> str:
    return "" if SOONEST <= new.every <= LATEST else "a feed is asked every 10 seconds at most and once a day at least"


def _quiet(new: NewFeed) -> str:
    right = new.every < new.quiet_after <= LONGEST_QUIET
    return "" if right else "must be longer than the time between two polls and at most 366 days"


def _certificates(new: NewFeed) -> str:
    if new.must_sign and not new.certificates.strip():
        return "what must be signed needs the certificates of those who sign: give them with --trust"
    try:
        if new.certificates.strip():
            x509.load_pem_x509_certificates(new.certificates.encode())
    except ValueError:
        return "holds no certificate that can be read: give PEM, which begins with -----BEGIN CERTIFICATE-----"
    return ""


def _release(new: NewFeed) -> str:
    untold = new.may_release and new.mode is None
    return "say with --mode which mode the alerts have that leave without an officer" if untold else ""


def _host(host: str) -> str:
    return "" if HOST.fullmatch(host) else f"{host[:60]!r} is no name of a host: write it like data.bmkg.go.id"


def _url(url: str, way: str) -> str:
    schemes = SCHEMES[way]
    if not schemes:
        return "this format is posted to us: it has no address" if url else ""
    try:
        place = urlsplit(url)
        fit = place.scheme in schemes and bool(HOST.fullmatch(place.hostname or "")) and place.port != 0
    except ValueError:
        fit = False
    if not fit or len(url) > 2000 or not (url.isascii() and url.isprintable()) or " " in url:
        return f"write a full address beginning with {schemes[0]}://"
    if way == "subscribed" and not place.path.strip("/"):
        return "name the topics after the host: mqtts://USER:PASSWORD@HOST:PORT/TOPIC/#"
    return ""


def next_poll(
    every: timedelta, failures: int, now: datetime, *, chance: float, retry_after: timedelta | None = None
) -> datetime:
    """Decide when a feed is asked next: by its rhythm, and after failures ever later, up to a quarter of an hour.

    Never sooner than its rhythm or than the other side asked for; `chance` in [0, 1) spreads the waits.
    """
    if not failures:
        return now + every
    wait = max(every, min(every * 2.0 ** min(failures - 1, 20), BACK_OFF))
    wait += wait * JITTER * chance
    return now + max(wait, min(retry_after or timedelta(0), LONGEST_ASKED))


def standing(stand: Stand, every: timedelta, now: datetime, zone: tzinfo) -> tuple[str, str]:
    """Say how a feed stands, in one word and in one sentence; "nothing new" and "cannot be read" never look alike."""
    if not stand.enabled:
        return "off", "switched off"
    if stand.trouble:
        since = f"last read {_at(stand.read_at, zone)}" if stand.read_at else "never read"
        return "trouble", f"{stand.trouble} ({since}, {stand.failures} failed in a row)"
    if stand.read_at is None:
        return "new", "nothing was posted yet" if stand.posted else "not asked yet"
    told = f"last told something new {_at(stand.changed_at, zone)}" if stand.changed_at else "has told nothing yet"
    if not stand.posted and now - stand.read_at > max(3 * every, PATIENCE):
        return "late", f"not read since {_at(stand.read_at, zone)}: is the service that reads feeds running?"
    if now - stand.heard_at >= stand.quiet_after:
        return "quiet", f"read {_at(stand.read_at, zone)}, {told}"
    return "reading", f"read {_at(stand.read_at, zone)}, {told}"


def call(stand: Stand, every: timedelta, now: datetime, zone: tzinfo) -> str:
    """Give the sentence by which officers are called to a feed; empty when there is no cause or they were called."""
    if not stand.enabled:
        return ""
    since = stand.read_at or stand.created_at
    lasts = stand.failures > PATIENT_POLLS or now - since > PATIENCE + every
    if stand.trouble and lasts and (stand.called_at is None or stand.called_at < since):
        return (
            f"The feed {stand.name} cannot be read since {_at(since, zone)}; what it warns of does not reach us: "
            f"{stand.trouble}. / Sumber {stand.name} tidak terbaca sejak {_at(since, zone)}; "
            "peringatannya tidak sampai kepada kita."
        )
    silent_at = stand.heard_at + stand.quiet_after
    if not stand.trouble and now >= silent_at and (stand.called_at is None or stand.called_at < silent_at):
        return (
            f"The feed {stand.name} has told nothing new since {_at(stand.heard_at, zone)}: make sure that its "
            f"source is still at work. / Sumber {stand.name} tidak memberi kabar baru sejak "
            f"{_at(stand.heard_at, zone)}: pastikan sumbernya masih bekerja."
        )
    return ""


def gone(name: str, alert_id: int, *, released: bool) -> str:
    """Give the sentence by which officers are called to an alert of ours whose source a feed lists no longer."""
    then = "update or end it" if released else "approve, change or reject it"
    lalu = "perbarui atau akhiri" if released else "setujui, ubah, atau tolak"
    return (
        f"The feed {name} no longer lists what alert {alert_id} rests on, though it has not run out: look at the "
        f"source, then {then}. Nothing was ended by itself. / Sumber {name} tidak lagi memuat dasar peringatan "
        f"{alert_id} yang masih berlaku: periksa sumbernya, lalu {lalu}. Tidak ada yang diakhiri otomatis."
    )


def _at(moment: datetime | None, zone: tzinfo) -> str:
    if moment is None:
        return "never"
    local = moment.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M} {zone_name(local)}"
