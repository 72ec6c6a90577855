"""Promises of what a station gets beside the audio: RDXML, set-up, receipt, playlists and the listening page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from lxml import etree

from channels.contract import About
from channels.radio import listening, playout
from channels.radio.bulletin import Bulletin, Office

NOON = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
OFFICE = Office(title="BPBD Kota Semarang", base="https://crisis.example/radio", language="id", zone="Asia/Jakarta")
FLOOD = Bulletin(
    id="urn:oid:2.49.0.1.360.1",
    incident="banjir-7",
    language="id",
    mode="Actual",
    headline="Banjir di <Kaligawe> & Terboyo {segera}",
    script="Banjir di Kaligawe.",
    reading="Pengumuman resmi.\nBanjir di Kaligawe.\nSelesai.",
    sent=NOON,
    expires=NOON + timedelta(hours=4),
    link="https://crisis.example/a/7",
    about=About(agency="BPBD Kota Semarang", hazard="Banjir", contact="024-7604444"),
)
DRILL = replace(FLOOD, mode="Exercise")
AGREED = playout.Agreed(
    cart=900017, feed="https://crisis.example/radio/feed.xml", key="RWQx", read_back="https://c.example/r/7"
)
NAMES = {"wav": "audio/x_bwf_-23LUFS.wav", "mp3": "audio/x.mp3", "stem": "audio/stem.wav", "script": "01.pdf"}


def read_as_rivendell(content: bytes) -> dict[str, str]:
    """Read RDXML as lib/rdcart.cpp does: line by line, a tag found anywhere in a line, states for cart and cut."""
    state, found = "", {}
    for line in (line.strip() for line in content.decode("latin-1").split("\n")):
        state = {"<cart>": "cart", "<cut>": "cut", "</cut>": "cart", "</cart>": ""}.get(line, state)
        if state and line.startswith("<") and "</" in line:
            name = line[1 : line.index(">")]
            found[f"{state}.{name}"] = line.replace(f"<{name}>", "").replace(f"</{name}>", "")
    return found


@pytest.mark.parametrize("bulletin", [FLOOD, DRILL, replace(FLOOD, headline="น้ำท่วม")])
def test_rivendell_reads_cart_and_times(bulletin: Bulletin) -> None:
    """One element a line, ASCII, nothing to unescape; the cut holds from and until by the station's clock."""
    content = playout.rivendell(bulletin, OFFICE, AGREED, seconds=61.5, out_cue="Selesai.")
    found = read_as_rivendell(content)
    assert found["cart.number"] == "900017"
    assert found["cart.groupName"] == "ALERT"
    assert found["cut.startDatetime"] == "2026-11-21T19:30:00"
    assert found["cut.endDatetime"] == "2026-11-21T23:30:00"
    assert found["cut.length"] == "61500"
    assert found["cart.title"]
    assert ("LATIHAN" in found["cart.title"]) == (bulletin.mode == "Exercise")
    assert not any(set("<>&") & set(value) for value in found.values())
    assert etree.fromstring(content).tag == "cart"


def test_rdxml_names_no_cart_that_was_not_agreed() -> None:
    """Without a number the element is left out, not 0."""
    assert b"<number>" not in playout.rivendell(FLOOD, OFFICE, playout.Agreed(), seconds=1, out_cue="")


@pytest.mark.parametrize("language", ["id", "en"])
def test_the_setup_sheet_tells_three_ways_and_how_to_check(language: str) -> None:
    """Rivendell, Liquidsoap and by hand, the feed, the sums, the key, and when to stop; CRLF for Notepad."""
    bulletin = replace(DRILL, language=language)
    text = playout.station_setup(bulletin, OFFICE, AGREED, NAMES)
    wanted = ["rdimport --drop-box --use-cartchunk-cutid --delete-cuts", "ALERT '/var/crisis/*_bwf_*.wav'", "900017"]
    wanted += ['reload_mode="watch"', "fallback(track_sensitive=false", AGREED.feed, "sha256sum -c SHA256SUMS"]
    wanted += ["RWQx", AGREED.read_back, "024-7604444", *NAMES.values(), "{segera}"]
    assert [part for part in wanted if part not in text] == []
    assert ("LATIHAN" if language == "id" else "EXERCISE") in text
    assert "\n" not in text.replace("\r\n", "")
    assert max(len(line) for line in text.split("\r\n")) <= 130


def test_the_setup_sheet_says_what_is_not_agreed_or_not_there() -> None:
    """No cart, no key, no sound: each is told."""
    text = playout.station_setup(FLOOD, OFFICE, playout.Agreed(), {})
    assert "belum disepakati" in text
    assert "tidak ditandatangani" in text
    assert "(tidak ada dalam paket ini)" in text
    assert "None" not in text


def test_a_receipt_asks_when_by_whom_and_how_often() -> None:
    """It carries the code by which the office knows the kit, and the link."""
    text = playout.receipt(FLOOD, OFFICE, replace(AGREED, ref="K7-42"))
    wanted = ["K7-42", "Mulai mengudara", "Berapa kali", "Nama penyiar", AGREED.read_back, FLOOD.id]
    assert [part for part in wanted if part not in text] == []


def test_playlists_hold_relative_paths_and_lengths() -> None:
    """M3U8 in seconds, XSPF in milliseconds as valid XML."""
    tracks = [playout.Track(path="audio/a b.mp3", title="Banjir & <api>\n2", seconds=61.4)]
    tracks.append(playout.Track(path="audio/c.wav", title="c"))
    assert playout.m3u8(tracks, "T").splitlines() == [
        "#EXTM3U", "#PLAYLIST:T", "#EXTINF:61,Banjir & <api> 2", "audio/a b.mp3", "#EXTINF:-1,c", "audio/c.wav",
    ]  # fmt: skip
    root = etree.fromstring(playout.xspf(tracks, "T", "BPBD"))
    space = {"x": "http://xspf.org/ns/0/"}
    assert root.xpath("//x:location/text()", namespaces=space) == ["audio/a%20b.mp3", "audio/c.wav"]
    assert root.xpath("//x:duration/text()", namespaces=space) == ["61400"]
    assert root.xpath("//x:track/x:title/text()", namespaces=space) == ["Banjir & <api> 2", "c"]


class Seen(HTMLParser):
    """What a page asks a browser to load, and its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = dict(attrs)
        self.loads += [named["src"] or ""] if "src" in named else []
        self.links += [named["href"] or ""] if "href" in named else []
        assert tag != "img" or named.get("alt")
        assert tag != "html" or named.get("lang")


def shown(**changes: object) -> listening.Shown:
    pieces = {
        "mp3": listening.Piece(path="audio/a b.mp3", size=2_058_624, seconds=128.6, lufs=-16.0, peak=-1.8),
        "amr": listening.Piece(path="audio/a.amr", size=205_862, seconds=128.6),
        "card": listening.Piece(path="card.png"),
        "poster": listening.Piece(path="poster_A4.pdf", size=28_500),
    }
    made = listening.Shown(
        script="Baris <satu>.\nBaris dua.", pieces=pieces, captions="WEBVTT\n", alt="Kartu", voice="espeak"
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_the_page_loads_nothing_from_elsewhere_and_runs_no_script() -> None:
    """It works from a memory stick: relative paths and embedded captions only."""
    seen = Seen(listening.page(DRILL, OFFICE, shown()))
    assert "script" not in seen.tags
    assert seen.loads
    assert all(load.startswith(("audio/", "card.png", "data:text/vtt;base64,")) for load in seen.loads)
    assert "audio/a%20b.mp3" in seen.loads
    assert [tag for tag in ("h1", "h2", "main", "audio", "track", "img") if tag not in seen.tags] == []


def test_the_page_shows_words_as_words() -> None:
    """An alert's text is never markup, and a link that is no web link is not one."""
    page = listening.page(replace(FLOOD, link="javascript:alert(1)"), OFFICE, shown(read_back="data:text/html,x"))
    assert "Baris &lt;satu&gt;." in page
    assert "&lt;Kaligawe&gt;" in page
    assert "javascript:" not in page
    assert "data:text/html" not in page


def test_the_page_says_mode_length_loudness_and_what_is_missing() -> None:
    """What a station decides by stands on it."""
    page = listening.page(DRILL, OFFICE, shown(missing=("Tidak ada FLAC.",), read_back="https://c.example/r/7"))
    for part in ("Ini hanya latihan", "2 menit 9 detik", "-16.0 LUFS", "-1.8 dBTP", "2.1 MB", "Tidak ada FLAC."):
        assert part in page
    assert 'href="https://c.example/r/7"' in page
    assert "23.30 WIB, 21 November 2026" in page


def test_a_kit_without_sound_has_a_page_to_read_from() -> None:
    """Text only: the page says to read the script, and has no player."""
    page = listening.page(FLOOD, OFFICE, shown(pieces={}, captions=""))
    assert "bacakan naskah" in page
    assert "<audio" not in page
    assert "Baris dua." in page


def test_the_same_kit_gives_the_same_page() -> None:
    """No clock and no chance in it."""
    assert listening.page(FLOOD, OFFICE, shown()) == listening.page(FLOOD, OFFICE, shown())
