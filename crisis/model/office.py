"""The office: who speaks, from where, in which zone; what every alert of it has in common."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The district disaster office that runs this service."""

    agency: str
    sender: str  # CAP sender
    identifier_prefix: str
    zone: ZoneInfo
    help_line: str
    public_url: str
    country: str = "ID"

    def link(self, alert_id: int) -> str:
        """Give the public page of an alert."""
        return f"{self.public_url}/a/{alert_id}"

    @property
    def check_link(self) -> str:
        """Give the page that tells whether an alert is ours."""
        return f"{self.public_url}/check"

    def identifier(self, alert_id: int, year: int) -> str:
        """Give the CAP identifier of an alert: unique for this sender, for ever."""
        return f"{self.identifier_prefix}.{year}.{alert_id:06d}"
