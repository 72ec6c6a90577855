"""The opening: which rule of which playbook an alert of somebody else meets, with every reason for and against."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from crisis.model.playbook_rules import SEVERITIES
from crisis.model.playbook_shape import Between, FeedRule, FeedWhen, Playbook

URGENCIES = ("Unknown", "Past", "Future", "Expected", "Immediate")
CERTAINTIES = ("Unknown", "Unlikely", "Possible", "Likely", "Observed")

_CODE = re.compile(r"\S+:\S+")
_CLAUSES = re.compile(r"[.!?;:,()\n]+(?!\d)")
_TOKEN = re.compile(r"[^\W_]+")
_SAME = {
    "tdk": "tidak", "tak": "tidak", "gak": "tidak", "nggak": "tidak", "ga": "tidak", "enggak": "tidak",
    "blm": "belum", "bkn": "bukan", "tnp": "tanpa", "cannot": "can not", "cant": "can not", "isnt": "is not",
    "doesnt": "does not", "wasnt": "was not", "arent": "are not", "wont": "will not", "potential": "potensi",
    "yg": "yang", "dgn": "dengan", "utk": "untuk",
}  # fmt: skip
_DENIES = frozenset(
    {"tidak", "bukan", "belum", "tanpa", "nihil", "no", "not", "never", "without", "nor", "neither", "unlikely", "none"}
)
# What takes a thing back after it was named: "the tsunami warning has been cancelled", "tsunami tidak terjadi".
_TAKES_BACK = frozenset(
    {
        "tidak", "bukan", "belum", "nihil", "not", "unlikely", "cancelled", "canceled", "lifted", "ended", "over",
        "berakhir", "dicabut", "dibatalkan", "diakhiri",
    }
)  # fmt: skip
# A clause that answers the one before it: "potensi tsunami: nihil".
_NO = [answer.split() for answer in ("nihil", "tidak", "tidak ada", "belum ada", "no", "none")]
# Words after which a new thought begins, so that a denial before them does not reach what follows.
_TURNS = frozenset(
    {
        "tetapi", "tapi", "namun", "sedangkan", "melainkan", "sehingga", "maka", "segera", "waspadai",
        "but", "however", "although", "though", "which", "while", "yet",
    }
)  # fmt: skip
# After the thing was named, a denial beyond one of these is about something else.
_GOES_ON = _TURNS | frozenset(
    {"dan", "and", "untuk", "agar", "jangan", "or", "atau", "do", "because", "karena", "yang"}
)
# Two denials that make a warning, and denials of something else.
_NO_DENIAL = tuple(
    tuple(idiom.split())
    for idiom in (
        "tidak menutup kemungkinan", "tidak dapat dikesampingkan", "tidak bisa dikesampingkan", "bukan tidak mungkin",
        "tidak mustahil", "tidak hanya", "bukan hanya", "bukan cuma", "tidak saja", "tidak diragukan",
        "not be ruled out", "not ruled out", "not rule out", "not be excluded", "not only", "not exclude", "no doubt",
        "without delay", "without warning", "tanpa menunggu", "tanpa peringatan", "not underestimate", "not ignore",
    )
)  # fmt: skip
_NO_LETTERS = sorted("tidak")
_FAR = 8  # tokens within a clause that a denial reaches


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an alert of somebody else tells, as far as rules ask; kilometres, and what is not told is None."""

    event: str = ""
    codes: tuple[tuple[str, str], ...] = ()  # (list, code)
    categories: tuple[str, ...] = ()
    severity: str = "Unknown"
    urgency: str = "Unknown"
    certainty: str = "Unknown"
    text: str = ""  # all it says, in every language
    magnitude: float | None = None
    depth_km: float | None = None
    distance_km: float | None = None  # from its epicentre to the nearest of our areas
    overlap_km2: float = 0.0
    share: float = 0.0  # of that of our areas which it covers most
    sender: str = ""
    feed: str = ""
    areas: tuple[str, ...] = ()  # the names of ours that it touches, the most covered first


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One rule that was tried: whether it was met, and each condition with its reason."""

    playbook: str
    rule: str
    met: bool
    says: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.playbook}/{self.rule} {'is met' if self.met else 'is not met'}: {'; '.join(self.says)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The rule by which an alert opens a level of ours."""

    playbook: Playbook
    rule: FeedRule

    @property
    def named(self) -> str:
        return f"{self.playbook.playbook}/{self.rule.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What all rules together decide; without an opening the alert opens nothing."""

    opening: Opening | None
    tried: tuple[Tried, ...]


def decide(playbooks: Iterable[Playbook], told: Told) -> Decision:
    """Find the worst level that a rule opens for what was told; of equals the first, a release before a draft.

    Every rule is tried, in order, and leaves its reasons. A condition about something the alert does not
    tell is not met.
    """
    tried: list[Tried] = []
    openings: list[Opening] = []
    for playbook in playbooks:
        for rule in playbook.feeds:
            found = list(_conditions(rule.when, told))
            met = all(holds for holds, _ in found)
            shown = tuple(says for holds, says in found if met or not holds)
            tried.append(Tried(playbook=playbook.playbook, rule=rule.id, met=met, says=shown))
            if met:
                openings.append(Opening(playbook=playbook, rule=rule))
    return Decision(opening=max(openings, key=_weight, default=None), tried=tuple(tried))


def _weight(opening: Opening) -> tuple[int, int, bool]:
    levels = opening.playbook.levels
    severity = levels[opening.rule.level].cap.severity
    return SEVERITIES.index(severity), list(levels).index(opening.rule.level), opening.rule.then == "release"


Condition = tuple[bool, str]


def _conditions(when: FeedWhen, told: Told) -> Iterator[Condition]:
    yield from _names(when, told)
    yield from _scales(when, told)
    yield from _numbers(when, told)
    yield from _places(when, told)
    for phrase in _first_said(when.says, told.text):
        yield phrase is not None, f"it says {phrase!r}" if phrase else f"it does not say {_either(when.says)}"
    for phrase in _first_said(when.says_not, told.text):
        yield phrase is None, f"it says {phrase!r}" if phrase else f"it does not say {_either(when.says_not)}"


def _names(when: FeedWhen, told: Told) -> Iterator[Condition]:
    if when.feeds:
        yield told.feed in when.feeds, f"it is from feed {told.feed}"
    if when.senders:
        senders = {sender.casefold() for sender in when.senders}
        yield told.sender.casefold() in senders, f"its sender is {told.sender}"
    if when.event:
        codes = ", ".join(code for _, code in told.codes)
        yield any(_is_event(named, told) for named in when.event), f"its event is {told.event} {codes}".rstrip()
    if when.category:
        shown = ", ".join(told.categories) or "not told"
        yield bool(set(when.category) & set(told.categories)), f"its category is {shown}"


def _is_event(named: str, told: Told) -> bool:
    if not _CODE.fullmatch(named):
        return says(told.event, named)
    spelt = {f"{name}:{code}" for full, code in told.codes for name in (full, full.partition(":")[0])}
    return named.casefold() in {code.casefold() for code in spelt}


def _scales(when: FeedWhen, told: Told) -> Iterator[Condition]:
    for name, least, scale in (
        ("severity", when.severity, SEVERITIES),
        ("urgency", when.urgency, URGENCIES),
        ("certainty", when.certainty, CERTAINTIES),
    ):
        if least is not None:
            given = getattr(told, name)
            rank = scale.index(given) if given in scale else 0
            yield rank >= scale.index(least), f"its {name} is {given}, asked is {least}"


def _numbers(when: FeedWhen, told: Told) -> Iterator[Condition]:
    for name, between, given in (
        ("magnitude", when.magnitude, told.magnitude),
        ("depth", when.depth_km, told.depth_km),
    ):
        if between is not None:
            shown = "not told" if given is None else f"{given:g}"
            yield given is not None and _within(given, between), f"its {name} is {shown}, asked is {_range(between)}"


def _within(number: float, between: Between) -> bool:
    low = between.at_least is None or number >= between.at_least
    return low and (between.at_most is None or number <= between.at_most)


def _range(between: Between) -> str:
    low = None if between.at_least is None else f"at least {between.at_least:g}"
    high = None if between.at_most is None else f"at most {between.at_most:g}"
    return " and ".join(filter(None, (low, high)))


def _places(when: FeedWhen, told: Told) -> Iterator[Condition]:
    if when.within_km is not None:
        near = told.distance_km is not None and told.distance_km <= when.within_km
        shown = "has no epicentre" if told.distance_km is None else f"is {told.distance_km:.0f} km away"
        yield near, f"it {shown}, asked is at most {when.within_km:g} km"
    if when.overlap_km2 is not None:
        says_ = f"it covers {told.overlap_km2:.1f} km2 of ours, asked is {when.overlap_km2:g}"
        yield told.overlap_km2 >= when.overlap_km2, says_
    if when.overlap_share is not None:
        says_ = f"it covers {told.share:.0%} of an area of ours, asked is {when.overlap_share:.0%}"
        yield told.share >= when.overlap_share, says_


def _either(phrases: Sequence[str]) -> str:
    return " or ".join(map(repr, phrases))


def _first_said(phrases: Sequence[str], text: str) -> Iterator[str | None]:
    if phrases:
        yield next((phrase for phrase in phrases if says(text, phrase)), None)


def says(text: str, phrase: str) -> bool:
    """Tell whether a text says a phrase at least once without denying it, in Indonesian or English.

    Capitals, accents, short spellings (tdk, tak, can't) and punctuation do not count. A denial reaches
    within its clause only: "tidak berpotensi tsunami" does not say "tsunami"; "tidak menutup kemungkinan
    tsunami" does. A phrase that holds a denial itself is looked for as it stands.
    """
    wanted = _tokens(phrase)
    if not wanted:
        return False
    itself = bool(_DENIES & set(wanted))
    clauses = [_tokens(clause) for clause in _CLAUSES.split(_plain(text))]
    return any(
        clause[at : at + len(wanted)] == wanted
        and (
            itself or not (_denied(clause, at, at + len(wanted)) or (after in _NO and at + len(wanted) == len(clause)))
        )
        for clause, after in zip(clauses, [*clauses[1:], []], strict=True)
        for at in range(len(clause) - len(wanted) + 1)
    )


def _denied(clause: list[str], start: int, end: int) -> bool:
    idle = _idle(clause)
    for at in range(start - 1, max(start - 1 - _FAR, -1), -1):
        if clause[at] in _TURNS:
            break
        if clause[at] in _DENIES and at not in idle:
            return True
    for at in range(end, min(end + _FAR, len(clause))):
        if clause[at] in _GOES_ON:
            break
        if clause[at] in _TAKES_BACK and at not in idle:
            return True
    return False


def _idle(clause: list[str]) -> set[int]:
    """Find the places of denials that deny nothing here."""
    places: set[int] = set()
    for idiom in _NO_DENIAL:
        for at in range(len(clause) - len(idiom) + 1):
            if tuple(clause[at : at + len(idiom)]) == idiom:
                places.update(range(at, at + len(idiom)))
    return places


def _plain(text: str) -> str:
    spelt = unicodedata.normalize("NFKD", text).replace("’", "'")
    return "".join(c for c in spelt if not unicodedata.combining(c)).casefold().replace("n't", " not")


def _tokens(text: str) -> list[str]:
    # Letters that changed places make no other word, and a denial must not turn into a warning: "tidka".
    right = ("tidak" if sorted(token) == _NO_LETTERS else token for token in _TOKEN.findall(_plain(text)))
    folded = (_SAME.get(token, token) for token in right)
    return [token for spelt in folded for token in spelt.split()]
