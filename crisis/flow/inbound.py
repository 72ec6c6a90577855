"""Inbound: residents write: understood, filed, urgent ones paged, the sure ones answered at once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from channels.contract import Incoming
from crisis import db, log
from crisis.errors import BadInput
from crisis.flow import answer
from crisis.model import slots as slotting
from crisis.model.alert import Mode
from crisis.model.code import Flaw, read
from crisis.model.confirm import confirm
from crisis.model.inquiry import InquiryState, before
from crisis.model.office import Office
from crisis.model.playbook import Playbook
from crisis.model.replies import Replies, ReplyName
from crisis.model.resident import normalise_address
from crisis.model.words import Facts, mark_line, render_answer
from crisis.privacy import Vault
from crisis.triage import danger, faq, keywords, language
from crisis.triage.keywords import Command, Kind

logger = log.get("inbound")

LIFE, USUAL = 1, 3  # priorities
MOST = 2_000  # characters kept of one text
_ANYBODY = frozenset({Kind.HELP, Kind.CHECK})  # commands that need no address to be done to
ASKED_AGAIN = timedelta(minutes=10)  # a second question while the first waits is told so once, not each time

WHO = """
SELECT a.id, a.language, a.resident_id, a.opted_out_at, r.area_id, r.consent_at
FROM address a LEFT JOIN resident r ON r.id = a.resident_id WHERE a.channel = $1 AND a.lookup = $2
"""
# Two texts of a new sender at once: the second insert waits and finds the first one's row by the unique key.
NEW_RESIDENT = "INSERT INTO resident (language, created_at) VALUES ($1, $2) RETURNING id"
NEW_ADDRESS = """
INSERT INTO address (resident_id, channel, language, sealed, lookup) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (channel, lookup) DO UPDATE SET channel = EXCLUDED.channel RETURNING id, resident_id
"""
DROP_RESIDENT = "DELETE FROM resident WHERE id = $1"

# A provider that was not acknowledged sends again: the same id is the same inquiry, whoever stored it first.
STORE = """
INSERT INTO inquiry (code, account, provider_id, address_id, priority, language, text, alert_id, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (account, provider_id) DO NOTHING RETURNING id
"""
SETTLE = "UPDATE inquiry SET state = $2, why = $3, answered_at = $4 WHERE id = $1 AND state = ANY($5)"
REOPEN = """
UPDATE inquiry SET state = 'open' WHERE state = ANY($3) AND id = (SELECT id FROM inquiry
    WHERE address_id = $1 AND state = 'auto_answered' AND received_at > $2 ORDER BY id DESC LIMIT 1) RETURNING id
"""
WAITING = """
SELECT count(*) FROM inquiry WHERE address_id = $1 AND id <> $2 AND state IN ('open', 'assigned') AND received_at > $3
"""

IN_FORCE = """
SELECT id, playbook, level, slots, area_desc, sent, expires, next_update, source, mode FROM alert
WHERE state = 'live' AND (mode = 'Actual') = $1 ORDER BY urgent, id DESC
"""

STOP = "UPDATE address SET opted_out_at = $2 WHERE id = $1"
TELL_STOP = "SELECT pg_notify('opted_out', $1)"
JOIN = """
UPDATE resident SET consent = $2, consent_at = $3, area_id = coalesce($4, area_id), language = $5,
    exercise = exercise OR $6 WHERE id = $1
"""
JOIN_ADDRESS = "UPDATE address SET opted_out_at = NULL, language = $2 WHERE id = $1"
AREA = "SELECT id, name FROM area WHERE lower(name) = lower($1) OR code = $1 ORDER BY code LIMIT 2"

ALARM = "INSERT INTO alarm (kind, inquiry_id, says, role, at) VALUES ('life_at_risk', $1, $2, 'officer', $3)"

RELEASED = "SELECT state, sent, expires, words FROM alert WHERE id = $1 AND sent IS NOT NULL"

FORGET_FAQ = "DELETE FROM faq"
ADD_FAQ = "INSERT INTO faq (playbook, question, language, phrasing) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
FAQ_LOCK = "SELECT pg_advisory_xact_lock(7246701)"  # two services starting at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What inbound texts are answered with."""

    office: Office
    playbooks: Mapping[str, Playbook]
    replies: Replies
    vault: Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is done with one text: its next state, the reply, and the reasons, which stay on the record."""

    state: InquiryState
    reply: str | None
    why: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class _Case:
    """One text on its way through the stage."""

    id: int
    account: str
    address_id: int | None
    resident_id: int | None
    area_id: int | None
    language: str
    priority: int
    drill: bool


async def load_faq(pool: db.Pool, playbooks: Mapping[str, Playbook]) -> int:
    """Make the table of questions be exactly those of the playbooks; count the phrasings."""
    rows = [
        (playbook.playbook, question.id, tongue, faq.normalise(phrasing))
        for playbook in playbooks.values()
        for question in playbook.questions
        for tongue, phrasings in question.ask.items()
        for phrasing in phrasings
    ]
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(FAQ_LOCK)
        await connection.execute(FORGET_FAQ)
        await connection.executemany(ADD_FAQ, rows)
    return len(rows)


async def take(pool: db.Pool, desk: Desk, account: str, incoming: Sequence[Incoming], now: datetime) -> None:
    """File texts from a channel, durable when this returns; the same provider id twice is filed once."""
    for one in incoming:
        channel = account.partition("/")[0]
        try:
            sender = normalise_address(channel, one.sender, desk.office.country)
        except BadInput:
            sender = storable(
                one.sender
            ).strip()  # a short code or a name: kept as it came, an officer can still read it
        async with pool.acquire() as connection, connection.transaction():
            await _file(connection, desk, account, sender, one, now)


async def ask(pool: db.Pool, desk: Desk, text: str, tongue: str, drill: bool, nonce: str, now: datetime) -> str:
    """File a question of the web form and give the address of its own page; the same form twice is one."""
    said = text.strip()
    if not said or len(said) > MOST:
        raise BadInput(f"a question has 1 to {MOST} characters; this has {len(said)}")
    account = "web/exercise" if drill else "web"
    one = Incoming(id=nonce or secrets.token_hex(12), sender="", text=said, at=now)
    async with pool.acquire() as connection, connection.transaction():
        await _file(connection, desk, account, "", one, now, tongue)
        code: str = await connection.fetchval(
            "SELECT code FROM inquiry WHERE account = $1 AND provider_id = $2", account, one.id
        )
    return code


async def _file(
    connection: db.AnyConnection,
    desk: Desk,
    account: str,
    sender: str,
    one: Incoming,
    now: datetime,
    tongue: str | None = None,
) -> None:
    one = replace(one, text=storable(one.text)[:MOST], id=storable(one.id))
    text = one.text
    judged = danger.judge(text)
    case = await _open_case(connection, desk, account, sender, one, now, tongue, judged.urgent)
    if case is None:
        return  # filed before
    verdict = await _judge(connection, desk, case, text, judged, now)
    answered = now if verdict.state is InquiryState.AUTO_ANSWERED else None
    await connection.execute(SETTLE, case.id, verdict.state.value, list(verdict.why), answered, before(verdict.state))
    if verdict.reply:
        inquiry = {
            "id": case.id,
            "account": account,
            "address_id": case.address_id,
            "language": case.language,
            "priority": case.priority,
        }
        said = mark_line(verdict.reply, case.language, Mode.EXERCISE if case.drill else Mode.ACTUAL)
        await answer.reply(connection, inquiry, said, None, now)
    logger.info("inbound.filed", inquiry=case.id, account=account, state=verdict.state, priority=case.priority)


def storable(text: str) -> str:
    """Give a text without what Postgres and UTF-8 cannot hold (NUL, half a surrogate pair); all else stays."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")


async def _open_case(
    connection: db.AnyConnection,
    desk: Desk,
    account: str,
    sender: str,
    one: Incoming,
    now: datetime,
    tongue: str | None,
    urgent: bool,
) -> _Case | None:
    known = desk.replies.languages
    guessed = tongue if tongue in known else language.guess(one.text, known[0], known)
    who: Mapping[str, Any] = {}
    if sender:
        who = await _who(connection, desk.vault, account.partition("/")[0], sender, guessed, now)
        if guessed == known[0] and who["language"] in known:  # too short to tell: what they registered with
            guessed = who["language"]
    case = _Case(
        id=0,
        account=account,
        address_id=who.get("id"),
        resident_id=who.get("resident_id"),
        area_id=who.get("area_id"),
        language=guessed,
        priority=LIFE if urgent else USUAL,
        drill="/" in account,
    )
    case.id = await _store(connection, desk.vault, case, one)
    return case if case.id else None


async def _store(connection: db.AnyConnection, vault: Vault, case: _Case, one: Incoming) -> int:
    """Give the id of the new inquiry, 0 when it was stored before."""
    in_force = await connection.fetchrow(IN_FORCE, not case.drill)
    code, text = secrets.token_urlsafe(12), vault.seal(one.text[:MOST])
    about = in_force["id"] if in_force else None
    who = (case.address_id, case.priority, case.language)
    stored: int | None = await connection.fetchval(STORE, code, case.account, one.id, *who, text, about, one.at)
    return stored or 0


async def _who(
    connection: db.AnyConnection, vault: Vault, channel: str, sender: str, tongue: str, now: datetime
) -> Mapping[str, Any]:
    lookup = vault.lookup(channel, sender)
    row = await connection.fetchrow(WHO, channel, lookup)
    if row is not None:
        return dict(row)
    resident_id = await connection.fetchval(NEW_RESIDENT, tongue, now)
    made = await connection.fetchrow(NEW_ADDRESS, resident_id, channel, tongue, vault.seal(sender), lookup)
    if made is not None and made["resident_id"] != resident_id:
        await connection.execute(DROP_RESIDENT, resident_id)
    found = await connection.fetchrow(WHO, channel, lookup)
    return dict(found or {})


async def _judge(
    connection: db.AnyConnection, desk: Desk, case: _Case, text: str, judged: danger.Danger, now: datetime
) -> Verdict:
    command = keywords.command(text)
    if command is not None and not judged.urgent and (case.address_id is not None or command.kind in _ANYBODY):
        return await _obey(connection, desk, case, command, now)
    if judged.urgent:
        return await _page(connection, desk, case, judged.reasons, now)
    return await _from_playbook(connection, desk, case, text, now) or await _to_officer(connection, desk, case, now)


async def _page(
    connection: db.AnyConnection, desk: Desk, case: _Case, reasons: Sequence[str], now: datetime
) -> Verdict:
    says = f"inquiry {case.id} by {case.account}: a life may be at risk ({', '.join(reasons)}): read it now"
    await connection.execute(ALARM, case.id, says, now)
    reply = _say(desk, "danger", case.language)
    return Verdict(state=InquiryState.OPEN, reply=reply, why=("danger", *reasons))


async def _obey(connection: db.AnyConnection, desk: Desk, case: _Case, command: Command, now: datetime) -> Verdict:
    why = (f"command:{command.kind}",)
    match command.kind:
        case Kind.STOP:
            await connection.execute(STOP, case.address_id, now)
            await connection.execute(TELL_STOP, str(case.address_id))
            return Verdict(state=InquiryState.CLOSED, reply=_say(desk, "stop_done", case.language), why=why)
        case Kind.JOIN:
            name, area = await _join(connection, case, command.argument, now)
            return Verdict(state=InquiryState.CLOSED, reply=_say(desk, name, case.language, area), why=why)
        case Kind.HELP:
            return Verdict(state=InquiryState.CLOSED, reply=_say(desk, "help_menu", case.language), why=why)
        case Kind.STOP_HINT:
            return Verdict(state=InquiryState.CLOSED, reply=_say(desk, "stop_hint", case.language), why=why)
        case Kind.CHECK:
            reply = await _confirm(connection, desk, case, command.argument, now)
            return Verdict(state=InquiryState.CLOSED, reply=reply, why=why)
        case Kind.CHOICE:
            return await _choose(connection, desk, case, command.argument, now)


async def _confirm(connection: db.AnyConnection, desk: Desk, case: _Case, written: str, now: datetime) -> str:
    """Tell whether an alert is ours; a draft is nobody's."""
    code = read(written)
    if isinstance(code, Flaw):
        return confirm(code, case.language, desk.office, now)
    row = await connection.fetchrow(RELEASED, code)
    return confirm(dict(row) if row else None, case.language, desk.office, now)


async def _choose(connection: db.AnyConnection, desk: Desk, case: _Case, digit: str, now: datetime) -> Verdict:
    """0 says that the last automatic answer was none; other digits belong to a question an officer put."""
    if digit == "0":
        since = now - timedelta(hours=72)
        reopened = await connection.fetchval(REOPEN, case.address_id, since, before(InquiryState.OPEN))
        if reopened:
            why = (f"reopened:{reopened}",)
            return Verdict(state=InquiryState.CLOSED, reply=_say(desk, "received", case.language), why=why)
    return await _to_officer(connection, desk, case, now)


async def _join(connection: db.AnyConnection, case: _Case, named: str, now: datetime) -> tuple[ReplyName, str]:
    """Register a resident for an area; an ambiguous or unknown name registers nobody."""
    areas = await connection.fetch(AREA, named) if named else []
    if named and len(areas) != 1:
        return "join_unknown_area", ""
    if case.resident_id is None or (not named and case.area_id is None):
        return "join_needs_area", ""
    area_id, area = (areas[0]["id"], areas[0]["name"]) if areas else (None, "")
    if area_id is None:
        area = await connection.fetchval("SELECT name FROM area WHERE id = $1", case.area_id)
    consent = f"DAFTAR by {case.account}"
    await connection.execute(JOIN, case.resident_id, consent, now, area_id, case.language, case.drill)
    await connection.execute(JOIN_ADDRESS, case.address_id, case.language)
    return "joined", area


async def _from_playbook(
    connection: db.AnyConnection, desk: Desk, case: _Case, text: str, now: datetime
) -> Verdict | None:
    """Answer from the playbook of an alert in force, when it is sure what was asked."""
    in_force = {row["playbook"]: row for row in reversed(await connection.fetch(IN_FORCE, not case.drill))}
    books = [name for name in in_force if name in desk.playbooks]
    if not books:
        return None
    rows = await connection.fetch(faq.CANDIDATES, faq.normalise(text), case.language, books)
    match = faq.choose([faq.Candidate(**dict(row)) for row in rows])
    if match is None:
        return None
    alert, playbook = in_force[match.playbook], desk.playbooks[match.playbook]
    question = playbook.question(match.question)
    if question is None or (question.levels and alert["level"] not in question.levels):
        return None
    slots = slotting.parse(playbook, alert["slots"], level=alert["level"])
    facts = _facts(desk.office, playbook, dict(alert), case)
    said = render_answer(playbook, match.question, case.language, slots, facts)
    why = (f"faq:{match.playbook}/{match.question}", f"score:{match.score:.2f}", f"like:{match.phrasing}")
    return Verdict(state=InquiryState.AUTO_ANSWERED, reply=said, why=why)


def _facts(office: Office, playbook: Playbook, alert: Mapping[str, Any], case: _Case) -> Facts:
    titles = playbook.levels[alert["level"]].title
    zone: ZoneInfo = office.zone
    return Facts(
        agency=office.agency,
        area=alert["area_desc"],
        sent=alert["sent"],
        until=alert["expires"],
        next_update=alert["next_update"],
        source=alert["source"] or office.agency,
        zone=zone,
        level=titles.get(case.language, ""),
        link=office.link(alert["id"]),
        help_line=office.help_line,
    )


async def _to_officer(connection: db.AnyConnection, desk: Desk, case: _Case, now: datetime) -> Verdict:
    """Leave it to an officer and say so once: a flood of receipts would cost more than it calms."""
    waiting = 0
    if case.address_id is not None:
        waiting = await connection.fetchval(WAITING, case.address_id, case.id, now - ASKED_AGAIN)
    reply = {0: _say(desk, "received", case.language), 1: _say(desk, "asked_again", case.language)}.get(waiting)
    return Verdict(state=InquiryState.OPEN, reply=reply, why=("no sure answer",))


def _say(desk: Desk, name: ReplyName, tongue: str, area: str = "") -> str:
    return desk.replies.say(name, tongue, agency=desk.office.agency, help_line=desk.office.help_line, area=area)
