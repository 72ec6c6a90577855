"""How BMKG's open earthquake lists become alerts, and what their free text says of a tsunami."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crisis.cap.entry import Entry
from crisis.cap.nouns import Certainty, Circle, Severity, Urgency
from crisis.cap.record import digest
from crisis.errors import BadInput
from crisis.feeds.bmkg_quake import parse
from crisis.feeds.tsunami import tsunami

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
URL = "https://data.bmkg.go.id/DataMKG/TEWS/autogempa.json"
QUAKE = {
    "Tanggal": "21 Nov 2026",
    "Jam": "15:15:00 WIB",
    "DateTime": "2026-11-21T08:15:00+00:00",
    "Coordinates": "-0.12,109.34",
    "Lintang": "0.12 LS",
    "Bujur": "109.34 BT",
    "Magnitude": "5.4",
    "Kedalaman": "12 km",
    "Wilayah": "12 km barat Pontianak",
    "Potensi": "Tidak berpotensi tsunami",
    "Dirasakan": "III Pontianak, II - III Kubu Raya",
    "Shakemap": "20261121151500.mmi.jpg",
}
PLACE = Circle(lat=-0.12, lon=109.34, radius=0.0)


def _read(quake: Any) -> Entry:
    (entry,) = parse(json.dumps({"Infogempa": {"gempa": quake}}).encode(), URL, NOW)
    return entry


def _parameters(entry: Entry) -> dict[str, str]:
    assert entry.alert
    return dict(entry.alert.infos[0].parameters)


def _faults(entry: Entry) -> list[str]:
    return [warning.where for warning in entry.warnings if warning.rule == "X-FEED"]


def test_a_quake_tells_time_place_strength_and_the_source_s_own_words() -> None:
    """Everything a playbook may ask about is there, in BMKG's words where it has words."""
    entry = _read(QUAKE)
    assert entry.alert
    (info,) = entry.alert.infos
    assert (entry.alert.sender, entry.alert.sent) == ("bmkg.go.id", datetime(2026, 11, 21, 8, 15, tzinfo=UTC))
    assert info.areas[0].circles == (PLACE,)
    assert info.areas[0].desc == "12 km barat Pontianak"
    assert info.parameters == (
        ("magnitude", "5.4"),
        ("depth_km", "12"),
        ("tsunami", "no"),
        ("potential", "Tidak berpotensi tsunami"),
        ("felt", "III Pontianak, II - III Kubu Raya"),
    )
    assert info.headline == "Gempabumi M 5.4, 12 km barat Pontianak"
    assert "Waktu: 21 Nov 2026 15:15:00 WIB" in info.description
    assert (info.severity, info.urgency, info.certainty) == (Severity.MODERATE, Urgency.EXPECTED, Certainty.OBSERVED)
    assert info.expires is None
    assert info.resources[0].uri == "https://data.bmkg.go.id/DataMKG/TEWS/20261121151500.mmi.jpg"
    assert _faults(entry) == []


def test_a_revised_quake_keeps_its_name_and_has_new_content() -> None:
    """A quake that BMKG corrects is the same quake with other words."""
    first, then = _read(QUAKE), _read({**QUAKE, "Magnitude": "6.1", "Potensi": "Berpotensi TSUNAMI"})
    assert first.alert
    assert then.alert
    assert first.alert.identifier == then.alert.identifier
    assert first.alert.sent == then.alert.sent
    assert digest(first.alert) != digest(then.alert)


def test_the_three_lists_and_the_xml_name_a_quake_alike() -> None:
    """However one quake is told, it has one name."""
    xml = b"""<Infogempa><gempa><DateTime>2026-11-21T08:15:00+00:00</DateTime>
    <point><coordinates>-0.12,109.34</coordinates></point><Magnitude>5.4</Magnitude></gempa></Infogempa>"""
    told = [
        _read(QUAKE),
        _read([QUAKE]),
        _read({**QUAKE, "DateTime": "2026-11-21T15:15:00+07:00", "Coordinates": " -0.120 , 109.340 "}),
        parse(xml, URL, NOW)[0],
    ]
    assert len({entry.alert.identifier for entry in told if entry.alert}) == 1
    assert all(entry.alert for entry in told)


def test_the_bytes_of_each_quake_are_kept_as_published() -> None:
    """What a source wrote is evidence, to the last blank."""
    raw = b'\xef\xbb\xbf{"Infogempa" : {"gempa":[ {"Magnitude":  "5.4"} ,{"Wilayah":"\xff"}\n]}} '
    entries = parse(raw, URL, NOW)
    assert [entry.raw for entry in entries] == [b'{"Magnitude":  "5.4"}', b'{"Wilayah":"\xff"}']
    assert [entry.where for entry in entries] == ["gempa[0]", "gempa[1]"]


@pytest.mark.parametrize(
    ("changed", "faults"),
    [
        ({"Coordinates": "109.34,-0.12"}, ["Coordinates"]),
        ({"Coordinates": "-0,12 109,34"}, []),
        ({"Coordinates": "-0.12;109.34"}, []),
        ({"Coordinates": None}, ["Coordinates"]),
        ({"Coordinates": "?"}, ["Coordinates"]),
        ({"Coordinates": [1, 2]}, ["Coordinates", "Coordinates"]),
        ({"Coordinates": "0.12,109.34"}, ["Coordinates"]),
        ({"Coordinates": "109.34,-0.12", "Lintang": None, "Bujur": None}, ["Coordinates"]),
        ({"Lintang": None, "Bujur": "?"}, []),
        ({"Coordinates": None, "point": {"coordinates": "-0.12,109.34"}}, ["Coordinates"]),
        ({"Lintang": "0,12 LS", "Bujur": "109,34 BT"}, []),
    ],
)
def test_a_place_is_read_however_it_is_written(changed: dict[str, Any], faults: list[str]) -> None:
    """Lintang and Bujur name their axes, so they decide when the pair disagrees."""
    entry = _read({**QUAKE, **changed})
    assert entry.alert
    assert entry.alert.infos[0].areas[0].circles == (PLACE,)
    assert _faults(entry) == faults


@pytest.mark.parametrize(
    ("changed", "faults"),
    [
        ({"DateTime": "2026-11-21T15:15:00+07:00"}, 0),
        ({"DateTime": "2026-11-21 08:15:00"}, 0),
        ({"DateTime": "2026-11-21T08:15:00Z"}, 0),
        ({"DateTime": None}, 1),
        ({"DateTime": "kemarin"}, 2),
        ({"DateTime": None, "Tanggal": "21-November-2026", "Jam": "16.15.00 WITA"}, 1),
        ({"DateTime": None, "Jam": "17:15 WIT"}, 1),
    ],
)
def test_a_time_is_read_however_it_is_written(changed: dict[str, Any], faults: int) -> None:
    """Without DateTime the local date and hour are read with their zone."""
    entry = _read({**QUAKE, **changed})
    assert entry.alert
    assert entry.alert.sent == datetime(2026, 11, 21, 8, 15, tzinfo=UTC)
    assert len(_faults(entry)) == faults


@pytest.mark.parametrize(
    "lost",
    [
        {"DateTime": None, "Jam": "15:15:00"},
        {"DateTime": "", "Tanggal": "21 Xyz 2026"},
        {"DateTime": "", "Tanggal": "31 Feb 2026"},
        {"Coordinates": None, "Lintang": None},
        {"Coordinates": "91,181", "Lintang": "", "Bujur": ""},
        {"Coordinates": "", "Lintang": "99 LS"},
    ],
)
def test_a_quake_is_refused_only_without_a_time_or_a_place(lost: dict[str, Any]) -> None:
    """What nobody can locate in time and space opens nothing, but is kept with its reason."""
    entry = _read({**QUAKE, **lost})
    assert entry.alert is None
    assert "cannot be read" in entry.refused
    assert json.loads(entry.raw) == {**QUAKE, **lost}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("5,4", "5.4"),
        ("5.4 SR", "5.4"),
        ("M 5.4", "5.4"),
        (5.4, "5.4"),
        (5, "5"),
        ("1.8", "1.8"),
        ("", ""),
        (None, ""),
        ("-", ""),
        ("besar", ""),
        ("54", ""),
        ("NaN", ""),
        (True, ""),
    ],
)
def test_a_magnitude_is_a_number_or_unknown(written: Any, read: str) -> None:
    """A magnitude that cannot be meant is unknown, never zero."""
    entry = _read({**QUAKE, "Magnitude": written})
    assert _parameters(entry).get("magnitude", "") == read
    assert entry.alert
    assert (entry.alert.infos[0].severity is Severity.UNKNOWN) == (read == "")


@pytest.mark.parametrize(("written", "read"), [("10km", "10"), ("12,5 Km", "12.5"), ("900 km", None), (None, None)])
def test_a_depth_is_in_kilometres_or_unknown(written: Any, read: str | None) -> None:
    """A depth no quake has is unknown."""
    assert _parameters(_read({**QUAKE, "Kedalaman": written})).get("depth_km") == read


def test_small_letters_and_missing_fields_do_no_harm() -> None:
    """Only a time and a place are needed."""
    entry = _read({"datetime": "2026-11-21T08:15:00Z", "coordinates": "-0.12,109.34", "magnitude": "7.1"})
    assert entry.alert
    assert entry.alert.infos[0].severity is Severity.EXTREME
    assert _parameters(entry) == {"magnitude": "7.1", "tsunami": "unknown"}


def test_a_name_that_stands_twice_is_noted() -> None:
    """Two answers to one question are a fault of the source."""
    raw = (
        b'{"Infogempa":{"gempa":{"Magnitude":"5","Magnitude":"6","DateTime":"2026-11-21T08:15Z","Coordinates":"0,0"}}}'
    )
    (entry,) = parse(raw, URL, NOW)
    assert _faults(entry) == ["Magnitude"]
    assert _parameters(entry)["magnitude"] == "6"


@pytest.mark.parametrize(
    ("magnitude", "potential", "severity", "urgency"),
    [
        ("4.9", "", Severity.MINOR, Urgency.PAST),
        ("5.0", "", Severity.MODERATE, Urgency.EXPECTED),
        ("6.0", "", Severity.SEVERE, Urgency.IMMEDIATE),
        ("7.0", "Tidak berpotensi tsunami", Severity.EXTREME, Urgency.IMMEDIATE),
        ("4.9", "Berpotensi tsunami", Severity.EXTREME, Urgency.IMMEDIATE),
        (None, "Berpotensi tsunami", Severity.EXTREME, Urgency.IMMEDIATE),
        (None, "", Severity.UNKNOWN, Urgency.UNKNOWN),
    ],
)
def test_strength_and_tsunami_grade_a_quake(
    magnitude: str | None, potential: str, severity: Severity, urgency: Urgency
) -> None:
    """The table of the house, from both sides of each step."""
    entry = _read({**QUAKE, "Magnitude": magnitude, "Potensi": potential})
    assert entry.alert
    assert (entry.alert.infos[0].severity, entry.alert.infos[0].urgency) == (severity, urgency)


@pytest.mark.parametrize(
    ("says", "means"),
    [
        ("Tidak berpotensi tsunami", "no"),
        ("tidak berpotensi TSUNAMI", "no"),
        ("TIDAK\nBERPOTENSI \t TSUNAMI.", "no"),
        ("tidak ada potensi tsunami", "no"),
        ("Tdk berpotensi tsunami", "no"),
        ("Tidakberpotensi tsunami", "no"),
        ("Potensi tsunami: tidak ada", "no"),
        ("Berpotensi tsunami, tidak ada", "no"),
        ("Tsunami tidak terjadi", "no"),
        ("Gempa ini dirasakan. Tidak berpotensi tsunami", "no"),
        ("No tsunami threat", "no"),
        ("Berpotensi TSUNAMI untuk diteruskan pada masyarakat", "yes"),
        ("Potensi tsunami untuk diteruskan pada masyarakat", "yes"),
        ("Peringatan Dini Tsunami: SIAGA", "yes"),
        ("kemungkinan terjadi tsunami", "yes"),
        ("Tidak berpotensi gempa susulan, berpotensi tsunami", "yes"),
        ("Berpotensi tsunami dan tidak perlu panik", "yes"),
        ("Berpotensi tsunami. Tidak ada korban", "yes"),
        ("Gempa ini dirasakan untuk diteruskan pada masyarakat", "unknown"),
        ("", "unknown"),
        ("Tsunami", "unknown"),
        ("Belum diketahui potensi tsunami", "unknown"),
        ("Tidak dapat dipastikan berpotensi tsunami", "unknown"),
        ("Tidak menutup kemungkinan tsunami", "unknown"),
        ("Bukan tidak mungkin tsunami", "unknown"),
        ("Tidak dirasakan berpotensi tsunami", "unknown"),
        ("Tdak berpotensi tsunami", "unknown"),
        ("Jika berpotensi tsunami segera mengungsi", "unknown"),
        ("Peringatan dini tsunami telah berakhir", "unknown"),
        ("Simulasi: latihan berpotensi tsunami", "unknown"),
    ],
)
def test_the_words_on_a_tsunami_are_never_read_as_their_opposite(says: str, means: str) -> None:
    """A denial is no warning, a warning is no denial, and doubt is neither."""
    assert tsunami(says) == means


@pytest.mark.parametrize(
    "raw", [b"<html/>", b"<Infogempa><gempa>", b'{"Infogempa":{}}', b'{"gempa":[]}', b'{"Infogempa":{"gempa":null}}']
)
def test_a_page_without_quakes_is_not_an_empty_list(raw: bytes) -> None:
    """A list that cannot be found is trouble with the feed."""
    with pytest.raises(BadInput):
        parse(raw, URL, NOW)


def test_an_empty_list_is_no_quake() -> None:
    """No quakes is a fact of its own."""
    assert parse(b'{"Infogempa":{"gempa":[]}}', URL, NOW) == []


@pytest.mark.parametrize(
    ("name", "quakes"),
    [
        ("siaga_autogempa_REAL_2026-09-23.json", 1),
        ("siaga_gempadirasakan_REAL_2026-09-24_first2.json", 2),
        ("tests_fixtures_autogempa.json", 1),
        ("tests_fixtures_gempadirasakan.json", 2),
        ("tests_fixtures_gempaterkini.json", 2),
    ],
)
def test_real_lists_are_read_without_a_fault(sample: Callable[..., Path], name: str, quakes: int) -> None:
    """Samples of the real lists give every quake."""
    path = sample("feeds", "bmkg", name)
    entries = parse(path.read_bytes(), URL, NOW)
    assert len(entries) == quakes
    assert all(entry.alert and not _faults(entry) for entry in entries)
