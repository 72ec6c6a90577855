"""What travels arrives as it left, whatever is in it; anything else is refused without a word of its content."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import Notice, Result
from crisis.carriage import wire
from crisis.carriage.hub import loads_of
from crisis.errors import BadInput
from crisis.flow.ledger import Entry
from crisis.flow.trip import Cargo, End, Load
from crisis.model.dispatch import Again
from crisis.privacy import Vault

IDS = st.integers(1, 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
LOADS = st.builds(
    Load, IDS, TEXTS, st.integers(0, 99), st.lists(IDS, max_size=5), st.dictionaries(IDS, st.integers(1, 30_000)),
    IDS, st.integers(0, 2**31 - 1), st.floats(0, 1e9),
)  # fmt: skip
NOTICES = st.builds(
    Notice, id=TEXTS, language=TEXTS, text=TEXTS, urgent=st.booleans(), sent=st.none() | TIMES, expires=TIMES,
    script=TEXTS, replaces=st.lists(TEXTS, max_size=3).map(tuple), ends=st.booleans(), document=st.binary(max_size=60),
)  # fmt: skip
ROWS = st.lists(st.tuples(IDS, st.binary(max_size=60), TEXTS), max_size=5)
CARGOES = st.builds(Cargo, NOTICES, TIMES, ROWS, st.lists(IDS, max_size=3))
AGAIN = st.none() | st.builds(Again, try_=st.integers(1, 30_000), not_before=TIMES)
ENTRIES = st.builds(
    Entry, IDS, IDS, st.integers(1, 30_000), st.sampled_from([r.value for r in Result]), TEXTS,
    st.lists(TEXTS, max_size=3).map(tuple), TEXTS, TIMES, TEXTS, AGAIN, st.booleans(),
)  # fmt: skip
ENDS = st.builds(
    End, st.booleans(), st.lists(IDS, max_size=3), st.lists(IDS, max_size=3), st.booleans(), st.floats(0, 60), TEXTS
)
KNOWN = st.one_of(
    st.builds(wire.Parcel, id=TEXTS, relay=TEXTS, load=LOADS, cargo=CARGOES),
    st.builds(wire.Flush, worker=TEXTS, writer=st.uuids(), number=IDS, entries=st.lists(ENTRIES, max_size=4)),
    st.builds(wire.Word, writer=st.uuids(), number=IDS, written=st.booleans()),
    st.builds(wire.Ended, account=TEXTS, load=LOADS, end=ENDS),
    st.builds(wire.Claim, id=TEXTS, key=TEXTS, lease_seconds=st.floats(0.5, 600)),
    st.builds(wire.Leave, go=st.booleans(), why=TEXTS, gone=st.lists(IDS, max_size=3), now=TIMES),
    st.builds(wire.Renewal, load=LOADS),
    st.builds(wire.Slice, account=TEXTS, seconds=st.floats(0, 60), hold=st.floats(0, 60)),
    st.builds(wire.Hands, worker=TEXTS, accounts=st.lists(TEXTS, max_size=3)),
)


@given(KNOWN)
def test_what_travels_arrives_as_it_left(known: wire.Known) -> None:
    """Every kind, with any text, bytes and times: sealed addresses and documents byte for byte."""
    assert wire.unpack(known.pack()) == known


@pytest.mark.parametrize(
    "given_bytes",
    [b"", b"\xff\xfe", b"null", b"[]", b"{}", b'{"kind": "parcel"}', b'{"kind": "order"}',
     b'{"v": 2, "kind": "hands", "worker": "w", "accounts": []}',
     b'{"v": 1, "kind": "hands", "worker": "w", "accounts": [], "more": "+6281200000001"}'],
)  # fmt: skip
def test_what_is_no_such_thing_is_refused_without_its_content(given_bytes: bytes) -> None:
    """Cut, foreign, of another version, or with more than we know: BadInput that quotes nothing."""
    with pytest.raises(BadInput) as refused:
        wire.unpack(given_bytes)
    assert "62812" not in str(refused.value)


@given(st.integers(0, 4_000), st.sampled_from([0, 1, 30]), st.uuids())
def test_a_flush_is_cut_alike_each_time_and_each_piece_has_its_own_claim(count: int, parts: int, writer: UUID) -> None:
    """However large it grew while NATS was away, in texts of many parts: pieces that travel, always the same ones."""
    count //= parts or 1
    refs, code = ("f" * 64,) * parts, "é" * 80
    entries = [Entry(1, n, 1, "accepted", code, refs, "sms", datetime(2026, 1, 1, tzinfo=UTC)) for n in range(count)]
    pieces = list(wire.flushes("w", writer, 7, entries))
    assert pieces == list(wire.flushes("w", writer, 7, entries))
    assert [e for piece in pieces for e in piece.entries] == entries
    assert len({(piece.writer, piece.number) for piece in pieces}) == len(pieces)
    assert all(len(piece.pack()) < 300_000 for piece in pieces)


def test_accounts_with_like_names_have_streams_of_their_own() -> None:
    """Names become legal in NATS and stay apart."""
    names = ["sms", "sms/exercise", "sms exercise", "webhook:a.example:1", "webhook:a.example:1/exercise", "é"]
    streams = [loads_of(name) for name in names]
    assert len({s.name for s in streams}) == len({s.subject for s in streams}) == len(names)
    assert all(s.name.replace("_", "").isalnum() and s.name.isascii() for s in streams)


def test_two_keys_are_told_apart_and_nothing_of_them_is_told() -> None:
    """The same key gives the same mark, another one another."""
    marks = [wire.key_of(Vault(bytes([n]) * 32)) for n in (7, 7, 8)]
    assert marks[0] == marks[1] != marks[2]


def test_a_light_load_is_the_same_lease() -> None:
    """What is asked about a load needs its lease and its tries, not its addresses."""
    load = Load(1, "id", 0, [1, 2], {3: 2}, 5, 6, 7.0)
    kept: dict[str, Any] = {f.name: getattr(wire.light(load), f.name) for f in fields(Load)}
    whole = {f.name: getattr(load, f.name) for f in fields(Load)}
    assert kept == whole | {"ids": (), "taken": 0.0}


def test_sealed_addresses_of_a_full_batch_fit_into_one_publish() -> None:
    """A thousand addresses and a CAP document of 60 KB stay below the megabyte NATS takes by default."""
    vault = Vault(b"\x07" * 32)
    rows = [(2**40 + n, vault.seal(f"+62812{n:08d}"), "") for n in range(1_000)]
    soon = datetime.now(UTC) + timedelta(hours=1)
    notice = Notice(id="x" * 60, language="id", text="a" * 1_600, document=b"<" * 60_000)
    load = Load(1, "id", 0, [r[0] for r in rows], {}, 5, 6)
    parcel = wire.Parcel(id=uuid4().hex, relay="r", load=load, cargo=Cargo(notice, soon, rows))
    assert len(parcel.pack()) < 500_000
