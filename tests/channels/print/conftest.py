"""A flood in Semarang as a sheet of paper gets it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from channels.print.paper import Papers, papers
from channels.print.sheet import Line, Sheet

RING = [[110.44, -6.98], [110.50, -6.96], [110.53, -7.0], [110.52, -7.05], [110.47, -7.06], [110.44, -6.98]]
NAMES = {
    "readme": "00.pdf",
    "script": "01.pdf",
    "loudspeaker": "02.pdf",
    "questions": "03.pdf",
    "poster": "poster.pdf",
    "card": "card.png",
    "alt": "card.txt",
}
ID = Sheet(
    language="id",
    mode="Actual",
    agency="BPBD Kota Semarang",
    hazard="Banjir",
    severity="Severe",
    headline="Banjir Kali Babon: warga Mranggen dan Genuk segera mengungsi",
    area="Kecamatan Genuk, Pedurungan dan Mranggen",
    do=("Pindah ke tempat yang lebih tinggi.", "Pergi ke Balai Desa Kebonbatur.", "Bawa obat dan dokumen."),
    dont=("Menyeberangi air yang mengalir.",),
    script=(
        Line(text="Pengumuman resmi / dari BPBD Kota Semarang."),
        Line(text="Banjir di Genuk, / Pedurungan, / dan Mranggen.", says=(("Mranggen", "m'RANG-gen"),)),
        Line(text="Pergi ke Balai Desa Kebonbatur."),
        Line(text="Butuh bantuan, / telepon satu satu dua."),
    ),
    seconds=31,
    loudspeaker=(Line(text="Banjir Kali Babon. / Pindah sekarang."),),
    loudspeaker_seconds=9,
    kentongan="4-4-4: banjir",
    questions=(("Ke mana saya pergi?", "Ke Balai Desa Kebonbatur."),),
    rumours=(("Tanggul Kali Babon utuh.", "Tanggul jebol."),),
    sent="21 November 2026, 14.30 WIB",
    until="21 November 2026, 23.30 WIB",
    source="BMKG",
    help_line="112",
    contact="Pusdalops, 024 6730212",
    link="https://bpbd.example.id/p/2026-00017",
    readback="https://bpbd.example.id/aired/2026-00017",
    code="00017-42",
    check="bpbd.example.id/cek",
    outline=json.dumps({"type": "MultiPolygon", "coordinates": [[RING]]}),
    kit="BPBD-SMG_2026-00017_v3_id",
    identifier="urn:oid:2.49.0.0.360.0.17",
)
EN = replace(
    ID,
    language="en",
    hazard="Flood",
    headline="Babon river flood: leave Mranggen and Genuk now",
    area="Genuk, Pedurungan and Mranggen",
    do=("Go to higher ground.", "Go to the Kebonbatur village hall."),
    script=(Line(text="It concerns Genuk, / Pedurungan, / and Mranggen."), Line(text="Call one one two.")),
)


@pytest.fixture(scope="session")
def names() -> dict[str, str]:
    return dict(NAMES)


@pytest.fixture(scope="session")
def flood() -> Sheet:
    return ID


@pytest.fixture(scope="session")
def sheets() -> dict[str, Sheet]:
    """The kinds of bulletins there are, by name."""
    drill = replace(ID, mode="Exercise", mark="LATIHAN", severity="Moderate")
    cancel = replace(ID, ends=True, headline="Banjir sudah surut: warga boleh pulang")
    return {"id": ID, "en": EN, "drill": drill, "cancel": cancel, "update": replace(EN, replaces=True)}


@pytest.fixture
def printed(tmp_path: Path) -> Callable[..., tuple[Path, Papers]]:
    """`printed(sheet)` makes all papers and gives their folder and what is said of them."""

    def make(sheet: Sheet, names: dict[str, str] = NAMES, folder: str = "kit") -> tuple[Path, Papers]:
        into = tmp_path / folder
        return into, papers(sheet, into, names)

    return make
