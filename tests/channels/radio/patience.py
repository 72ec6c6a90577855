"""How long a test of the radio waits; a file of its own, so that a process of the press need not load all of kits."""

from __future__ import annotations

PATIENCE = 120.0  # seconds until a test that waits has failed; kits give way to whatever else this machine does
