"""Moments: as announcers and engineers write them, without a form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crisis.model.moment import moments, read

ZONE = ZoneInfo("Asia/Pontianak")  # UTC+7
NOW = datetime(2026, 11, 21, 14, 50, tzinfo=UTC)  # 21.50 WIB


def wib(hour: int, minute: int, day: int = 21, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("21.35", wib(21, 35)),
        ("21:35", wib(21, 35)),
        ("9.05", wib(9, 5)),
        ("pukul 21.35 WIB", wib(21, 35)),
        ("21:35 wib", wib(21, 35)),
        ("22.35 WITA", wib(21, 35)),
        ("23:35 WIT", wib(21, 35)),
        ("9.35 malam", wib(21, 35)),
        ("9:35 pm", wib(21, 35)),
        ("9.35 P.M.", wib(21, 35)),
        ("3.10 sore", wib(15, 10)),
        ("12.10 siang", wib(12, 10)),
        ("12.05 am", wib(0, 5)),
        ("12.05 malam", wib(0, 5)),
        ("kemarin jam 20.10", wib(20, 10, day=20)),
        ("yesterday 9:10 pm WIB", wib(21, 10, day=20)),
        ("21.54", wib(21, 54)),  # a clock that is fast
        ("22.10", wib(22, 10, day=20)),  # not yet today, so yesterday
        ("2026-11-21T21:35", wib(21, 35)),
        ("2026-11-21 21:35:10+07:00", wib(21, 35) + timedelta(seconds=10)),
        ("2026-11-21T14:35Z", wib(21, 35)),
        ("2026-11-21 21.35 WIB", wib(21, 35)),
        ("21/11 21.35", wib(21, 35)),
        ("21/11/2026 21:35 WIB", wib(21, 35)),
        ("20-11-2026 pukul 21.35", wib(21, 35, day=20)),
        ("20.11.2026, 21:35", wib(21, 35, day=20)),
        ("jam 21.35 tanggal 20 November 2026", wib(21, 35, day=20)),
        ("20 Nov 21:35", wib(21, 35, day=20)),
        ("31 Des 23.50", wib(23, 50, day=31, month=12, year=2025)),
        ("25:10", None),
        ("21.60", None),
        ("", None),
        ("malam ini", None),
        ("crisis.2026.000017", None),
        ("urn:oid:2.49.0.1.360", None),
        ("0561-765432", None),
        ("21.35 dan 21.50", None),
        ("32/13/2026", None),
        ("9999-99-99 99:99", None),
    ],
)
def test_a_moment_is_read_as_people_write_it(text: str, moment: datetime | None) -> None:
    """One text, one moment; none where it is not sure which."""
    assert read(text, NOW, ZONE) == moment


def test_every_moment_of_a_text_is_found_once() -> None:
    """A day belongs to the times of its own line."""
    text = "Siar pertama 21.35 WIB, lagi 21.40.\nKemarin, 20/11, 19.00.\nsekali lagi 21:35"
    assert moments(text, NOW, ZONE) == [wib(21, 35), wib(21, 40), wib(19, 0, day=20)]
