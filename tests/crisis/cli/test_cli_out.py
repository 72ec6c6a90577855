"""What commands print: every name and text reaches whatever terminal or pipe there is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CODE = """
from crisis.cli import out
out.say("banjir \\u00e9 \\u8b66 \\udcff")
out.say("banjir \\u00e9 \\u8b66 \\udcff", aside=True)
out.show("banjir \\u8b66")
out.tell({"file": "\\u00e9 \\u8b66 \\udcff"}, line=True)
"""


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("ascii", "banjir \\xe9 \\u8b66 \\udcff"),
        ("latin-1", "banjir é \\u8b66 \\udcff"),
        ("utf-8", "banjir é 警 \\udcff"),
    ],
)
def test_what_a_terminal_cannot_show_is_spelt_out(encoding: str, said: str) -> None:
    """Letters it does not know, and bytes in the names of files that are none, are no reason to fail."""
    env = {**os.environ, "PYTHONIOENCODING": f"{encoding}:strict", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, check=True, timeout=60)
    first, second, third = ran.stdout.decode(encoding).splitlines()
    assert first == said
    assert ran.stderr.decode(encoding).splitlines() == [said]
    assert second == ("banjir 警" if encoding == "utf-8" else "banjir \\u8b66")
    assert json.loads(third) == {"file": "\u00e9 \u8b66 \udcff"}
