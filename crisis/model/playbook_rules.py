"""What a playbook must keep to beyond its shape, checked on raw values so that every fault shows at once."""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict

from crisis.errors import BadInput, Fault
from crisis.model.alert import LONGEST
from crisis.model.phrases import drill_denial, relative_time, tongue
from crisis.model.playbook_draft import FOLLOW_UPS, KINDS, Draft
from crisis.model.playbook_feeds import FEED_RULES
from crisis.model.playbook_file import Path_, Raw, Source
from crisis.model.playbook_shape import MOST_HEADLINE, parse_span
from crisis.model.slots import value_fault
from crisis.model.template import fill, inspect
from crisis.model.words import BUILT_INS
from crisis.model.worst_case import FACTS, widest

TEMPLATES = (
    f"levels.*.words.*.{KINDS}",
    "levels.*.words.*.do|dont.*",
    f"{FOLLOW_UPS}.words.*.{KINDS}",
    f"{FOLLOW_UPS}.words.*.do|dont.*",
    "questions.*.answer.*",
)
PER_LANGUAGE = (
    "title",
    "cap.event",
    "slots.*.ask",
    "slots.*.choices.*",
    "levels.*.title",
    "levels.*.when",
    "levels.*.words",
    f"{FOLLOW_UPS}.words",
    "questions.*.ask",
    "questions.*.answer",
)
# What each text must say; a|b is either. Where and until when stand in every alert, even the shortest.
_LEVEL_SHORT = ("agency", "until|until_short", "next_update|next_update_short")
_LEVEL_FULL = ("agency", "area", "source", "until|until_short", "next_update|next_update_short")
MUST_SAY: Mapping[str, tuple[str, ...]] = {
    "levels.*.words.*.short": _LEVEL_SHORT,
    "levels.*.words.*.long|radio": _LEVEL_FULL,
    "correction.words.*.short": ("agency", "reason", "until|until_short"),
    "correction.words.*.long|radio": (*_LEVEL_FULL, "reason"),
    "cancel.words.*.short": ("agency", "reason"),
    "cancel.words.*.long|radio": ("agency", "area", "source", "reason"),
    "all_clear.words.*.short": ("agency", "reason"),
    "all_clear.words.*.long|radio": ("agency", "area", "source", "reason"),
}
SEVERITIES = ("Unknown", "Minor", "Moderate", "Severe", "Extreme")


def check(raw: Raw, source: Source, stem: str) -> list[Fault]:
    """List everything in a playbook that its shape alone does not tell, whatever else is wrong with it."""
    draft = Draft(raw=raw, source=source, stem=stem)
    return [fault for rule in (*RULES, *FEED_RULES) for fault in rule(draft)]


def _name(draft: Draft) -> Iterator[Fault]:
    name = draft.one("playbook")
    if isinstance(name, str) and name != draft.stem:
        yield draft.source.fault(("playbook",), f"is {name!r} but the file is {draft.stem}.yaml; make them the same")


def _languages(draft: Draft) -> Iterator[Fault]:
    languages = draft.languages()
    for pattern in PER_LANGUAGE:
        for path, given in draft.find(pattern):
            if not isinstance(given, dict):
                continue
            for language in languages:
                if language not in given:
                    yield draft.source.fault((*path, language), f"is missing; write it in {language!r} too")
            for language in given:
                if language not in languages:
                    says = f"is a language the playbook does not list ({', '.join(languages)})"
                    yield draft.source.fault((*path, language), says)


def _templates(draft: Draft) -> Iterator[Fault]:
    known = BUILT_INS | set(draft.keys("slots"))
    for path, text in _words(draft):
        template = inspect(text)
        for says, snippet in template.wrong:
            yield draft.source.fault(path, says, snippet)
        allowed = known - {"reason"} if path[0] in ("levels", "questions") else known
        for name in sorted(template.names - allowed):
            yield draft.source.fault(path, _unknown_place(name, known, path), name)


def _unknown_place(name: str, known: set[str] | frozenset[str], path: Path_) -> str:
    if name in known:
        return f"names {name}, which only a correction, cancel or all-clear has"
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(known))}"
    return f"names {name}, which is neither a slot nor a fact{hint}"


def _words(draft: Draft) -> Iterator[tuple[Path_, str]]:
    for pattern in TEMPLATES:
        yield from draft.texts(pattern)


def _plain_texts(draft: Draft) -> Iterator[Fault]:
    templates = {path for path, _ in _words(draft)}
    for path, text in _every_text(draft.raw, ()):
        slot_of_feed = path[0] == "feeds" and "slots" in path[2:3]
        if path not in templates and not slot_of_feed and ("{{" in text or "{%" in text):
            yield draft.source.fault(path, "may not hold {{ places }}; only words and answers are filled", "{")


def _every_text(value: Raw, path: Path_) -> Iterator[tuple[Path_, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, entry in inner:
            yield from _every_text(entry, (*path, key))


def _banned(draft: Draft) -> Iterator[Fault]:
    for path, text in _words(draft):
        if when := relative_time(text):
            says = f"says {when!r}, which means something else when read later; use {{{{ until }}}} or a date"
            yield draft.source.fault(path, says, when)
        if denial := drill_denial(text):
            yield draft.source.fault(path, f"says {denial!r}, which an exercise would repeat; leave it out", denial)


def _must_say(draft: Draft) -> Iterator[Fault]:
    for pattern, needed in MUST_SAY.items():
        for path, text in draft.texts(pattern):
            template = inspect(text)
            for either in needed:
                if not template.wrong and not template.names & set(either.split("|")):
                    place = either.split("|", maxsplit=1)[0]
                    yield draft.source.fault(path, f"must say {{{{ {place} }}}}: residents need to know it")


def _radio(draft: Draft) -> Iterator[Fault]:
    for path, text in draft.texts("*.words.*.radio"):
        yield from _unspeakable(draft, path, text)
    for path, text in draft.texts("levels.*.words.*.radio"):
        yield from _unspeakable(draft, path, text)


def _unspeakable(draft: Draft, path: Path_, text: str) -> Iterator[Fault]:
    bare = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", text)
    if found := re.search(r"[()\[\]/]|https?:|www\.", bare):
        yield draft.source.fault(path, f"holds {found[0]!r}, which nobody can read aloud; say it in words", found[0])
    if "link" in inspect(text).names:
        yield draft.source.fault(path, "names link, which nobody can read aloud; leave it out", "link")


def _headlines(draft: Draft) -> Iterator[Fault]:
    slots = widest(draft.valid_slots())
    for path, text in (*draft.texts("levels.*.words.*.headline"), *draft.texts("*.words.*.headline")):
        language = str(path[-2])
        values = {**_facts(draft, language), **dict.fromkeys(draft.keys("slots"), "W" * 40), **slots}
        try:
            filled = fill(text, language, values)
        except BadInput:
            continue  # reported with its template
        speech = tongue(language)
        longest = len(filled) + 2 * max(len(speech.exercise), len(speech.test)) + 3
        longest += len(f"{speech.update} 99: ") if path[0] == "levels" else 0
        if longest > MOST_HEADLINE:
            says = f"may reach {longest} characters when filled and marked; at most {MOST_HEADLINE} fit"
            yield draft.source.fault(path, says)


def _facts(draft: Draft, language: str) -> dict[str, object]:
    titles = [text for _, text in draft.texts(f"levels.*.title.{language}")]
    facts: dict[str, object] = {**asdict(FACTS), "level": max(titles, key=len, default="")}
    return {
        **facts,
        **{f"{name}_short": "W" * 16 for name in ("sent", "until", "next_update")},
        "area": FACTS.area,
    }


def _slots(draft: Draft) -> Iterator[Fault]:
    for name in draft.keys("slots"):
        if name in BUILT_INS:
            yield draft.source.fault(("slots", name), "is the name of a fact the service fills; choose another")
    for name, slot in draft.valid_slots().items():
        low, high = getattr(slot, "min", 0), getattr(slot, "max", 0)
        if low > high:
            yield draft.source.fault(("slots", name, "min"), f"is {low:g}, more than max {high:g}")
        elif says := value_fault(slot, slot.example):
            yield draft.source.fault(("slots", name, "example"), f"does not fit its own slot: {says}")
        elif slot.default is not None and (says := value_fault(slot, slot.default)):
            yield draft.source.fault(("slots", name, "default"), f"does not fit its own slot: {says}")


def _answers(draft: Draft) -> Iterator[Fault]:
    """An answer is given at a level that never asked for its slots, or it would be said with a hole in it."""
    slots = draft.required_slots()
    for path, text in draft.texts("questions.*.answer.*"):
        holds = [level for _, level in draft.texts(f"questions.{path[1]}.levels.*")]
        for level in holds or draft.keys("levels"):
            for name in sorted(inspect(text).needed & slots - draft.needed_at(level)):
                says = f"names {name}, which level {level} does not ask for: list the levels at which it holds"
                yield draft.source.fault(path, says, name)


def _references(draft: Draft) -> Iterator[Fault]:
    levels = draft.keys("levels")
    for pattern in (
        "approval.break_glass.levels.*", "approval.pre_authorised.*", "questions.*.levels.*", "feeds.*.level",
        "failover.levels.*",
    ):  # fmt: skip
        for path, level in draft.texts(pattern):
            if level not in levels:
                yield draft.source.fault(path, f"is {level!r}, which is no level; there are {', '.join(levels)}")
    for pattern in ("languages.*", "channels.*", "questions.*.id", "feeds.*.id"):
        seen: set[str] = set()
        for path, text in draft.texts(pattern):
            if text in seen:
                yield draft.source.fault(path, f"is {text!r}, which is there already; keep one")
            seen.add(text)


def _order(draft: Draft) -> Iterator[Fault]:
    before = ""
    for path, severity in draft.texts("levels.*.cap.severity"):
        if severity not in SEVERITIES:
            continue
        if before and SEVERITIES.index(severity) < SEVERITIES.index(before):
            yield draft.source.fault(path, f"is {severity}, below the level before it; order levels mildest first")
        before = severity


def _rhythm(draft: Draft) -> Iterator[Fault]:
    for path, level in draft.find("levels.*"):
        if not isinstance(level, dict):
            continue
        try:
            expires, every = parse_span(level.get("expires_after")), parse_span(level.get("update_every"))
        except ValueError:
            continue  # reported with its shape
        if every > expires:
            says = "is longer than expires_after: the alert would end before its promised update"
            yield draft.source.fault((*path, "update_every"), says)


def _too_long(draft: Draft) -> Iterator[Fault]:
    for path, span in draft.find("levels|feeds.*.expires_after"):
        with contextlib.suppress(ValueError):  # reported with its shape
            if parse_span(span) > LONGEST:
                yield draft.source.fault(path, "is longer than 7 d: what holds for longer is extended by updates")


def _failover(draft: Draft) -> Iterator[Fault]:
    """A rule that could never be followed would be a promise that nobody keeps."""
    if draft.one("failover") is None:
        return
    if len(list(draft.texts("channels.*"))) < 2:
        yield draft.source.fault(("failover",), "needs a second channel under channels, or residents have no next one")
    named = [level for _, level in draft.texts("failover.levels.*")]
    for path, given in draft.find("levels.*.expires_after"):
        with contextlib.suppress(ValueError):  # reported with its shape
            late = parse_span(draft.one("failover.after")) >= parse_span(given)
            if late and (not named or path[1] in named):
                says = f"is not shorter than expires_after of level {path[1]}: it would end before the next channel"
                yield draft.source.fault(("failover", "after"), says)


RULES: tuple[Callable[[Draft], Iterator[Fault]], ...] = (
    _name, _languages, _templates, _plain_texts, _banned, _must_say, _radio, _headlines, _slots, _references,
    _order, _rhythm, _too_long, _answers, _failover,
)  # fmt: skip
