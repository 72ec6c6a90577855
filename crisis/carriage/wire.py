"""Wire: what travels between the service and workers without a database, as bytes and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from crisis.errors import BadInput
from crisis.flow.ledger import Entry
from crisis.flow.trip import Cargo, End, Load
from crisis.privacy import Vault

MOST_BYTES = 250_000  # of one piece of a flush, about: far below the megabyte NATS takes at once


class _Travels(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")

    v: Literal[1] = 1  # the version of this form; whoever knows another one puts it aside and says so

    def pack(self) -> bytes:
        """Give the bytes that travel."""
        return self.model_dump_json().encode()


class Parcel(_Travels):
    """A load on its way to a worker; its addresses stay sealed. `relay` is asked before any of it is sent."""

    kind: Literal["parcel"] = "parcel"
    id: str
    relay: str
    load: Load
    cargo: Cargo


class Flush(_Travels):
    """Outcomes that are written together, once: (writer, number) is claimed by whoever writes them.

    `worker` is told once they are.
    """

    kind: Literal["flush"] = "flush"
    worker: str
    writer: UUID
    number: int
    entries: list[Entry]


class Word(_Travels):
    """What became of a flush: written, or put aside as what can never be; to a service: is it written?"""

    kind: Literal["word"] = "word"
    writer: UUID
    number: int
    written: bool = True


class Ended(_Travels):
    """How a load came back; follows all its outcomes."""

    kind: Literal["ended"] = "ended"
    account: str
    load: Load
    end: End


class Claim(_Travels):
    """A worker wants to send this parcel, holds this key, and counts its lease as so many seconds."""

    kind: Literal["claim"] = "claim"
    id: str
    key: str
    lease_seconds: float


class Leave(_Travels):
    """The answer to a claim: whether it may be sent, and to whom no more; `why` not, if it is the worker's fault."""

    kind: Literal["leave"] = "leave"
    go: bool
    why: str = ""
    gone: list[int] = []
    now: datetime  # by the service's clock, which is to be the worker's


class Renewal(_Travels):
    """A worker still has this load in hand."""

    kind: Literal["renewal"] = "renewal"
    load: Load


class Slice(_Travels):
    """A worker wants so many seconds of an account's rate."""

    kind: Literal["slice"] = "slice"
    account: str
    seconds: float
    hold: float


class Hands(_Travels):
    """A worker is alive, and these accounts of it are ready to send."""

    kind: Literal["hands"] = "hands"
    worker: str
    accounts: list[str]


Known = Parcel | Flush | Word | Ended | Claim | Leave | Renewal | Slice | Hands
_KNOWN: TypeAdapter[Known] = TypeAdapter(Annotated[Known, Field(discriminator="kind")])


def unpack(given: bytes) -> Known:
    """Read what pack() made; raise BadInput, without a word of its content, for anything else."""
    try:
        return _KNOWN.validate_json(given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{len(given)} bytes that cannot be read: {place} {first['type']}") from None


def flushes(worker: str, writer: UUID, number: int, entries: Sequence[Entry]) -> Iterator[Flush]:
    """Cut a flush into pieces that NATS takes, the same ones however often it is cut; each has a claim of its own."""
    for piece, part in enumerate(_pieces(entries)):
        own = uuid5(writer, str(piece)) if piece else writer
        yield Flush(worker=worker, writer=own, number=number, entries=part)


def _pieces(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    part: list[Entry] = []
    size = 0
    for entry in entries:
        # A text in many parts has as many refs of up to 64 octets, and a sign of a code may take six bytes in JSON.
        weight = 300 + 6 * len(entry.code) + sum(6 * len(ref) + 3 for ref in entry.refs)
        if part and size + weight > MOST_BYTES:
            yield part
            part, size = [], 0
        part.append(entry)
        size += weight
    if part:
        yield part


def key_of(vault: Vault) -> str:
    """Give what tells whether two have the same key, and nothing of the key."""
    return vault.lookup("carriage", "the same key").hex()


def light(load: Load, ids: Sequence[int] = ()) -> Load:
    """Give the load itself, without what a worker made of it; its ids only to whoever has not got them."""
    return Load(load.dispatch_id, load.language, load.urgent, ids, load.tries, load.batch_id, load.lease)
