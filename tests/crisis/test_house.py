"""The house keeps its own rules: the map is true, the states are the same everywhere, nothing grows too big."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

import crisis
from crisis import db
from crisis.model import alert, dispatch, incident, inquiry

ROOT = Path(crisis.__file__).parent
SOURCES = [*ROOT.rglob("*.py"), *(ROOT.parent / "channels").rglob("*.py")]
BANNED = {"utils", "helpers", "common", "base", "manager", "service", "handler", "misc"}


def test_the_map_names_every_stage_in_its_order() -> None:
    """What crisis/__init__.py says of flow/ is what is there."""
    assert crisis.__doc__ is not None
    stages = re.findall(r"^(\w+)  +\S", crisis.__doc__, re.MULTILINE)
    of_delivery = "leases|lapses|bucket|notices|pace|ledger|trip"
    named = rf"\b(source|intake_\w+|feedbook|feed_rests|walk|{of_delivery}|publish|about|register|stations|readback)\b"
    parts = re.findall(named, crisis.__doc__.split("Parts of stages")[1])
    there = {path.stem for path in (ROOT / "flow").glob("*.py")} - {"__init__"}
    assert set(stages) | set(parts) == there
    order = "trigger intake plan release fanout deliver hold receipts failover inbound answer update"
    assert stages == order.split()


@pytest.mark.parametrize(
    ("table", "states", "moves"),
    [
        ("alert", alert.AlertState, alert.MOVES),
        ("dispatch", dispatch.DispatchState, dispatch.DISPATCH_MOVES),
        ("batch", dispatch.BatchState, dispatch.BATCH_MOVES),
        ("inquiry", inquiry.InquiryState, inquiry.MOVES),
        ("incident", incident.IncidentState, incident.MOVES),
    ],
)
async def test_enum_moves_and_the_tables_check_name_the_same_states(
    pool: db.Pool, table: str, states: type, moves: Mapping[object, frozenset[object]]
) -> None:
    """A state that is in one of the three is in all of them."""
    checks = await pool.fetch(
        "SELECT pg_get_constraintdef(oid) AS says FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'c'",
        table,
    )
    (check,) = [c["says"] for c in checks if re.match(r"CHECK \(\(state = ANY", c["says"])]
    named = set(re.findall(r"'(\w+)'", check))
    assert named == {str(s) for s in states}  # type: ignore[attr-defined]
    assert {str(s) for s in moves} == named
    assert {str(t) for targets in moves.values() for t in targets} <= named


def test_no_module_is_long_or_badly_named_and_no_function_is_over_forty_lines() -> None:
    """400 lines a module, 40 a function, and no name that says nothing."""
    wrong = []
    for path in SOURCES:
        text = path.read_text()
        if path.stem in BANNED:
            wrong.append(f"{path.name}: a name that says nothing")
        if text.count("\n") > 400:
            wrong.append(f"{path}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > 40:
                    wrong.append(f"{path.name}:{node.lineno}: {node.name} has {lines} lines")
    assert wrong == []


def test_every_module_says_what_it_decides_or_does() -> None:
    """A docstring each."""
    silent = [str(p) for p in SOURCES if ast.get_docstring(ast.parse(p.read_text())) is None and p.read_text().strip()]
    assert silent == []
