"""What can go wrong outside sending, by what the caller must do; each text is one clear sentence.

CrisisError
├── BadInput        what someone gave us is wrong: says what, where and what to do   (400, exit 1)
│   └── BadPlaybook  a playbook file is wrong: one Fault a line                       (refused at start)
├── NotAllowed      this officer may not do this                                     (403)
├── NotFound        there is no such thing                                           (404)
├── IllegalMove     the thing is not in a state that allows this                     (409)
└── NotReady        something we stand on is missing or broken: database, voice      (503)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass


class CrisisError(Exception):
    """Any fault that has a sentence for the person who caused or must mend it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong in one place: file (or source), line (1-based, 0 if none), field, sentence."""

    file: str
    line: int = 0
    field: str = ""
    says: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.field}: {self.says}" if self.field else f"{where}: {self.says}"

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


class BadInput(CrisisError):
    """What someone gave us is wrong; `faults` lists every place."""

    def __init__(self, says: str | Sequence[Fault]) -> None:
        self.faults: tuple[Fault, ...] = () if isinstance(says, str) else tuple(says)
        super().__init__(says if isinstance(says, str) else "\n".join(map(str, self.faults)))


class BadPlaybook(BadInput):
    """A playbook file is wrong: file, line and field of every fault."""


class NotAllowed(CrisisError):
    """This officer may not do this."""


class NotFound(CrisisError):
    """There is no such thing."""


class IllegalMove(CrisisError):
    """The thing is not in a state that allows this."""


class NotReady(CrisisError):
    """Something the service stands on is missing or broken."""
