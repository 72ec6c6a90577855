"""Runs `crisis cap check` over every shared corpus and prints what came of it: `python -m tests.corpus [FOLDER...]`."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

from tests.corpus.summary import OWN, samples, summary


def main(folders: list[Path]) -> int:
    """Print the tables; the exit code is 1 if a promise of EXPECTED.tsv or of the XSD is not kept."""
    if not folders:
        shared = samples()
        folders = (
            [OWN] if shared is None else [OWN, shared / "cap" / "real", shared / "cap" / "synthetic", shared / "feeds"]
        )
    found = summary(folders)
    console = Console(width=120, markup=False, highlight=False)
    for part in found.tables():
        console.print(part)
    return 1 if found.disagreements else 0


if __name__ == "__main__":
    sys.exit(main([Path(one) for one in sys.argv[1:]]))
