"""What the register says of a station: read strictly, never shown, and the same numbers every time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from channels.contract import Misconfigured
from channels.radio.names import ID
from channels.radio.station import SAYABLE, Station, cart_number, ref, wanted

SECRET = "5ec7e7" * 8
PIN = "SHA256:" + "a+/Z" * 10 + "abc"
WORD = "hunter2"


def entry(**changes: Any) -> str:
    told = {"name": "Radio Semarang", "way": "file:///var/drop", "languages": ["id", "jv"], "secret": SECRET}
    return json.dumps({**told, **changes})


@pytest.mark.parametrize(
    ("way", "formats"),
    [
        ("file:///var/drop", ("wav",)),
        ("usb:///media/stick", tuple(ID)),
        (f"sftp://u@host/in?hostkey={PIN}", tuple(ID)),
        ("sftp://u@host/in?hostkey=any", tuple(ID)),
        ("ftp://u:p@host/in", tuple(ID)),
        ("ftps://u:p@host/in?tls=implicit", tuple(ID)),
        ("davs://u:p@host/in", tuple(ID)),
        ("mailto:studio@host.example", ("script", "mp3", "amr")),
        ("liquidsoap://host:1234/bulletin?path=/kits", ("wav",)),
        ("icecast://source:p@host:8000/live.mp3", ("mp3",)),
        ("rss:", ()),
    ],
)
def test_each_way_takes_what_suits_it(way: str, formats: tuple[str, ...]) -> None:
    """A drop box gets the sound alone, a mailbox what fits in a letter, a folder the whole kit."""
    assert Station.parse(entry(way=way)).formats == formats


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"way": f"gopher://u:{WORD}@host/"}, "must begin with one of"),
        ({"way": f"sftp://u:{WORD}@host/in"}, "pin the server's key"),
        ({"way": f"sftp://u:{WORD}@host/in?hostkey=SHA256:short"}, "pin the server's key"),
        ({"way": f"sftp://:{WORD}@host/in?hostkey=any"}, "names no user"),
        ({"way": f"ftp://u:{WORD}#x@host/in"}, "cannot be read"),
        ({"way": f"ftp://u:{WORD}?x@host/in"}, "cannot be read"),
        ({"way": f"ftp://u@host/in?{WORD}=1"}, "unknown setting"),
        ({"way": f"ftp://u@host/in#{WORD}"}, "%23"),
        ({"way": f"ftp://u:{WORD}@host:port/in"}, "cannot be read"),
        ({"way": f"ftps://u:{WORD}@host/in?tls=maybe"}, "explicit or implicit"),
        ({"way": f"dav://u:{WORD}%0d%0a@host/in"}, "control character"),
        ({"way": f"icecast://source:{WORD}@host"}, "mount"),
        ({"way": "file://host/drop"}, "file:///absolute/path"),
        ({"way": "file:drop"}, "file:///absolute/path"),
        ({"way": "usb:///stick?folder=../x"}, "on the stick"),
        ({"way": "mailto:nobody"}, "give mailboxes"),
        ({"way": "mailto:a@b%0d%0aBcc:c@d"}, "control character"),
        ({"way": "liquidsoap://host/queue"}, "?path="),
        ({"way": "liquidsoap://host/q%20x?path=/k"}, "name the queue"),
        ({"cart_first": 900001}, "both cart_first and cart_last"),
        ({"cart_first": 9, "cart_last": 8}, "cart_last is below"),
        ({"cart_first": "9", "cart_last": 10}, "cart_first"),
        ({"formats": ["tape"]}, "'tape' is unknown"),
        ({"languages": []}, "languages is missing"),
        ({"secret": WORD}, "secret"),
        ({"password": WORD}, "no such field"),
        ({"name": ""}, "name"),
    ],
)
def test_a_wrong_entry_is_refused_in_one_sentence_without_its_secrets(changes: dict[str, Any], says: str) -> None:
    """What an officer reads names the field and the remedy, and no password."""
    with pytest.raises(Misconfigured, match=says.replace("?", r"\?")) as refused:
        Station.parse(entry(**changes))
    assert "\n" not in str(refused.value)
    assert WORD not in str(refused.value) + refused.value.code


def test_no_json_at_all_is_refused_the_same_way() -> None:
    with pytest.raises(Misconfigured, match="station: "):
        Station.parse("{")


def test_a_station_never_shows_its_way_or_its_secret() -> None:
    station = Station.parse(entry(way=f"ftp://user:{WORD}@host.example/in"))
    for shown in (repr(station), str(station), repr(station.place)):
        assert not any(hidden in shown for hidden in (WORD, SECRET, "host.example", "user"))


def test_a_fingerprint_and_a_password_keep_their_special_characters() -> None:
    """A + in a fingerprint is no space, and %40 in a password is an @."""
    found = Station.parse(entry(way=f"sftp://u:p%40%2Fw@host:2022/in%20box/?hostkey={PIN}")).place
    assert (found.password, found.port, found.path, found.settings["hostkey"]) == ("p@/w", 2022, "/in box", PIN)


def carts(first: int = 900001, last: int = 900020, **changes: Any) -> Station:
    return Station.parse(entry(cart_first=first, cart_last=last, **changes))


def test_what_follows_an_alert_gets_its_cart_number() -> None:
    station = carts()
    assert cart_number(station, "17", "id") == cart_number(station, "17", "id-ID") == 900015
    assert cart_number(station, "17", "jv") == 900016
    assert cart_number(Station.parse(entry()), "17", "id") is None


def test_no_two_incidents_in_a_row_share_a_cart_number_while_the_range_lasts() -> None:
    """Twenty numbers for two languages hold ten incidents in a row, wherever the row begins."""
    station = carts()
    for start in range(1, 200, 7):
        given = [cart_number(station, str(n), tongue) for n in range(start, start + 10) for tongue in ("id", "jv")]
        assert sorted(filter(None, given)) == list(range(900001, 900021))


def test_an_incident_without_a_number_still_falls_into_the_range() -> None:
    station = carts(5, 7)
    given = {cart_number(station, f"urn:oid:{n}", "id") for n in range(100)}
    assert given == {5, 6, 7}
    assert cart_number(station, "urn:oid:1", "id") == cart_number(station, "urn:oid:1", "id")


def test_a_read_back_code_is_the_same_for_every_try_and_belongs_to_one_station() -> None:
    ours, theirs = Station.parse(entry()), Station.parse(entry(secret="00" * 32))
    code = ref(ours, "notice-1")
    assert code == ref(ours, "notice-1")
    assert len(code) == 16
    assert set(code) <= set(SAYABLE)
    assert len({code, ref(ours, "notice-2"), ref(theirs, "notice-1")}) == 3


def test_manifest_and_sums_come_last_so_that_who_sees_them_sees_all() -> None:
    available = {role: f"x/{role}" for role in reversed(ID)}
    picked = wanted(Station.parse(entry(formats=["kit"])), available)
    assert set(picked) == set(available.values())
    assert picked[0] == "x/readme"
    assert picked[-3:] == ("x/manifest", "x/sums", "x/signature")
    assert wanted(Station.parse(entry()), {"mp3": "a.mp3"}) == ()
    assert wanted(Station.parse(entry()), available) == ("x/wav",)
