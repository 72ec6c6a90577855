"""The officer: a person of the disaster office, with one role."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from crisis.errors import NotAllowed


class Role(StrEnum):
    """What an officer may do; each role may all that the roles before it may."""

    OFFICER = "officer"  # prepares and submits alerts, answers residents
    APPROVER = "approver"  # approves, returns or rejects what another submitted
    SUPERVISOR = "supervisor"  # may break the glass where a playbook allows it
    ADMIN = "admin"  # officers, areas, residents

    @property
    def rank(self) -> int:
        return list(Role).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Officer:
    """Who acts."""

    id: int
    name: str
    role: Role

    def need(self, least: Role) -> None:
        """Raise NotAllowed unless the officer's role is at least `least`."""
        if self.role.rank < least.rank:
            raise NotAllowed(f"{self.name} is {self.role}: this needs the role {least} or higher")
