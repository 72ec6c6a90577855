"""The verdict on playbook files: each is read as the service would read it, and no fault hides another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from crisis.app import limits_of_channels
from crisis.errors import BadPlaybook, Fault
from crisis.model.playbook import NOT_PLAYBOOKS, Playbook, check_fit, load
from crisis.model.replies import load_replies

REPLIES = "replies.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One file: what it holds, as far as it could be read, and what is wrong with it."""

    file: str
    playbook: str | None = None  # none for the replies, and for what cannot be read
    version: int | None = None
    languages: Sequence[str] = ()
    levels: Sequence[str] = ()
    questions: int = 0
    words: int = 0
    faults: Sequence[Fault] = ()

    def as_dict(self) -> dict[str, object]:
        return {**asdict(self), "valid": not self.faults}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All files together."""

    checked: Sequence[Checked]

    @property
    def faults(self) -> list[Fault]:
        return [fault for one in self.checked for fault in one.faults]

    def as_dict(self) -> dict[str, object]:
        playbooks = [one.as_dict() for one in self.checked if Path(one.file).name not in NOT_PLAYBOOKS]
        others = [one.as_dict() for one in self.checked if Path(one.file).name in NOT_PLAYBOOKS]
        return {"valid": not self.faults, "playbooks": playbooks, "replies": others}


def judge(paths: Iterable[Path]) -> Verdict:
    """Check files and folders of playbooks; a folder needs its replies too."""
    return Verdict(checked=[_checked(file) for path in paths for file in _files(path)])


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted({*path.glob("*.yaml"), *path.glob("*.yml"), path / REPLIES})


def _checked(file: Path) -> Checked:
    examine: Callable[[Path], Checked] = _replies if file.name == REPLIES else _playbook
    try:
        return examine(file)
    except BadPlaybook as error:
        return Checked(file=str(file), faults=error.faults)


def _replies(file: Path) -> Checked:
    replies = load_replies(file)
    said = [text for texts in replies.replies.values() for text in texts.values()]
    return Checked(file=str(file), version=replies.version, languages=replies.languages, words=_count(said))


def _playbook(file: Path) -> Checked:
    playbook = load(file)
    return Checked(
        file=str(file),
        playbook=playbook.playbook,
        version=playbook.version,
        languages=playbook.languages,
        levels=list(playbook.levels),
        questions=len(playbook.questions),
        words=_count(_said(playbook)),
        faults=[*_name_faults(file), *check_fit(playbook, limits_of_channels())],
    )


def _name_faults(file: Path) -> list[Fault]:
    return (
        [] if file.suffix == ".yaml" else [Fault(file=str(file), says=f"would be ignored; rename it {file.stem}.yaml")]
    )


def _said(playbook: Playbook) -> list[str]:
    words = [w for _, _, w in playbook.texts()]
    answers = [answer for question in playbook.questions for answer in question.answer.values()]
    return answers + [text for w in words for text in (w.headline, w.short, w.long, w.radio, *w.do, *w.dont)]


def _count(texts: Iterable[str]) -> int:
    return sum(len(text.split()) for text in texts)
