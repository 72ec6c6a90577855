"""The carrier's setting is read whole, or refused in a sentence without secrets."""

from __future__ import annotations

import pytest

from channels.contract import Misconfigured
from channels.sms.setting import parse
from channels.sms.smpp import Smpp


def test_every_option_is_taken() -> None:
    """Percent signs are undone, the rest is numbers."""
    got = parse(
        "smpps://b%40pbd:p%3A%2Fw@carrier.example:3550/?source=BPBD&rate=40&window=7&cost=350&ton=5&npi=0"
        "&dest_ton=2&dest_npi=8&timeout=5&enquire=9&system_type=X&service_type=CMT&ids=hex-dec"
    )
    account, sender = got.account, got.sender
    assert (account.host, account.port, account.tls) == ("carrier.example", 3550, True)
    assert (account.system_id, account.password, account.system_type) == ("b@pbd", "p:/w", "X")
    assert (account.window, account.timeout, account.enquire) == (7, 5, 9)
    assert (sender.source, sender.ton, sender.npi, sender.dest_ton, sender.dest_npi) == ("BPBD", 5, 0, 2, 8)
    assert (sender.service_type, got.rate, got.cost, got.ids) == ("CMT", 40, 350, "hex-dec")


@pytest.mark.parametrize(
    ("source", "typed"),
    [("BPBD", ("BPBD", 5, 0)), ("112", ("112", 3, 0)), ("+62811223344", ("62811223344", 1, 1))],
)
def test_the_kind_of_sender_is_known_by_its_looks(source: str, typed: tuple[str, int, int]) -> None:
    """Letters, short code, or number, unless ton and npi say otherwise."""
    sender = parse(f"smpp://u:p@h/?source={source}").sender
    assert (sender.source, sender.ton, sender.npi) == typed


def test_what_is_left_out_has_its_usual_value() -> None:
    """Port 2775, window 50, half a minute of patience."""
    got = parse("smpp://u:p@h/?source=BPBD")
    assert (got.account.port, got.account.window, got.account.timeout, got.account.enquire) == (2775, 50, 30, 30)
    assert (got.rate, got.cost, got.ids, got.sender.dest_ton, got.sender.dest_npi) == (100, 0, "same", 1, 1)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "must look like"),
        ("http://geheim:geheim@h/?source=B", "must look like"),
        ("smpp://geheim@h/?source=B", "must look like"),
        ("smpp://:geheim@h/?source=B", "must look like"),
        ("smpp://geheim:geheim@/?source=B", "must look like"),
        ("smpp://geheim:geheim@h:geheim/?source=B", "must look like"),
        ("smpp://geheim:geheim@h:99999/?source=B", "must look like"),
        ("smpp://[geheim:geheim@h/?source=B", "must look like"),
        ("smpp://geheim:ge#heim@h/?source=B", "must look like"),
        ("smpp://geheim:ge?geheim@h/?source=B", "must look like"),
        ("smpp://geheim:x@h/?source=B&geheim=1", "an option that is not known; known are source"),
        ("smpp://geheim:x@h/", "needs `source`"),
        ("smpp://geheim:x@h/?source=", "needs `source`"),
        ("smpp://geheim:x@h/?source=ABCDEFGHIJKLMNOPQRSTU", "needs `source`"),
        ("smpp://geheim:x@h/?source=B%00", "needs `source`"),
        ("smpp://geheim:x@h/?source=B&source=C", "twice"),
        ("smpp://geheim:x%C3%A9@h/?source=B", "password may hold only plain"),
        ("smpp://geheim:x@h/?source=B&rate=0", "`rate` must be a number from 0.01"),
        ("smpp://geheim:x@h/?source=B&rate=nan", "`rate` must be a number"),
        ("smpp://geheim:x@h/?source=B&window=geheim", "`window` must be a number from 1 to 10000"),
        ("smpp://geheim:x@h/?source=B&ton=9", "`ton` must be a number from 0 to 6"),
        ("smpp://geheim:x@h/?source=B&ids=geheim", "`ids` must be one of"),
    ],
)
def test_a_wrong_setting_is_refused_without_telling_its_secrets(url: str, says: str) -> None:
    """One sentence: what is wrong and how it should look."""
    with pytest.raises(Misconfigured, match=says) as caught:
        Smpp.from_url(url)
    assert "geheim" not in str(caught.value)
    assert "geheim" not in caught.value.code
    assert caught.value.__cause__ is None


def test_no_secret_is_in_the_looks_of_a_setting() -> None:
    """A setting may end up in a log line or a trace."""
    assert "geheim" not in repr(parse("smpp://u:geheim@h/?source=BPBD"))


def test_the_price_and_pace_are_the_accounts_own() -> None:
    """Without changing those of another account."""
    one, two = Smpp.from_url("smpp://u:p@h/?source=B&cost=350&rate=7&window=9"), Smpp.from_url("smpp://u:p@h/?source=B")
    assert (one.limit.cost, one.rate, one.concurrency) == (350, 7, 9)
    assert (two.limit.cost, Smpp.limit.cost) == (0, 0)
    assert one.limit.renditions == ("short",)
    assert one.limit.fits("a" * 918)
    assert not one.limit.fits("a" * 919)
    assert not one.limit.fits("”" * 403)
