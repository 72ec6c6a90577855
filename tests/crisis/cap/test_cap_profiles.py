"""The profiles of CAP: each need is met by a sound alert of that profile and missed when it is taken away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from crisis.cap import profiles
from crisis.cap.nouns import Alert, Area, Category, Info, MsgType, Reference, Scope, Status
from crisis.errors import BadInput

SENT = datetime(2026, 11, 21, 8, 15, tzinfo=timezone(timedelta(hours=7)))
SAME, CP_CODE = ("SAME", "FFW"), ("profile:CAP-CP:Event:0.4", "flashFlood")
AU_CODE, OET = ("https://govshare.gov.au/AUeventLIST", "flood"), ("OET:v1.2", "OET-194")
PLACE = Area(desc="Sungai Raya", geocodes=(("SAME", "006109"), ("profile:CAP-CP:Location:0.3", "3520005")))
INFO = Info(
    language="en-CA",
    categories=(Category.MET,),
    event="Flood",
    event_codes=(SAME, CP_CODE, AU_CODE, OET),
    expires=SENT + timedelta(hours=6),
    sender_name="BPBD",
    description="Water rises.",
    web="https://bpbd.example/1",
    areas=(PLACE,),
)
SOUND = Alert(
    identifier="2.49.0.1.360.0.2026.11.21.1",
    sender="a@b",
    sent=SENT,
    status=Status.ACTUAL,
    msg_type=MsgType.UPDATE,
    scope=Scope.PUBLIC,
    codes=("IPAWSv1.0", "profile:CAP-CP:0.4", "urn:oasis:names:tc:emergency:cap:1.2:profile:CAP-AU:1.0"),
    references=(Reference(sender="a@b", identifier="0", sent=SENT - timedelta(hours=1)),),
    infos=(INFO, replace(INFO, language="fr-CA", description="L'eau monte.")),
)


def each(**told: Any) -> Callable[[Alert], Alert]:
    return lambda alert: replace(alert, infos=tuple(replace(info, **told) for info in alert.infos))


def whole(**told: Any) -> Callable[[Alert], Alert]:
    return lambda alert: replace(alert, **told)


def second(**told: Any) -> Callable[[Alert], Alert]:
    return lambda alert: replace(alert, infos=(alert.infos[0], replace(alert.infos[1], **told)))


BREAKS = [
    ("ipaws", "P-IPAWS-CODE", whole(codes=())),
    ("ipaws", "P-IPAWS-REFS", whole(references=())),
    ("ipaws", "P-IPAWS-SENT-ZONE", whole(sent=SENT.astimezone(UTC))),
    ("ipaws", "P-IPAWS-EXPIRES", each(expires=None)),
    ("ipaws", "P-IPAWS-EXPIRES-ZONE", each(expires=SENT.astimezone(UTC))),
    ("ipaws", "P-IPAWS-EFFECTIVE", each(effective=SENT)),
    ("ipaws", "P-IPAWS-ONSET", each(onset=SENT)),
    ("ipaws", "P-IPAWS-EVENTCODE", each(event_codes=())),
    ("ipaws", "P-IPAWS-EVENTCODE", each(event_codes=(SAME, ("SAME", "TOR")))),
    ("ipaws", "P-IPAWS-EVENTCODE", each(event_codes=(("SAME", "flood"),))),
    ("ipaws", "P-IPAWS-AREA", each(areas=())),
    ("ipaws", "P-IPAWS-GEOCODE", each(areas=(Area(desc="x", geocodes=(("SAME", "6109"),)),))),
    ("cap-cp", "P-CAPCP-CODE", whole(codes=("profile:CAP-CP",))),
    ("cap-cp", "P-CAPCP-REFS", whole(references=())),
    ("cap-cp", "P-CAPCP-EVENTCODE", each(event_codes=(SAME,))),
    ("cap-cp", "P-CAPCP-AREA", each(areas=())),
    ("cap-cp", "P-CAPCP-GEOCODE", each(areas=(Area(desc="x"),))),
    ("cap-cp", "P-CAPCP-LANGUAGES", each(language="en")),
    ("cap-au", "P-CAPAU-CODE", whole(codes=())),
    ("cap-au", "P-CAPAU-INFO", whole(infos=())),
    ("cap-au", "P-CAPAU-REFS", whole(references=())),
    ("cap-au", "P-CAPAU-EVENTCODE", each(event_codes=(SAME,))),
    ("cap-au", "P-CAPAU-AREA", each(areas=())),
    ("cap-au", "P-CAPAU-EXPIRES", each(expires=None)),
    ("cap-au", "P-CAPAU-EFFECTIVE", lambda alert: each(effective=SENT)(replace(alert, msg_type=MsgType.CANCEL))),
    ("google", "P-GOOGLE-INFO", whole(infos=())),
    ("google", "P-GOOGLE-REFS", whole(references=())),
    ("google", "P-GOOGLE-DESCRIPTION", second(description="")),
    ("google", "P-GOOGLE-WEB", each(web="")),
    ("google", "P-GOOGLE-EXPIRES", each(expires=None)),
    ("google", "P-GOOGLE-AREA", each(areas=())),
    ("wmo", "P-WMO-ID", whole(identifier="BPBD-1")),
    ("wmo", "P-WMO-REFS", whole(references=())),
    ("wmo", "P-WMO-INFO", whole(infos=())),
    ("wmo", "P-WMO-EVENTCODE", each(event_codes=(SAME,))),
    ("wmo", "P-WMO-EXPIRES", each(expires=None)),
    ("wmo", "P-WMO-SENDERNAME", each(sender_name="")),
    ("wmo", "P-WMO-AREA", each(areas=())),
    *((name, "P-EVENTCODE-SAME", second(event_codes=(SAME,))) for name in ("ipaws", "cap-cp", "cap-au")),
    *((name, "P-CATEGORY-SAME", second(categories=(Category.GEO,))) for name in ("ipaws", "cap-cp", "cap-au")),
]


@pytest.mark.parametrize(("profile", "rule", "change"), BREAKS)
def test_each_need_is_missed_when_it_is_not_met(profile: str, rule: str, change: Callable[[Alert], Alert]) -> None:
    """The need is named, and the same alert unchanged meets every need of the profile."""
    assert rule in {warning.rule for warning in profiles.check(change(SOUND), profile)}
    assert profiles.check(SOUND, profile) == ()


def test_every_need_is_shown_missed() -> None:
    """No need is there that was never seen to work."""
    told = {(name, need.rule) for name, needs in profiles.PROFILES.items() for need in needs}
    assert told == {(profile, rule) for profile, rule, _ in BREAKS}


def test_a_place_is_named_as_the_rules_name_it() -> None:
    """The second info's area is info[1]/area[0]."""
    bad = second(areas=(Area(desc="x"),))(SOUND)
    (missed,) = [warning for warning in profiles.check(bad, "ipaws") if warning.rule == "P-IPAWS-GEOCODE"]
    assert missed.where == "info[1]/area[0]/geocodes"


@pytest.mark.parametrize("identifier", ["2.49.0.1.360.0.2026.11.21.08.001", "urn:oid:2.49.0.0.360.9.1"])
def test_the_identifiers_that_bmkg_and_others_use_meet_the_profile_of_wmo(identifier: str) -> None:
    """With and without urn:oid: before it."""
    assert profiles.check(replace(SOUND, identifier=identifier), "wmo") == ()


def test_an_unknown_profile_is_refused_with_those_there_are() -> None:
    """A slip of the keyboard names its way out."""
    with pytest.raises(BadInput, match=r"no CAP profile 'ipwas'; known are ipaws, cap-cp, cap-au, google, wmo\."):
        profiles.check(SOUND, "ipwas")
