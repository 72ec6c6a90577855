"""Judges every document of the corpora once and sums up: by kind, by rule, and where the oracles say otherwise."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from crisis.cap.document import Kind, read_document
from crisis.cap.entry import Entry
from crisis.cap.inline import VERSIONS
from crisis.cap.xml import parse_untrusted
from crisis.cli.cap_files import found
from crisis.cli.cap_verdict import Judgement, Verdict, judge
from crisis.errors import BadInput

ROOT = Path(__file__).parents[2]
OWN = Path(__file__).parent / "files"
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
COLUMNS = ("kind", "files", "valid", "warned", "invalid", "refused", "alerts", "links", "entries refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One file of a corpus: our verdict, its entries, and what the XSD of its version says of a lone alert."""

    verdict: Verdict
    entries: tuple[Entry, ...]
    schema: bool | None

    @property
    def rules(self) -> set[str]:
        return {one.rule for one in (*self.verdict.errors, *self.verdict.warnings)}


@dataclass(slots=True, kw_only=True)
class Summary:
    """All files together."""

    files: list[Judged] = field(default_factory=list)
    disagreements: list[str] = field(default_factory=list)

    def tables(self) -> Iterator[RenderableType]:
        """Give the tables that `python -m tests.corpus` prints."""
        yield self._by_kind()
        yield self._by_rule()
        yield Text(f"disagreements with the oracles (XSD, EXPECTED.tsv): {len(self.disagreements)}")
        yield from map(Text, self.disagreements)

    def _by_kind(self) -> Table:
        table = Table(*COLUMNS, title="documents")
        kinds = sorted({one.verdict.kind for one in self.files})
        for kind in kinds:
            table.add_row(kind or "not readable", *self._row([one for one in self.files if one.verdict.kind == kind]))
        table.add_section()
        table.add_row("all", *self._row(self.files))
        return table

    def _row(self, files: list[Judged]) -> list[str]:
        verdicts = Counter(one.verdict.verdict for one in files)
        entries = [entry for one in files for entry in one.entries]
        links = sum(entry.alert is None and not entry.refused for entry in entries)
        counts = (
            len(files), *(verdicts[name] for name in Judgement),
            sum(one.verdict.alerts for one in files), links, sum(bool(entry.refused) for entry in entries),
        )  # fmt: skip
        return [str(count) for count in counts]

    def _by_rule(self) -> Table:
        table = Table("rule", "times", "files", title="rules broken")
        times = Counter(one.rule for judged in self.files for one in (*judged.verdict.errors, *judged.verdict.warnings))
        for rule, count in sorted(times.items()):
            table.add_row(rule, str(count), str(sum(rule in judged.rules for judged in self.files)))
        return table


def samples() -> Path | None:
    """Give the folder of third-party samples, if this machine has one."""
    folder = Path(os.environ.get("CRISIS_TEST_SAMPLES", ROOT.parent / "shared" / "data"))
    return folder if (folder / "cap").is_dir() else None


def summary(folders: Iterable[Path]) -> Summary:
    """Judge every document in the folders; one file is in memory at a time."""
    shared = samples()
    schemas = _schemas(shared / "schema") if shared else {}
    result = Summary()
    for folder in folders:
        expected = _expected(folder)
        for file in found([str(folder)]):
            judged = _judged(file.name, file.raw, schemas)
            result.files.append(judged)
            result.disagreements += _against(judged, expected.get(Path(file.name).name))
    return result


def _judged(name: str, raw: bytes, schemas: dict[str, etree.XMLSchema]) -> Judged:
    verdict = judge(name, raw)
    try:
        entries = read_document(raw).entries
    except BadInput:
        entries = ()
    return Judged(verdict=verdict, entries=entries, schema=_schema_says(verdict, raw, schemas))


def _schema_says(verdict: Verdict, raw: bytes, schemas: dict[str, etree.XMLSchema]) -> bool | None:
    schema = schemas.get(verdict.version)
    if verdict.kind != Kind.CAP or schema is None:
        return None
    root = parse_untrusted(raw)
    for signature in root.findall(SIGNATURE) if verdict.version != "1.2" else ():
        root.remove(signature)  # CAP 1.1 section 3.3.2.1 allows it; only the XSD of 1.2 has a place for it
    return bool(schema.validate(root))


def _schemas(folder: Path) -> dict[str, etree.XMLSchema]:
    files = {version: folder / f"CAP-v{version}.xsd" for version in VERSIONS.values()}
    return {version: etree.XMLSchema(etree.parse(str(file))) for version, file in files.items() if file.is_file()}


def _expected(folder: Path) -> dict[str, tuple[str, str]]:
    table = folder / "EXPECTED.tsv"
    if not table.is_file():
        return {}
    with table.open(newline="") as rows:
        return {row["file"]: (row["expect"], row["rule"] or "") for row in csv.DictReader(rows, delimiter="\t")}


def _against(judged: Judged, expected: tuple[str, str] | None) -> Iterator[str]:
    """What the XSD refuses is never good, what it accepts breaks no X- rule, and what is expected is said."""
    verdict = judged.verdict
    alarms = sorted(rule for rule in judged.rules if rule.startswith("X-"))
    if judged.schema and alarms:
        yield f"{verdict.file}: the XSD says valid, we say {', '.join(alarms)}"
    if judged.schema is False and verdict.good:
        yield f"{verdict.file}: the XSD says invalid, we say {verdict.verdict}"
    if expected is None:
        return
    expect, rule = expected
    fitting = {"valid": {Judgement.VALID}, "warn": {Judgement.WARN}}.get(expect, {Judgement.INVALID, Judgement.REFUSED})
    if verdict.verdict not in fitting or (rule and rule not in judged.rules):
        told = ", ".join(sorted(judged.rules)) or "no rule"
        yield f"{verdict.file}: expected {expect} {rule}, we say {verdict.verdict} with {told}"
