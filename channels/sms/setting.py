"""The one line an officer sets for an SMS carrier: read, checked, and refused without telling its secrets."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from channels.contract import Misconfigured
from channels.sms.session import Account
from channels.sms.submit import Sender

EXAMPLE = "smpp://NAME:PASSWORD@HOST:PORT/?source=BPBD&rate=100&window=50&cost=350"
_PORT = 2775
_TYPES = ("source", "ton", "npi", "dest_ton", "dest_npi", "service_type", "system_type")
_KNOWN = (*_TYPES, "rate", "window", "cost", "timeout", "enquire", "ids")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """All an SMPP account needs: `rate` in texts a second, `cost` of one part in the district's currency."""

    account: Account
    sender: Sender
    rate: float
    cost: float
    ids: str


def parse(url: str) -> Setting:
    """Read the setting; raise Misconfigured in one sentence that repeats neither name nor password."""
    split, port = _split(url)
    options = _options(split.query)
    source = options.get("source", "")
    if not source or len(source) > 20 or not source.isascii() or not source.isprintable():
        raise Misconfigured("The SMS setting needs `source`: a sender of 1 to 20 plain letters or digits.")
    ton, npi = _typed(source)
    account = Account(
        host=split.hostname or "",
        port=port,
        system_id=_plain(split.username, "name"),
        password=_plain(split.password, "password"),
        system_type=_plain(options.get("system_type"), "system_type"),
        tls=split.scheme == "smpps",
        window=int(_number(options, "window", 50, 1, 10_000)),
        timeout=_number(options, "timeout", 30, 0.05, 600),
        enquire=_number(options, "enquire", 30, 0.05, 3600),
    )
    sender = Sender(
        source=source.removeprefix("+"),
        ton=int(_number(options, "ton", ton, 0, 6)),
        npi=int(_number(options, "npi", npi, 0, 18)),
        dest_ton=int(_number(options, "dest_ton", 1, 0, 6)),
        dest_npi=int(_number(options, "dest_npi", 1, 0, 18)),
        service_type=_plain(options.get("service_type"), "service_type"),
    )
    return Setting(
        account=account,
        sender=sender,
        rate=_number(options, "rate", 100, 0.01, 1_000_000),
        cost=_number(options, "cost", 0, 0, 1e12),
        ids=options.get("ids", "same"),
    )


def _split(url: str) -> tuple[SplitResult, int]:
    try:
        split = urlsplit(url)
        port = split.port or _PORT
    except ValueError:
        split, port = SplitResult("", "", "", "", ""), 0
    if split.scheme not in ("smpp", "smpps") or not split.hostname or not split.username:
        raise Misconfigured(f"The SMS setting must look like {EXAMPLE} (smpps:// for TLS).")
    if split.password is None or split.path not in ("", "/") or split.fragment:
        escapes = "write / ? # @ : in a name or password as %2F %3F %23 %40 %3A"
        raise Misconfigured(f"The SMS setting must look like {EXAMPLE}; {escapes}.")
    return split, port


def _options(query: str) -> dict[str, str]:
    pairs = parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)
    options = dict(pairs)
    if len(options) < len(pairs):
        raise Misconfigured("The SMS setting gives an option twice: remove one.")
    if set(options) - set(_KNOWN):  # not repeated here: it may be a piece of a password
        raise Misconfigured(f"The SMS setting has an option that is not known; known are {', '.join(_KNOWN)}.")
    return options


def _number(options: dict[str, str], name: str, usual: float, least: float, most: float) -> float:
    try:
        value = float(options.get(name, usual))
    except ValueError:
        value = most + 1
    if not least <= value <= most:
        raise Misconfigured(f"The SMS setting's `{name}` must be a number from {least:g} to {most:g}.")
    return value


def _plain(text: str | None, what: str) -> str:
    plain = unquote(text or "")
    if "\0" in plain or not plain.isascii():
        raise Misconfigured(f"The SMS setting's {what} may hold only plain ASCII signs.")
    return plain


def _typed(source: str) -> tuple[int, int]:
    digits = source.removeprefix("+")
    if not digits.isdigit():
        return 5, 0  # alphanumeric
    return (1, 1) if len(digits) > 6 else (3, 0)  # international number, or the network's short code
