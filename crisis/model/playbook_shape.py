"""The shape of a playbook: its fields, their types and limits, one class for each part of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    WithJsonSchema,
)

from crisis.model.playbook_file import Source

MOST_HEADLINE = 160  # characters, CAP 1.2 section 3.2.2 <headline> for phones and agencies

_SPAN = re.compile(r"(\d{1,4})\s*(min|h|d)")
_SPAN_UNIT = {"min": "minutes", "h": "hours", "d": "days"}


def parse_span(text: object) -> timedelta:
    """Read a duration such as 90 min, 6 h or 2 d; a bare number is refused because its unit is unsure."""
    if isinstance(text, timedelta):
        return text
    found = _SPAN.fullmatch(str(text).strip())
    if not found or not int(found[1]):
        raise ValueError(f"must be a duration such as 90 min, 6 h or 2 d, not {str(text)[:40]!r}")
    return timedelta(**{_SPAN_UNIT[found[2]]: int(found[1])})


Span = Annotated[
    timedelta,
    BeforeValidator(parse_span),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,4}\s*(min|h|d)$", "examples": ["90 min", "6 h", "2 d"]}),
]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z][A-Za-z]{1,3})?$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=6000)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Role = Literal["officer", "approver", "supervisor", "admin"]
Category = Literal[
    "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other",
]  # fmt: skip
ChannelName = Literal["sms", "telegram", "mastodon", "page", "radio", "webhook"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class WordsText(_Part):
    """The words of one language as written, with {{ places }} for slots and facts."""

    headline: Text
    """One line: what and where; at most 160 characters when filled."""
    short: Text
    """For SMS: action first, plain letters, within the playbook's sms_parts."""
    long: Text
    """For pages and posts: who, what, where, what to do, until when, source, next update."""
    radio: Text
    """What an announcer reads aloud: short sentences, no brackets, links or abbreviations."""
    do: tuple[Label, ...] = ()
    """What to do, most important first."""
    dont: tuple[Label, ...] = ()
    """What not to do."""


class Cap(_Part):
    """The CAP facts that hold for the whole hazard."""

    category: Annotated[tuple[Category, ...], Field(min_length=1)]
    event: dict[Language, Label]
    codes: dict[str, Label] = {}
    """CAP eventCode: name of the list and the code in it."""


class LevelCap(_Part):
    """The CAP facts of one level; the spellings are CAP's own."""

    urgency: Literal["Immediate", "Expected", "Future", "Past", "Unknown"]
    severity: Literal["Extreme", "Severe", "Moderate", "Minor", "Unknown"]
    certainty: Literal["Observed", "Likely", "Possible", "Unlikely", "Unknown"]
    response: Annotated[
        tuple[
            Literal["Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"],
            ...,
        ],
        Field(min_length=1),
    ]


class Level(_Part):
    """One level of a playbook: how bad, for how long, and the words."""

    title: dict[Language, Label]
    when: dict[Language, Label] = {}
    """When officers choose this level."""
    cap: LevelCap
    expires_after: Span
    update_every: Span
    """How often residents are promised an update."""
    remind: Span = timedelta(minutes=10)
    """How long before the promised update its officer is reminded."""
    escalate_after: Span = timedelta(minutes=10)
    """How long past the promised update the supervisors are told."""
    words: dict[Language, WordsText]


class FollowUp(_Part):
    """A pre-written correction, cancel or all-clear."""

    words: dict[Language, WordsText]


class Question(_Part):
    """One question residents ask, in the ways they put it, and its answer."""

    id: Name
    ask: dict[Language, Annotated[tuple[Label, ...], Field(min_length=3)]]
    answer: dict[Language, Annotated[Text, StringConstraints(max_length=600)]]
    levels: tuple[Name, ...] = ()
    """The levels at which the answer holds; none named means all."""


class BreakGlass(_Part):
    """Who may send which levels alone, with a reason."""

    levels: tuple[Name, ...] = ()
    roles: tuple[Literal["supervisor", "admin"], ...] = ("supervisor", "admin")


class Approval(_Part):
    """Who releases an alert of this playbook besides the officer who wrote it."""

    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    escalate_after: Span = timedelta(minutes=3)
    """How long an alert may wait for approval before the next in line is told."""
    break_glass: BreakGlass = BreakGlass()
    pre_authorised: tuple[Name, ...] = ()
    """The levels that a feed's alert may release without an officer, where its rule says so too."""


class Between(_Part):
    """A number within limits, both of them included."""

    at_least: float | None = None
    at_most: float | None = None


class Failover(_Part):
    """Residents are warned on their first channel, and on the next one only if that fails or stays silent."""

    after: Span
    """How long a channel has: to take the notice and, where its provider tells, to say that it arrived."""
    levels: tuple[Name, ...] = ()
    """The levels that leave so; none named means all."""


class FeedWhen(_Part):
    """What an alert of somebody else must be; whatever is given must hold, of a list any one."""

    feeds: tuple[Label, ...] = ()
    """Names of feeds, as `crisis feed list` shows them."""
    senders: tuple[Label, ...] = ()
    """CAP senders, such as cuaca.ekstrem@bmkg.go.id."""
    event: tuple[Label, ...] = ()
    """Words of its event, or LIST:CODE of an eventCode."""
    category: tuple[Category, ...] = ()
    severity: Literal["Minor", "Moderate", "Severe", "Extreme"] | None = None
    """At least so bad."""
    urgency: Literal["Future", "Expected", "Immediate"] | None = None
    """At least so near."""
    certainty: Literal["Unlikely", "Possible", "Likely", "Observed"] | None = None
    """At least so sure."""
    magnitude: Between | None = None
    depth_km: Between | None = None
    within_km: Annotated[float, Field(gt=0, le=5000)] | None = None
    """From its epicentre to our district; the areas within are warned."""
    overlap_km2: Annotated[float, Field(gt=0)] | None = None
    """It covers at least so much of our areas."""
    overlap_share: Annotated[float, Field(gt=0, le=1)] | None = None
    """It covers at least this share of one of our areas."""
    says: tuple[Label, ...] = ()
    """It says one of these and does not deny it: "tidak berpotensi tsunami" does not say "tsunami"."""
    says_not: tuple[Label, ...] = ()
    """It says none of these; one that it denies does not count."""


class FeedRule(_Part):
    """Which alerts of feeds open which level, and whether an officer must look first."""

    id: Name
    when: FeedWhen
    level: Name
    then: Literal["draft", "release"]
    """A release needs the level under approval.pre_authorised and a feed that may release."""
    slots: dict[Name, str | float | tuple[str, ...]] = {}
    """Values for the slots, with {{ places }} for what the source tells."""
    expires_after: Span | None = None
    """How long it holds when the source does not say."""


class Audience(_Part):
    """Who hears of it."""

    who: Literal["everyone"] = "everyone"
    most_at_risk_first: bool = True


class _Slot(_Part):
    ask: dict[Language, Label]
    """What the officer is asked."""
    required: bool = True


class TextSlot(_Slot):
    """A short text on one line: a place, a river."""

    type: Literal["text"]
    max_characters: Annotated[int, Field(ge=1, le=200)]
    allow_links: bool = False
    example: str
    default: str | None = None


class NumberSlot(_Slot):
    """A number within limits; point or comma as decimal sign."""

    type: Literal["number"]
    min: float
    max: float
    decimals: Annotated[int, Field(ge=0, le=3)] = 0
    unit: str = ""
    example: float
    default: float | None = None


class TimeSlot(_Slot):
    """A moment, with date and zone."""

    type: Literal["time"]
    example: str
    default: None = None


class ListSlot(_Slot):
    """Several short texts: shelters, assembly points."""

    type: Literal["list"]
    max_entries: Annotated[int, Field(ge=1, le=20)]
    max_characters: Annotated[int, Field(ge=1, le=200)]
    allow_links: bool = False
    example: Annotated[tuple[str, ...], Field(min_length=1)]
    default: tuple[str, ...] | None = None


class ChoiceSlot(_Slot):
    """One of a few ready answers, each with its words in every language."""

    type: Literal["choice"]
    choices: Annotated[dict[Name, dict[Language, Label]], Field(min_length=2)]
    example: str
    default: str | None = None


class PhoneSlot(_Slot):
    """A number residents may call."""

    type: Literal["phone"]
    example: str
    default: str | None = None


Slot = Annotated[TextSlot | NumberSlot | TimeSlot | ListSlot | ChoiceSlot | PhoneSlot, Field(discriminator="type")]


class Playbook(_Part):
    """All that is decided beforehand about alerts of one hazard."""

    playbook: Name
    """The id: the same as the file's name without .yaml."""
    version: Annotated[int, Field(ge=1)]
    """Raise it by one with every change."""
    languages: Annotated[tuple[Language, ...], Field(min_length=1, max_length=8)]
    """The first is the default."""
    title: dict[Language, Label]
    cap: Cap
    approval: Approval
    channels: Annotated[tuple[ChannelName, ...], Field(min_length=1)]
    """In the order in which they leave."""
    failover: Failover | None = None
    """One channel after another; absent: every address on every channel at once."""
    audience: Audience = Audience()
    max_population: Annotated[int, Field(ge=1)]
    """More residents than this need a typed confirmation."""
    sms_parts: Annotated[int, Field(ge=1, le=4)] = 2
    """How many SMS parts the short words may take."""
    slots: dict[Name, Slot]
    levels: Annotated[dict[Name, Level], Field(min_length=1)]
    """From the mildest to the worst."""
    correction: FollowUp
    cancel: FollowUp
    all_clear: FollowUp
    questions: tuple[Question, ...] = ()
    feeds: tuple[FeedRule, ...] = ()
    """Which alerts of others open which level; all are tried, the worst level wins."""
    _source: Source = PrivateAttr(default_factory=lambda: Source(file="playbook"))

    @property
    def source(self) -> Source:
        return self._source

    def bound_to(self, source: Source) -> Self:
        """Remember the file, so that later faults can name their line."""
        self._source = source
        return self

    def question(self, question_id: str) -> Question | None:
        return next((q for q in self.questions if q.id == question_id), None)

    def texts(self) -> Iterator[tuple[tuple[str | int, ...], str, WordsText]]:
        """Yield path, language and text of all words: levels first, then follow-ups."""
        for level_id, level in self.levels.items():
            for language, words in level.words.items():
                yield ("levels", level_id, "words", language), language, words
        for follow_up in ("correction", "cancel", "all_clear"):
            for language, words in getattr(self, follow_up).words.items():
                yield (follow_up, "words", language), language, words


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Give the JSON Schema of a file, for editors that check while typing."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}
