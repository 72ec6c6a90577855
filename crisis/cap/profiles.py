"""Decides what a profile of CAP asks for beyond the standard: each profile is a table, read by six small functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from crisis.cap.nouns import Alert, Area, Info, MsgType, Pair
from crisis.cap.rules import Warning  # noqa: A004 - what the standard's own tools call it
from crisis.cap.rules_alert import category_same, eventcode_same, primary
from crisis.errors import BadInput

ANY = frozenset(MsgType)
LIVE = frozenset({MsgType.ALERT, MsgType.UPDATE})
ENDS = frozenset({MsgType.CANCEL})
LINKED = frozenset({MsgType.UPDATE, MsgType.CANCEL})

Part = Alert | Info | Area
Ask = Callable[["Need", Alert], Iterator[tuple[str, str]]]  # where, sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing a profile asks for: `ask` of `field` in every part of that kind, for alerts of these types."""

    rule: str
    ask: Ask
    on: str = "info"  # alert, info or area
    field: str = ""
    name: str = ""  # pattern of a valueName
    like: str = ""  # pattern of the value
    types: frozenset[MsgType] = ANY
    says: str


def given(need: Need, alert: Alert) -> Iterator[tuple[str, str]]:
    """The field is not empty."""
    for where, part in _parts(need, alert):
        if not getattr(part, need.field):
            yield where + need.field, need.says


def absent(need: Need, alert: Alert) -> Iterator[tuple[str, str]]:
    """The field is empty."""
    for where, part in _parts(need, alert):
        if getattr(part, need.field):
            yield where + need.field, need.says


def like(need: Need, alert: Alert) -> Iterator[tuple[str, str]]:
    """The field, or one of its texts, has the form; what is not given at all is another need."""
    for where, part in _parts(need, alert):
        value = getattr(part, need.field)
        texts = (value,) if isinstance(value, str) else value
        if not any(re.fullmatch(need.like, text) for text in texts):
            yield where + need.field, need.says


def paired(need: Need, alert: Alert) -> Iterator[tuple[str, str]]:
    """One of the pairs has a name and a value of these forms."""
    for where, part in _parts(need, alert):
        if not _matching(getattr(part, need.field), need):
            yield where + need.field, need.says


def paired_once(need: Need, alert: Alert) -> Iterator[tuple[str, str]]:
    """Exactly one of the pairs has a name and a value of these forms."""
    for where, part in _parts(need, alert):
        if len(_matching(getattr(part, need.field), need)) != 1:
            yield where + need.field, need.says


def zoned(need: Need, alert: Alert) -> Iterator[tuple[str, str]]:
    """The time shows a local offset, not UTC."""
    for where, part in _parts(need, alert):
        time: datetime | None = getattr(part, need.field)
        if time is not None and time.utcoffset() == timedelta():
            yield where + need.field, need.says


def spoken(need: Need, alert: Alert) -> Iterator[tuple[str, str]]:
    """There is an info in each of the languages that `like` names, parted by blanks."""
    missing = set(need.like.split()) - {primary(info.language) for info in alert.infos}
    if missing and alert.infos:
        yield "info", f"{need.says}: {', '.join(sorted(missing))}"


def same(need: Need, alert: Alert) -> Iterator[tuple[str, str]]:
    """All infos carry the same of this field."""
    yield from SAME[need.field](alert)


SAME = MappingProxyType({"event_codes": eventcode_same, "categories": category_same})


def _parts(need: Need, alert: Alert) -> Iterator[tuple[str, Part]]:
    if need.on == "alert":
        yield "", alert
        return
    for at, info in enumerate(alert.infos):
        if need.on == "info":
            yield f"info[{at}]/", info
            continue
        for nth, area in enumerate(info.areas):
            yield f"info[{at}]/area[{nth}]/", area


def _matching(pairs: tuple[Pair, ...], need: Need) -> list[Pair]:
    return [pair for pair in pairs if re.fullmatch(need.name, pair[0]) and re.fullmatch(need.like, pair[1])]


SAME_CODES = Need(rule="P-EVENTCODE-SAME", ask=same, field="event_codes", says="is not the same in all infos")
SAME_CATEGORIES = Need(rule="P-CATEGORY-SAME", ask=same, field="categories", says="is not the same in all infos")

IPAWS = (  # FEMA, CAP v1.2 IPAWS profile 1.0
    Need(rule="P-IPAWS-CODE", ask=like, on="alert", field="codes", like=r"IPAWSv1\.0", says="should hold IPAWSv1.0"),
    Need(rule="P-IPAWS-REFS", ask=given, on="alert", field="references", types=LINKED, says="are missing"),
    Need(rule="P-IPAWS-SENT-ZONE", ask=zoned, on="alert", field="sent", says="shows UTC, not the local offset"),
    Need(rule="P-IPAWS-EXPIRES", ask=given, field="expires", says="is missing"),
    Need(rule="P-IPAWS-EXPIRES-ZONE", ask=zoned, field="expires", says="shows UTC, not the local offset"),
    Need(rule="P-IPAWS-EFFECTIVE", ask=absent, field="effective", says="is ignored by IPAWS"),
    Need(rule="P-IPAWS-ONSET", ask=absent, field="onset", says="is ignored by IPAWS"),
    Need(
        rule="P-IPAWS-EVENTCODE", ask=paired_once, field="event_codes", name="SAME", like="[A-Z]{3}",
        says="should hold exactly one SAME code of three letters",
    ),
    Need(rule="P-IPAWS-AREA", ask=given, field="areas", says="is missing"),
    Need(
        rule="P-IPAWS-GEOCODE", ask=paired, on="area", field="geocodes", name="SAME", like="[0-9]{6}",
        says="should hold a SAME code of six digits",
    ),
    SAME_CODES,
    SAME_CATEGORIES,
)  # fmt: skip
CAP_CP = (  # Canadian Profile of CAP
    Need(
        rule="P-CAPCP-CODE", ask=like, on="alert", field="codes", like=r"profile:CAP-CP:[0-9][0-9.]*",
        says="should hold profile:CAP-CP: and the version",
    ),
    Need(rule="P-CAPCP-REFS", ask=given, on="alert", field="references", types=LINKED, says="are missing"),
    Need(
        rule="P-CAPCP-EVENTCODE", ask=paired, field="event_codes", name=r"profile:CAP-CP:Event:.+", like=".+",
        says="should hold a profile:CAP-CP:Event: code",
    ),
    Need(rule="P-CAPCP-AREA", ask=given, field="areas", types=LIVE, says="is missing"),
    Need(
        rule="P-CAPCP-GEOCODE", ask=paired, on="area", field="geocodes", name=r"profile:CAP-CP:Location:.+", like=".+",
        says="should hold a profile:CAP-CP:Location: code",
    ),
    Need(rule="P-CAPCP-LANGUAGES", ask=spoken, on="alert", like="en fr", says="should be in English and French; no"),
    SAME_CODES,
    SAME_CATEGORIES,
)  # fmt: skip
CAP_AU = (  # Australian Government Standard, CAP-AU 1.0 and later
    Need(
        rule="P-CAPAU-CODE", ask=like, on="alert", field="codes", like=r"urn:.*profile:CAP-AU:[0-9.]+",
        says="should hold the profile's urn",
    ),
    Need(rule="P-CAPAU-INFO", ask=given, on="alert", field="infos", types=LIVE | ENDS, says="is missing"),
    Need(rule="P-CAPAU-REFS", ask=given, on="alert", field="references", types=LINKED, says="are missing"),
    Need(
        rule="P-CAPAU-EVENTCODE", ask=paired, field="event_codes", name=r".*(AUeventLIST|CAP-AU:Event).*", like=".+",
        says="should hold a code of the Australian event list",
    ),
    Need(rule="P-CAPAU-AREA", ask=given, field="areas", says="is missing"),
    Need(rule="P-CAPAU-EXPIRES", ask=given, field="expires", types=LIVE, says="is missing"),
    Need(rule="P-CAPAU-EFFECTIVE", ask=absent, field="effective", types=ENDS, says="does not belong on a Cancel"),
    SAME_CODES,
    SAME_CATEGORIES,
)  # fmt: skip
GOOGLE = (  # Google Public Alerts, publishing requirements
    Need(rule="P-GOOGLE-INFO", ask=given, on="alert", field="infos", types=LIVE, says="is missing"),
    Need(rule="P-GOOGLE-REFS", ask=given, on="alert", field="references", types=LINKED, says="are missing"),
    Need(rule="P-GOOGLE-DESCRIPTION", ask=given, field="description", types=LIVE, says="is missing"),
    Need(rule="P-GOOGLE-WEB", ask=given, field="web", types=LIVE, says="is missing"),
    Need(rule="P-GOOGLE-EXPIRES", ask=given, field="expires", types=LIVE, says="is missing"),
    Need(rule="P-GOOGLE-AREA", ask=given, field="areas", types=LIVE, says="is missing"),
)
WMO = (  # WMO-No. 1109 and the Register of Alerting Authorities, as BMKG publishes
    Need(
        rule="P-WMO-ID", ask=like, on="alert", field="identifier",
        like=r"(urn:oid:)?2\.49\.0\.[01]\.[0-9]{1,3}\.[^\s]+",
        says="should begin with 2.49.0, 0 or 1, and the country's number",
    ),
    Need(rule="P-WMO-REFS", ask=given, on="alert", field="references", types=LINKED, says="are missing"),
    Need(rule="P-WMO-INFO", ask=given, on="alert", field="infos", types=LIVE, says="is missing"),
    Need(
        rule="P-WMO-EVENTCODE", ask=paired, field="event_codes", name=r"OET(:v[0-9.]+)?", like=r"OET-[0-9]{3}",
        says="should hold a code of the OASIS event terms",
    ),
    Need(rule="P-WMO-EXPIRES", ask=given, field="expires", types=LIVE, says="is missing"),
    Need(rule="P-WMO-SENDERNAME", ask=given, field="sender_name", says="is missing"),
    Need(rule="P-WMO-AREA", ask=given, field="areas", types=LIVE, says="is missing"),
)  # fmt: skip

PROFILES: Mapping[str, tuple[Need, ...]] = MappingProxyType(
    {"ipaws": IPAWS, "cap-cp": CAP_CP, "cap-au": CAP_AU, "google": GOOGLE, "wmo": WMO}
)


def check(alert: Alert, profile: str) -> tuple[Warning, ...]:
    """Give every need of the profile that the alert does not meet; rules.check tells those of the standard.

    Raises BadInput for a profile that is not in PROFILES.
    """
    if profile not in PROFILES:
        raise BadInput(f"There is no CAP profile '{profile[:40]}'; known are {', '.join(PROFILES)}.")
    needs = [need for need in PROFILES[profile] if alert.msg_type in need.types]
    return tuple(
        Warning(rule=need.rule, where=where, says=says) for need in needs for where, says in need.ask(need, alert)
    )
