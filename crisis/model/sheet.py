"""Decides what the rows of a table are that an office saved as CSV, whatever spreadsheet it came from."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator

from crisis.errors import BadInput

MOST_BYTES = 64 * 1024 * 1024


def read_rows(
    raw: bytes, source: str, columns: Callable[[list[str], str, int], list[str]]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Give each row that is not empty by its line and its columns; "excess" is there when it has too many cells.

    `columns` names the columns of the first line, told its cells, the source and the line. Raises BadInput when
    there is no line, or too much.
    """
    lines = _text(raw, source).split("\n")
    first = next((at for at, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise BadInput(f"{source} is empty; the first line must name the columns.")
    delimiter = max(";,\t", key=lines[first].count)
    names = columns(_cells(lines[first], delimiter), source, first + 1)
    # One line is one row: a stray quotation mark spoils its own line and swallows none after it.
    for at in range(first + 1, len(lines)):
        cells = _cells(lines[at], delimiter)
        if any(cells):
            excess = {"excess": "yes"} if any(cells[len(names) :]) else {}
            yield at + 1, dict(zip(names, cells, strict=False)) | excess


def _text(raw: bytes, source: str) -> str:
    if len(raw) > MOST_BYTES:
        raise BadInput(f"{source} is larger than {MOST_BYTES >> 20} MB; split it.")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = raw.decode("utf-16", errors="replace")
    else:
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return ["?"]
    return [_cell(cell) for cell in cells]


def _cell(cell: str) -> str:
    cell = cell.strip()
    if cell.startswith('="') and cell.endswith('"'):
        return cell[2:-1].strip()
    return cell[1:].strip() if cell.startswith("'") else cell
