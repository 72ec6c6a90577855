"""One radio station as the register knows it: which way it takes kits, what of them, and under which cart numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from channels.contract import Misconfigured
from channels.radio.names import CLOSING
from channels.radio.names import ID as NAMES
from channels.radio.place import Place, place

KIT: Final = tuple(NAMES)  # every role, in the order a reader needs them
SOUND: Final = frozenset({"wav", "mp2", "mp3", "flac", "opus", "amr", "loop", "loudspeaker_mp3", "stem"})
# A drop box imports, or plays, whatever lies in it: one file, and no paper.
USUAL: Final[Mapping[str, tuple[str, ...]]] = {
    "file": ("wav",),
    "liquidsoap": ("wav",),
    "icecast": ("mp3",),
    "mailto": ("script", "mp3", "amr"),
    "rss": (),  # nothing is pushed: the station fetches the feed
}
TREES: Final = frozenset({"file", "usb", "sftp", "ftp", "ftps", "dav", "davs"})
SAYABLE: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # read over the phone: no 0 O 1 I L
REF_LENGTH: Final = 16  # 79 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """What the register says of a station; neither its way nor its secret is ever shown."""

    name: str
    way: str = field(repr=False)
    languages: tuple[str, ...]
    formats: tuple[str, ...]
    cart_first: int | None = None  # the range is ours alone, both ends included
    cart_last: int | None = None
    exercise: bool = False
    secret: bytes = field(repr=False)
    contact: str = field(default="", repr=False)
    place: Place = field(repr=False)

    @classmethod
    def parse(cls, value: str) -> Self:
        """Read a station's register entry (JSON); Misconfigured says in one sentence what is wrong, without secrets."""
        try:
            read = _Entry.model_validate_json(value)
        except ValidationError as error:
            raise Misconfigured(f"station: {_sentence(error)}", code="bad station") from None
        found = place(read.way)
        return cls(
            name=read.name,
            way=read.way,
            languages=read.languages,
            formats=_resolved(read.formats, found.scheme),
            cart_first=read.cart_first,
            cart_last=read.cart_last,
            exercise=read.exercise,
            secret=bytes.fromhex(read.secret),
            contact=read.contact,
            place=found,
        )

    @property
    def drops(self) -> bool:
        """Tell whether it takes one sound file into a folder, under its cart's name, and no kit."""
        return self.place.scheme in TREES and len(self.formats) == 1 and self.formats[0] in SOUND


def cart_number(station: Station, incident: str, language: str) -> int | None:
    """Give the cart number of an incident's bulletin in a language: all that follows it replaces it there.

    None where the station has no range. Incidents numbered in sequence take turns: with n languages and a range
    of s numbers, two never share one while their numbers differ by less than s // n. An incident that is not a
    plain number, or a language the register does not list, falls where its digest falls and may share.
    """
    if station.cart_first is None or station.cart_last is None:
        return None
    size = station.cart_last - station.cart_first + 1
    primary = language.lower().partition("-")[0]
    if incident.isascii() and incident.isdecimal() and primary in station.languages:
        turn = int(incident) * len(station.languages) + station.languages.index(primary)
    else:
        turn = int.from_bytes(blake2b(f"{incident}\0{primary}".encode("utf-8", "replace"), digest_size=8).digest())
    return station.cart_first + turn % size


def ref(station: Station, notice_key: str) -> str:
    """Make what a station names when it reads back: the same for every try, and not to be guessed without its secret.

    Sixteen letters and digits that no ear or eye mistakes for each other (no 0 O 1 I L).
    """
    # 32 bytes of digest for 79 bits: the letters come out even.
    rest = int.from_bytes(blake2b(notice_key.encode(), key=station.secret, digest_size=32, person=b"readback").digest())
    letters = []
    for _ in range(REF_LENGTH):
        rest, place_ = divmod(rest, len(SAYABLE))
        letters.append(SAYABLE[place_])
    return "".join(letters)


def wanted(station: Station, available: Mapping[str, str]) -> tuple[str, ...]:
    """Pick the files a station takes, in the order they are sent: paper first, manifest and sums last.

    `available` gives the path of each role that the kit has; a role it lacks is left out, and so is "zip",
    which is no file of the folder.
    """
    first = [role for role in KIT if role not in CLOSING]
    return tuple(available[role] for role in (*first, *CLOSING) if role in station.formats and role in available)


class _Entry(BaseModel):
    """The register's JSON at the edge."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(min_length=1, max_length=100)]
    way: Annotated[str, Field(min_length=1, max_length=2000)]
    languages: tuple[Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]+)*$")], ...] = ()
    language: str = ""
    formats: tuple[str, ...] = ()
    cart_first: Annotated[int, Field(strict=True, ge=1, le=999_999)] | None = None
    cart_last: Annotated[int, Field(strict=True, ge=1, le=999_999)] | None = None
    exercise: bool = False
    secret: Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{2}){16,64}$")]
    contact: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        spoken = self.languages or ((self.language,) if self.language else ())
        if not spoken:
            raise ValueError('languages is missing; say what it airs, as in ["id", "jv"]')
        self.languages = tuple(dict.fromkeys(one.lower().partition("-")[0] for one in spoken))
        if (self.cart_first is None) != (self.cart_last is None):
            raise ValueError("give both cart_first and cart_last, or neither")
        if self.cart_first is not None and self.cart_last is not None and self.cart_last < self.cart_first:
            raise ValueError("cart_last is below cart_first")
        if unknown := sorted(set(self.formats) - {*KIT, "kit", "zip"}):
            raise ValueError(f"format {unknown[0]!r} is unknown; known are kit, zip, {', '.join(KIT)}")
        return self


def _resolved(formats: tuple[str, ...], scheme: str) -> tuple[str, ...]:
    asked = formats or USUAL.get(scheme, ("kit",))
    return tuple(dict.fromkeys(role for one in asked for role in (KIT if one == "kit" else (one,))))


def _sentence(error: ValidationError) -> str:
    """Say the first thing that is wrong; pydantic hides what was put in."""
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    says = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        says = f"there is no such field; known are {', '.join(sorted(_Entry.model_fields))}"
    if first["loc"] == ("secret",) and first["type"] == "string_pattern_mismatch":
        says = "it must be 32 to 128 hexadecimal digits"
    return f"{where}: {says}" if where else says
