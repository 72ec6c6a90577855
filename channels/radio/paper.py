"""Has a bulletin put on paper: fills the sheet that the print family prints."""

from __future__ import annotations

from datetime import datetime

from channels.print.paper import papers
from channels.print.sheet import Line as Printed
from channels.print.sheet import Sheet
from channels.radio.bulletin import Bulletin, Office, kit_name, loudspeaker_of, script_of
from channels.radio.frames import frame
from channels.radio.lexicon import Lexicon
from channels.radio.manifest import Kit, Made
from channels.radio.order import Order
from channels.radio.sayings import lasts
from channels.radio.script import Line, moment

ROLES = ("readme", "script", "loudspeaker", "questions", "poster", "card", "alt")
BESIDE = ("script_text", "rds", "aprs", "winlink", "sms", "page", "setup", "receipt", "manifest", "sums")
PLAIN = "{clock} {zone}, {date}"


def papers_of(order: Order, lexicon: Lexicon, kit: Kit) -> tuple[list[Made], list[str]]:
    """Print what the kit has not yet of papers; give what there is, and in sentences what was not made.

    The first page lists the whole kit, so it is printed each time.
    """
    bulletin = order.bulletin
    printed = [role for role in ROLES if role != "questions" or bulletin.about.questions]
    names = {role: bulletin.file(role) for role in (*printed, *BESIDE)}
    names |= {made.role: made.path for made in kit.files if made.role not in ROLES}
    there = {made.role for made in kit.files if made.role in ROLES} - {"readme"}
    made = papers(sheet_of(order, lexicon, kit), order.into, names, there=there)
    return [Made(role=role, path=names[role]) for role in made.made], list(made.missing)


def sheet_of(order: Order, lexicon: Lexicon, kit: Kit) -> Sheet:
    """Give all that the papers of a bulletin show."""
    bulletin, office, about = order.bulletin, order.office, order.bulletin.about
    script, short = script_of(bulletin, office).lines, loudspeaker_of(bulletin, office).lines
    return Sheet(
        language=bulletin.language,
        mode=bulletin.mode,
        mark=bulletin.mark.rstrip("_"),
        ends=bulletin.ends,
        replaces=bool(bulletin.replaces),
        agency=about.agency or office.title,
        hazard=about.hazard,
        severity=about.severity,
        headline=bulletin.headline,
        area=about.area,
        description=about.description,
        do=about.do,
        dont=about.dont,
        script=_printed(script, lexicon),
        seconds=round(lasts(script, bulletin.language, lexicon)),
        loudspeaker=_printed(short, lexicon),
        loudspeaker_seconds=round(lasts(short, bulletin.language, lexicon)),
        kentongan=office.kentongan,
        questions=tuple((_asked(question), answer) for question, answer in about.questions),
        sent=_when(bulletin.sent, bulletin, office),
        until=_when(bulletin.expires, bulletin, office),
        next_update=_when(about.next_update, bulletin, office) if about.next_update else "",
        source=about.source,
        help_line=about.help_line,
        contact=about.contact,
        link=bulletin.link,
        readback=order.readback,
        code=about.code,
        check=about.check,
        outline=about.outline,
        ground=str(order.rivers or ""),
        kit=kit_name(bulletin, office),
        identifier=bulletin.id,
        missing=kit.missing,
    )


def _printed(lines: tuple[Line, ...], lexicon: Lexicon) -> tuple[Printed, ...]:
    return tuple(Printed(text=line.text, says=tuple(lexicon.respelt(line.text))) for line in lines)


def _asked(question: str) -> str:
    """Write a question as people do: it was noted the way residents type it."""
    written = question[:1].upper() + question[1:]
    return written if written.endswith("?") else f"{written}?"


def _when(at: datetime, bulletin: Bulletin, office: Office) -> str:
    return moment(PLAIN, frame(bulletin.language, office.language), at, office.zone)
