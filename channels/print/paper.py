"""All papers of one bulletin: each is made on its own, and what could not be made is said in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from channels.print import card, look, typeset
from channels.print.fonts import FOLDERS, Fontbook, NoFonts, fontbook
from channels.print.labels import labels
from channels.print.lettering import clean, isolated, lettered, letters, right_to_left, shortened, stripped
from channels.print.qr import code
from channels.print.sheet import Sheet

ROLES = ("script", "loudspeaker", "questions", "poster", "card", "readme")  # the first is who waits for it
APART = (
    "words",
    "labels",
    "contents",
    "footer",
    "check",
    "mark_says",
    "seconds",
    "loudspeaker_seconds",
    "severity_words",
)
TOLD = 24  # characters named of those that no font has


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """The roles whose files were written, and sentences about what was not, or not as it should be."""

    made: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A sheet with all that its papers share."""

    sheet: Sheet  # ready for paper
    book: Fontbook
    label_language: str
    labels: Mapping[str, str]
    shared: Mapping[str, Any]
    names: Mapping[str, str]
    pictures: tuple[dict[str, Any], ...]  # maps, the tallest first


Made = dict[str, bytes]


def papers(
    sheet: Sheet,
    into: Path,
    names: Mapping[str, str],
    folders: Sequence[str] = FOLDERS,
    there: Collection[str] = (),
) -> Papers:
    """Write each paper that is named (role to path below `into`) but those `there`; a bad one never stops the others.

    The same sheet and fonts give the same bytes. Nothing is raised for bad words, fonts or a full disk. `folders` is
    where Noto's fonts of other scripts are looked for; Latin needs none. Names of roles that are no papers are told on
    the first page as part of the kit.
    """
    words = labels(sheet.language)[1]
    roles = [role for role in ROLES if role in names]
    try:
        desk, missing = _desk(sheet, names, folders)
    except NoFonts:
        return Papers(made=(), missing=(words["lacks_fonts"],))
    made: list[str] = []
    for role in roles:
        if role in there:  # made of the same sheet before
            made += [role, "alt"] if role == "card" and "alt" in there else [role]
            continue
        desk = _told(desk, made, missing) if role == "readme" else desk
        done, lacks = _one(desk, role, into)
        made += done
        missing += lacks
    return Papers(made=tuple(made), missing=tuple(missing))


def _desk(sheet: Sheet, names: Mapping[str, str], folders: Sequence[str] = FOLDERS) -> tuple[Desk, list[str]]:
    """Make ready what all papers share, and say which letters, code and map they lack."""
    language, words = labels(sheet.language)
    book = fontbook(letters(sheet) + "".join(words.values()) + "0123456789/×•·…[?]", folders)
    ready = lettered(sheet, book.lacking)
    pictures, missing = card.maps(ready) if "card" in names else ([], [])
    qr = code(sheet.link)
    if sheet.link and qr is None:
        missing.append(words["lacks_qr"].format(length=len(sheet.link)))
    if book.lacking:
        missing.append(words["lacks_font"].format(letters=_named(book.lacking)))
    shared = _shared(ready, book, language, words)
    if qr:
        alt = words["qr_alt"].format(link=sheet.link)
        shared["qr"] = {"svg": qr.svg, "mm": qr.millimetres, "modules": qr.modules, "alt": alt}
    desk = Desk(
        sheet=ready,
        book=book,
        label_language=language,
        labels=words,
        shared=shared,
        names=names,
        pictures=tuple(pictures),
    )
    return desk, missing


def _shared(sheet: Sheet, book: Fontbook, language: str, words: Mapping[str, str]) -> dict[str, Any]:
    """The values that every template reads; `frame.typ` names what each is for."""
    mark = _mark(sheet, words)
    end = sheet.until and words["footer_until"].format(until=sheet.until)
    return {
        "words": _words(sheet),
        "labels": dict(words),
        "labels_language": language,
        "language": _primary(sheet.language),
        "fonts": list(book.families),
        "look": _look(sheet),
        "mark": mark,
        "mark_says": words.get(f"{sheet.mode}_says", ""),
        "severity_words": words.get(sheet.severity, ""),
        "footer": words["ends"] if sheet.ends else end,
        "check": _check(sheet, words),
        "seconds": _seconds(sheet.seconds, words),
        "loudspeaker_seconds": _seconds(sheet.loudspeaker_seconds, words),
        "rtl": right_to_left(sheet),
        "pauses": any(" / " in line.text for line in sheet.script),
        "qr": None,
        "contents": [],
        "example": "",
        "maps": [],
    }


def _words(sheet: Sheet) -> dict[str, Any]:
    kept = {"outline", "ground", "script", "loudspeaker"}
    words = {name: getattr(sheet, name) for name in Sheet.__slots__ if name not in kept}
    for name in ("script", "loudspeaker"):
        words[name] = [{"text": line.text, "says": line.says} for line in getattr(sheet, name)]
    return words


def _turned(values: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**values, **{name: isolated(values[name]) for name in APART}} if values["rtl"] else values


def _look(sheet: Sheet) -> dict[str, str]:
    pairs = {"band": look.band(sheet), "mode": look.MODE, "ended": look.ENDED}
    inks = {f"{name}_{part}": getattr(pair, part) for name, pair in pairs.items() for part in ("ground", "ink")}
    return {**inks, "quiet": look.QUIET.ink, "forbid": look.FORBID.ink, "watermark": look.WATERMARK}


def _one(desk: Desk, role: str, into: Path) -> tuple[list[str], list[str]]:
    """Make one paper and write it; whatever goes wrong is a sentence, for the others must still be made."""
    paper = desk.labels["alt_card" if role == "card" else f"{role}_title"]
    if not _has_words(desk.sheet, role):
        return [], [desk.labels["lacks_words"].format(paper=paper)]
    try:
        files, lacks = MAKERS.get(role, _document)(desk, role, paper)
        for part, content in files.items():
            path = into / desk.names[part]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)  # an older one may be linked to where a station reads it
            path.write_bytes(content)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # typst is Rust: what it panics at is no Exception
        why = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        return [], [desk.labels["lacks_paper"].format(paper=paper, why=shortened(clean(why), 160))]
    return list(files), lacks


def _document(desk: Desk, role: str, paper: str) -> tuple[Made, list[str]]:
    title = " – ".join(filter(None, (desk.shared["mark"], paper, desk.sheet.headline)))
    footer = desk.shared["footer"]
    if role in ("script", "loudspeaker") and desk.sheet.until:
        footer = desk.labels["not_after"].format(until=desk.sheet.until)
    values = {**desk.shared, "title": paper, "title_whole": title, "footer": footer}
    done = typeset.pdf(role, _turned(values), desk.book.fonts)
    lacks = [desk.labels["lacks_ua"].format(paper=paper, why=done.why)] if done.why else []
    if role == "poster" and done.pages > 1:
        lacks.append(desk.labels["lacks_room"].format(paper=paper, pages=done.pages))
    return {role: done.content}, lacks


def _card(desk: Desk, role: str, paper: str) -> tuple[Made, list[str]]:
    values, cut = _card_values(desk, paper)
    made = {role: typeset.png("card", values, desk.book.fonts).content}
    if "alt" in desk.names:
        picture = desk.pictures[0]["alt"] if desk.pictures else ""
        made["alt"] = card.alt(desk.sheet, desk.shared["mark"], picture).encode()
    return made, [desk.labels["lacks_card"].format(paper=paper)] if cut else []


def _card_values(desk: Desk, paper: str) -> tuple[Mapping[str, Any], bool]:
    sheet, cut = card.short_enough(desk.sheet)
    shared = {"words": _words(sheet), "maps": desk.pictures, "title": paper, "title_whole": paper}
    return _turned({**desk.shared, **shared}), cut


MAKERS: Mapping[str, Callable[[Desk, str, str], tuple[Made, list[str]]]] = {"card": _card}


def _told(desk: Desk, made: list[str], missing: list[str]) -> Desk:
    """Let the first page tell what became of the others: what is in the kit and what is not."""
    papers_made = {*made} | {role for role in desk.names if role not in (*ROLES, "alt")}
    told = {key.removeprefix("for_"): words for key, words in desk.labels.items() if key.startswith("for_")}
    contents = [(desk.names[role], words) for role, words in told.items() if role in papers_made & {*desk.names}]
    sheet = replace(desk.sheet, missing=(*desk.sheet.missing, *(stripped(m, desk.book.lacking) for m in missing)))
    example = next((name for name, _ in contents), "alert.cap.xml")
    shared = {**desk.shared, "words": _words(sheet), "contents": contents, "example": example}
    return replace(desk, sheet=sheet, shared=shared)


def _has_words(sheet: Sheet, role: str) -> bool:
    words = {
        "script": sheet.script,
        "loudspeaker": sheet.loudspeaker,
        "questions": sheet.questions or sheet.rumours,
        "poster": sheet.headline or sheet.do or sheet.hazard,
        "card": sheet.headline or sheet.do or sheet.hazard,
    }
    return bool(words.get(role, True))


def _mark(sheet: Sheet, words: Mapping[str, str]) -> str:
    """Name the mode unless it is Actual: an exercise without a word for it is marked all the same."""
    if sheet.mode == "Actual":
        return ""
    return sheet.mark.strip(" _") or words.get(sheet.mode, sheet.mode.upper())


def _check(sheet: Sheet, words: Mapping[str, str]) -> str:
    if not sheet.code:
        return ""
    return words["check" if sheet.check else "check_plain"].format(code=sheet.code, check=sheet.check)


def _seconds(seconds: int, words: Mapping[str, str]) -> str:
    return words["seconds"].format(seconds=seconds) if seconds else ""


def _primary(language: str) -> str:
    primary = language.lower().partition("-")[0]
    return primary if primary.isascii() and primary.isalpha() and len(primary) in (2, 3) else "en"


def _named(characters: str) -> str:
    more = "…" if len(characters) > TOLD else ""
    return " ".join(f"{c} (U+{ord(c):04X})" for c in characters[:TOLD]) + more
