"""Reads a station's e-mail that an alert was on air: the code, the time, and who says so; unclear is never guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

from crisis.errors import BadInput
from crisis.model.moment import moments

MOST = 2_000_000  # bytes; who sends the recording along sends it elsewhere
MOST_CODES = 5

_SAYABLE = "[2-9A-HJKMNP-Z]"  # what codes are made of: nothing that is mistaken for another sign
_LINK = re.compile(r"/aired/([A-Za-z0-9][A-Za-z0-9-]{3,39})")
_CODE = re.compile(rf"(?<![\w/-]){_SAYABLE}{{4}}(?:[ -]?{_SAYABLE}{{4}}){{3}}(?![\w/-])", re.IGNORECASE)
_NAME = re.compile(
    r"^[ \t]*(?:oleh|by|nama(?: penyiar(?:/operator)?| operator)?|penyiar|announcer(?: or operator)?|operator|name)"
    r"[ \t]*:[ \t]*(\S.*?)[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
# Where what was written before begins, as mail programs mark it.
_BEFORE = re.compile(
    r"^(?:-{2,}\s*(?:original message|pesan asli|forwarded message|pesan terusan)|_{20,}\s*$"
    r"|(?:on|pada)\b.{5,200}\b(?:wrote|menulis)\s*:|(?:from|dari)\s*:\s.*@)",
    re.IGNORECASE | re.MULTILINE,
)
_QUOTED = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_NOT_TICKED = re.compile(r"\[[ \t]*\][^\[\n]*")
_BLANK = re.compile(r"_{2,}")
_DENIED = re.compile(
    r"\b(?:tidak|tdk|belum|blm|batal|gagal|not|never|cannot|didn'?t|wasn'?t)(?:\s+\w+){0,2}\s+"
    r"(?:me)?(?:ngudara|siar|tayang|baca|putar|aired?|broadcast|read|played?)\w*"
    r"|\b(?:tidak|belum|batal|not)\s+(?:di)(?:siarkan|tayangkan|bacakan|putar)\b",
    re.IGNORECASE,
)
# Lines that name other times than that of the airing.
_OTHER_TIMES = re.compile(
    r"^[ \t]*(?:berlaku|sampai|kabar berikut|dikeluarkan|holds|until|valid|next update|issued)", re.IGNORECASE
)
_AIRED = re.compile(
    r"\b(?:udara|mengudara|siar\w*|disiarkan|tayang|dibaca\w*|diputar|on air|aired|broadcast|read)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What a station wrote; `codes` may be ours or not, likeliest first."""

    codes: tuple[str, ...]
    at: datetime
    by: str = field(repr=False)
    name: str  # the mail's own: its Message-ID


def read(raw: bytes, now: datetime, zone: ZoneInfo) -> Mail:
    """Read a mail (RFC 5322, RFC 2045), or raise BadInput in one sentence; quoted text gives a code at most."""
    if len(raw) > MOST:
        raise BadInput(f"the mail is larger than {MOST // 1_000_000} MB: send it without attachments")
    try:
        mail = message_from_bytes(raw, policy=policy.default)
        subject, text = str(mail.get("Subject", "")), _text(mail)
        sender, arrived = _sender(mail), _date(mail, now)
    except (MessageError, LookupError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise BadInput("the mail cannot be read: ask the station to write again, as plain text") from error
    if _automatic(mail):
        raise BadInput("nobody wrote this mail, a program answered: it says nothing of an airing")
    fresh, quoted = _apart(text)
    if denied := _DENIED.search(_BLANK.sub(" ", fresh)):
        raise BadInput(f"the mail says {denied[0]!r}: read it, and call the station")
    codes = _codes(fresh) or _codes(subject) or _codes(quoted)
    if not codes:
        raise BadInput("the mail names no code of a kit: it stands on the receipt, and in its link")
    named = _NAME.search(fresh)
    by = named[1] if named else sender
    if not by:
        raise BadInput("the mail does not tell who wrote it: ask the station for a name")
    return Mail(
        codes=codes, at=_at(fresh, subject, arrived, zone), by=by[:80], name=str(mail.get("Message-ID", ""))[:200]
    )


def _at(fresh: str, subject: str, arrived: datetime, zone: ZoneInfo) -> datetime:
    lines = [line for line in _BLANK.sub(" ", fresh).splitlines() if not _OTHER_TIMES.match(line)]
    telling = [line for line in lines if _AIRED.search(line)]
    for part in (telling, lines, [subject]):
        found = moments("\n".join(part), arrived, zone)
        if len(found) > 1:
            raise BadInput(f"the mail names {len(found)} times: write one line with the time that it was first on air")
        if found:
            return found[0]
    raise BadInput("the mail names no time: write when it was on air, such as 21.35 WIB")


def _codes(text: str) -> tuple[str, ...]:
    links = [match[1] for match in _LINK.finditer(text)]
    found = links or [match[0] for match in _CODE.finditer(text) if re.search(r"\d", match[0])]
    return tuple(dict.fromkeys(re.sub(r"[ -]", "", one).upper() for one in found))[:MOST_CODES]


def _apart(text: str) -> tuple[str, str]:
    """Part what was written now from what is quoted below."""
    before = _BEFORE.search(text)
    fresh = text[: before.start()] if before else text
    quoted = "\n".join(_QUOTED.findall(fresh)) + (text[before.start() :] if before else "")
    return _NOT_TICKED.sub(" ", _QUOTED.sub("", fresh)), quoted


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(preferencelist=("plain", "html"))
    if body is None:
        return ""
    text = str(body.get_content())
    return _plain(text) if body.get_content_type() == "text/html" else text.replace("\r\n", "\n")


def _sender(mail: EmailMessage) -> str:
    found = mail["From"].addresses if mail["From"] else ()
    return (found[0].display_name or found[0].addr_spec).strip() if found else ""


def _date(mail: EmailMessage, now: datetime) -> datetime:
    """Give when it was written, so that a mail that waited still names its own day; a date ahead counts for nothing."""
    try:
        written = parsedate_to_datetime(str(mail.get("Date", "")))
    except (ValueError, TypeError):
        return now
    return min(written, now) if written.tzinfo else now


def _automatic(mail: EmailMessage) -> bool:
    """Tell an answer that nobody wrote (RFC 3834 section 5)."""
    said = str(mail.get("Auto-Submitted", "no")).partition(";")[0].strip().lower()
    bulk = str(mail.get("Precedence", "")).strip().lower() in {"bulk", "junk", "auto_reply", "list"}
    return said != "no" or bulk or "X-Autoreply" in mail or mail.get_content_type() == "multipart/report"


class _Plain(HTMLParser):
    """Gathers the text of HTML, what is quoted marked as in plain mail."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = [""]
        self._quotes = self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._quotes += tag == "blockquote"
        self._hidden += tag in {"style", "script", "title"}
        if tag in {"br", "p", "div", "tr", "li", "blockquote"}:
            self._turn()

    def handle_endtag(self, tag: str) -> None:
        if tag in {"p", "div", "tr", "li", "blockquote"}:
            self._turn()
        self._quotes = max(self._quotes - (tag == "blockquote"), 0)
        self._hidden = max(self._hidden - (tag in {"style", "script", "title"}), 0)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            mark = "> " if self._quotes and not self.lines[-1] else ""
            self.lines[-1] += mark + " ".join(data.split()) + (" " if data[-1:].isspace() else "")

    def _turn(self) -> None:
        if self.lines[-1]:
            self.lines.append("")


def _plain(html: str) -> str:
    parser = _Plain()
    parser.feed(html)
    parser.close()
    return "\n".join(parser.lines)
