"""The PDUs of SMPP 3.4 we speak: written exactly, read tolerantly, never larger than a hard limit."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self

RESPONSE = 0x80000000  # the bit that makes a command its own response (SMPP 3.4, 5.1.2.1)
GENERIC_NACK = 0x80000000
BIND_RECEIVER = 0x01
BIND_TRANSMITTER = 0x02
SUBMIT_SM = 0x04
DELIVER_SM = 0x05
UNBIND = 0x06
BIND_TRANSCEIVER = 0x09
ENQUIRE_LINK = 0x15
ALERT_NOTIFICATION = 0x102

RECEIPTED_MESSAGE_ID = 0x001E
USER_MESSAGE_REFERENCE = 0x0204
SAR_MSG_REF_NUM = 0x020C
SAR_TOTAL_SEGMENTS = 0x020E
SAR_SEGMENT_SEQNUM = 0x020F
MESSAGE_PAYLOAD = 0x0424
MESSAGE_STATE = 0x0427

LARGEST = 0x10400  # a 64 KiB message_payload and its fields; more is no SMPP
LAST_SEQUENCE = 0x7FFFFFFF
_HEADER = struct.Struct(">IIII")
_pack = _HEADER.pack  # bound once: each text in and out passes here
_unpack = _HEADER.unpack_from
_TLV = struct.Struct(">HH")

# SMPP 3.4, 5.1.3
STATUS = {
    0x00: "ESME_ROK",
    0x01: "ESME_RINVMSGLEN",
    0x02: "ESME_RINVCMDLEN",
    0x03: "ESME_RINVCMDID",
    0x04: "ESME_RINVBNDSTS",
    0x05: "ESME_RALYBND",
    0x06: "ESME_RINVPRTFLG",
    0x07: "ESME_RINVREGDLVFLG",
    0x08: "ESME_RSYSERR",
    0x0A: "ESME_RINVSRCADR",
    0x0B: "ESME_RINVDSTADR",
    0x0C: "ESME_RINVMSGID",
    0x0D: "ESME_RBINDFAIL",
    0x0E: "ESME_RINVPASWD",
    0x0F: "ESME_RINVSYSID",
    0x11: "ESME_RCANCELFAIL",
    0x13: "ESME_RREPLACEFAIL",
    0x14: "ESME_RMSGQFUL",
    0x15: "ESME_RINVSERTYP",
    0x33: "ESME_RINVNUMDESTS",
    0x34: "ESME_RINVDLNAME",
    0x40: "ESME_RINVDESTFLAG",
    0x42: "ESME_RINVSUBREP",
    0x43: "ESME_RINVESMCLASS",
    0x44: "ESME_RCNTSUBDL",
    0x45: "ESME_RSUBMITFAIL",
    0x48: "ESME_RINVSRCTON",
    0x49: "ESME_RINVSRCNPI",
    0x50: "ESME_RINVDSTTON",
    0x51: "ESME_RINVDSTNPI",
    0x53: "ESME_RINVSYSTYP",
    0x54: "ESME_RINVREPFLAG",
    0x55: "ESME_RINVNUMMSGS",
    0x58: "ESME_RTHROTTLED",
    0x61: "ESME_RINVSCHED",
    0x62: "ESME_RINVEXPIRY",
    0x63: "ESME_RINVDFTMSGID",
    0x64: "ESME_RX_T_APPN",
    0x65: "ESME_RX_P_APPN",
    0x66: "ESME_RX_R_APPN",
    0x67: "ESME_RQUERYFAIL",
    0xC0: "ESME_RINVOPTPARSTREAM",
    0xC1: "ESME_ROPTPARNOTALLWD",
    0xC2: "ESME_RINVPARLEN",
    0xC3: "ESME_RMISSINGOPTPARAM",
    0xC4: "ESME_RINVOPTPARAMVAL",
    0xFE: "ESME_RDELIVERYFAILURE",
    0xFF: "ESME_RUNKNOWNERR",
}
CODE = {name: status for status, name in STATUS.items()}


def status_name(status: int) -> str:
    """Name a command_status: `ESME_RTHROTTLED`, or its number where the SMSC made up its own."""
    return STATUS.get(status) or f"0x{status:08X}"


class BadPdu(Exception):
    """The stream cannot be followed any further: the connection must end."""


class Pdu(NamedTuple):
    """One PDU as framed: its body is read by whoever wants it."""

    command: int
    status: int
    sequence: int
    body: bytes


def frame(command: int, sequence: int, body: bytes = b"", status: int = 0) -> bytes:
    """Return the PDU as it goes on the wire."""
    return _pack(16 + len(body), command, status, sequence) + body


class Reader:
    """Cuts a stream of any chunking into PDUs."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[Pdu]:
        """Yield each PDU that is complete; raise BadPdu at a length that cannot be true."""
        return map(Pdu._make, self.cut(chunk))

    def cut(self, chunk: bytes) -> Iterator[tuple[int, int, int, bytes]]:
        """Do as feed() does, with the fields of a Pdu unnamed: a million responses have no time for names."""
        stream = self._rest + chunk if self._rest else chunk
        self._rest = b""
        at, size = 0, len(stream)
        while size - at >= 16:
            length, command, status, sequence = _unpack(stream, at)
            if not 16 <= length <= LARGEST:
                raise BadPdu(f"The SMSC sent a PDU of {length} octets; 16 to {LARGEST} are possible.")
            if size - at < length:
                break
            yield command, status, sequence, stream[at + 16 : at + length]
            at += length
        self._rest = stream[at:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """The body of bind_transceiver, bind_transmitter and bind_receiver (SMPP 3.4, 4.1)."""

    system_id: str
    password: str = field(repr=False)
    system_type: str = ""
    version: int = 0x34
    ton: int = 0
    npi: int = 0
    address_range: str = ""

    def encode(self) -> bytes:
        return (
            b"".join(map(c_string, (self.system_id, self.password, self.system_type)))
            + bytes((self.version, self.ton, self.npi))
            + c_string(self.address_range)
        )

    @classmethod
    def decode(cls, body: bytes) -> Self:
        fields = _Fields(body)
        system_id, password, system_type = fields.text(), fields.text(), fields.text()
        version, ton, npi = fields.octets(3)
        return cls(
            system_id=system_id,
            password=password,
            system_type=system_type,
            version=version,
            ton=ton,
            npi=npi,
            address_range=fields.text(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sm:
    """The body of submit_sm and deliver_sm, which are alike (SMPP 3.4, 4.4.1 and 4.6.1)."""

    service_type: str = ""
    source_ton: int = 0
    source_npi: int = 0
    source: str = field(default="", repr=False)
    destination_ton: int = 0
    destination_npi: int = 0
    destination: str = field(default="", repr=False)
    esm_class: int = 0
    protocol_id: int = 0
    priority: int = 0
    schedule: str = ""
    validity: str = ""
    registered: int = 0
    replace: int = 0
    data_coding: int = 0
    default_id: int = 0
    octets: bytes = field(default=b"", repr=False)
    tlvs: Mapping[int, bytes] = field(default_factory=dict, repr=False)

    @property
    def payload(self) -> bytes:
        """The octets of the text, wherever the sender put them."""
        return self.octets or self.tlvs.get(MESSAGE_PAYLOAD, b"")

    def around(self) -> tuple[bytes, bytes]:
        """Return what stands before and after the destination, so that many differ only in it.

        Raises ValueError over 254 octets of short_message: those belong in message_payload.
        """
        if len(self.octets) > 254:
            raise ValueError(f"{len(self.octets)} octets do not fit short_message; 254 is the most.")
        before = c_string(self.service_type) + bytes((self.source_ton, self.source_npi))
        before += c_string(self.source) + bytes((self.destination_ton, self.destination_npi))
        after = b"\0" + bytes((self.esm_class, self.protocol_id, self.priority))
        after += c_string(self.schedule) + c_string(self.validity)
        after += bytes((self.registered, self.replace, self.data_coding, self.default_id, len(self.octets)))
        tlvs = b"".join(_TLV.pack(tag, len(value)) + value for tag, value in self.tlvs.items())
        return before, after + self.octets + tlvs

    def encode(self) -> bytes:
        before, after = self.around()
        return before + self.destination.encode("latin-1") + after

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read what is there; a body cut short leaves the rest of the fields empty."""
        fields = _Fields(body)
        service_type, (source_ton, source_npi), source = fields.text(), fields.octets(2), fields.text()
        (destination_ton, destination_npi), destination = fields.octets(2), fields.text()
        esm_class, protocol_id, priority = fields.octets(3)
        schedule, validity = fields.text(), fields.text()
        registered, replace, data_coding, default_id, length = fields.octets(5)
        return cls(
            service_type=service_type,
            source_ton=source_ton,
            source_npi=source_npi,
            source=source,
            destination_ton=destination_ton,
            destination_npi=destination_npi,
            destination=destination,
            esm_class=esm_class,
            protocol_id=protocol_id,
            priority=priority,
            schedule=schedule,
            validity=validity,
            registered=registered,
            replace=replace,
            data_coding=data_coding,
            default_id=default_id,
            octets=fields.upto(length),
            tlvs=fields.tlvs(),
        )


def c_string(text: str) -> bytes:
    """Return a C-octet string (SMPP 3.4, 3.1); raise ValueError if the text cannot be one."""
    if "\0" in text:
        raise ValueError("A text with a NUL in it cannot be sent as an SMPP field.")
    return text.encode("latin-1") + b"\0"


def read_c_string(body: bytes) -> str:
    """Read the first C-octet string, such as the message_id of a response; a missing end is forgiven."""
    end = body.find(0)
    return (body if end < 0 else body[:end]).decode("latin-1")


class _Fields:
    __slots__ = ("at", "body")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.at = 0

    def text(self) -> str:
        end = self.body.find(b"\0", self.at)
        end = len(self.body) if end < 0 else end
        text = self.body[self.at : end].decode("latin-1")
        self.at = end + 1
        return text

    def octets(self, count: int) -> bytes:
        return self.upto(count).ljust(count, b"\0")

    def upto(self, count: int) -> bytes:
        at, self.at = self.at, self.at + count
        return self.body[at : self.at]

    def tlvs(self) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        while self.at + 4 <= len(self.body):
            tag, length = _TLV.unpack_from(self.body, self.at)
            self.at += 4
            found.setdefault(tag, self.upto(length))
        return found
