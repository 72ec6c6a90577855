"""What was measured is what is told: no figure is lost on the way to the table, the chart and the JSON line."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.bench import results
from tests.bench.__main__ import BENCHES, headline
from tests.bench.figures import KEYS, Figure, Pairs, judged, paired

AT = datetime(2026, 11, 21, 8, 15, tzinfo=UTC)


def three() -> list[Figure]:
    """A ratio that is met, one that is not, and a time without a peer."""
    return [
        judged("b1", 14_567.0, "durable deliveries/s", peer="SAQ 2x50", peer_figure=1_893.0, goal=7, spread=(7.1, 8.2)),
        judged("b1", 9_123.0, "durable deliveries/s", peer="bare <loop>", peer_figure=13_001.0, goal=0.8),
        judged("b5", 241.0, "ms", goal=250, goal_of="figure", sense="<=", what="first accepted | a million", seed=7),
    ]


def test_every_figure_stands_in_a_row_of_its_own_with_its_verdict() -> None:
    rows = results.table(three()).splitlines()[2:]
    assert len(rows) == 3
    assert "14,567" in rows[0]
    assert "| 1,893 | 7.695 | >= 7x | yes | 7.1 to 8.2 |" in rows[0]
    assert "| 0.7017 | >= 0.8x | **no** | - |" in rows[1]
    assert "| first accepted / a million | 241 | ms | - | - | - | <= 250 | yes | - |" in rows[2]
    assert len({row.count("|") for row in rows}) == 1  # no cell breaks the table


def test_the_page_and_the_chart_are_written_with_date_machine_and_what_is_absent(tmp_path: Path) -> None:
    results.write(three(), AT, ["b10"], tmp_path)
    page = (tmp_path / "RESULTS.md").read_text()
    for part in ("2026-11-21 08:15 UTC", "- cores: ", "- fsync_ms: ", "(results.svg)", "Not there: b10.", "seed: 7"):
        assert part in page
    chart = ElementTree.fromstring((tmp_path / "results.svg").read_text())
    kinds = [e.get("class") for e in chart.iter()]
    assert (kinds.count("ours"), kinds.count("missed"), kinds.count("goal")) == (1, 1, 2)  # each ratio and its goal


def test_a_longer_bar_is_a_larger_ratio() -> None:
    chart = ElementTree.fromstring(results.chart([judged("b", r, "x", peer="p", peer_figure=1.0) for r in (2, 8, 40)]))
    widths = [float(e.attrib["width"]) for e in chart.iter() if e.get("class") == "ours"]
    assert widths == sorted(widths)
    assert widths[1] == pytest.approx(3 * widths[0], rel=0.02)  # log 8 is three times log 2


def test_the_line_of_a_bench_has_its_nine_keys_and_is_met_only_if_every_goal_is() -> None:
    line = headline(three())
    assert tuple(line) == KEYS
    assert line["met"] is False
    assert headline(three()[:1])["met"] is True


@pytest.mark.parametrize(
    ("figure", "peer_figure", "goal", "goal_of", "sense", "met"),
    [
        (7.0, 1.0, 7, "ratio", ">=", True),
        (6.99, 1.0, 7, "ratio", ">=", False),
        (10.0, None, 10, "figure", "<=", True),
        (10.01, None, 10, "figure", "<=", False),
        (10.0, None, None, "figure", "<=", None),
    ],
)
def test_a_goal_is_judged_before_rounding(figure, peer_figure, goal, goal_of, sense, met) -> None:  # type: ignore[no-untyped-def]
    made = judged("b", figure, "x", peer_figure=peer_figure, goal=goal, goal_of=goal_of, sense=sense)
    assert made.met is met
    assert dataclasses.asdict(made)["goal"] == goal


async def test_pairs_are_measured_in_turn_and_judged_pair_by_pair() -> None:
    order: list[str] = []
    ours, theirs = iter((10.0, 60.0, 30.0)), iter((1.0, 2.0, 2.0))

    async def mine() -> float:
        order.append("a")
        return next(ours)

    async def other() -> float:
        order.append("b")
        return next(theirs)

    pairs = await paired(mine, other, 3)
    assert "".join(order) == "ababab"
    assert isinstance(pairs, Pairs)
    assert (pairs.ratio, pairs.spread, pairs.figure, pairs.peer_figure) == (15.0, (10.0, 30.0), 30.0, 2.0)


def test_every_bench_of_the_programme_has_a_name() -> None:
    older = {"cap", "geometry", "first", "fanout"}
    assert {"b1", "b2", "b3", "b4", "b5", "b6", "b7", "b9", "b10", "kit"} | older == set(BENCHES)
