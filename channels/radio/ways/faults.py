"""Says what a failure on the way to a station means, in words that hold nothing of its address."""

from __future__ import annotations

import errno
import socket
import ssl

from channels.contract import Misconfigured, SendError, Unavailable

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def denied() -> Misconfigured:
    """The station knows neither our user nor our password."""
    return Misconfigured("the station does not take our user name and password; ask its engineer", code="bad password")


def unwritable() -> Misconfigured:
    """Its folder may not be written: somebody must mend its rights."""
    return Misconfigured(
        "the station's folder may not be written; its engineer must give us the right to", code="read-only"
    )


def full() -> Unavailable:
    """Its disk is full: somebody there makes room."""
    return Unavailable("the station's disk is full; it takes the kit when there is room", code="disk full")


def lost(error: OSError | EOFError) -> SendError:
    """Tell what a failure of the network, or of a disk, comes to."""
    if isinstance(error, ssl.SSLError):
        says = "the station's certificate cannot be trusted; its engineer must renew it"
        return Misconfigured(says, code="bad certificate")
    if isinstance(error, socket.gaierror):
        return Unavailable("the station's host name cannot be found", code="no such host")
    number = error.errno if isinstance(error, OSError) else None
    if number in FULL:
        return full()
    if number in DENIED:
        return unwritable()
    if isinstance(error, ConnectionRefusedError):
        return Unavailable("the station's server does not listen", code="connection refused")
    if isinstance(error, TimeoutError):
        return Unavailable("the station does not answer", code="no reply in time")
    if number == errno.ENOENT:
        return Unavailable("the station's folder is not there", code="no such folder")
    return Unavailable("the connection to the station was lost", code=_name(number))


def _name(number: int | None) -> str:
    return errno.errorcode.get(number, "connection lost") if number else "connection lost"


def trust() -> ssl.SSLContext:
    """Ask for a certificate that the machine's authorities vouch for, made out to the host (RFC 9525)."""
    return ssl.create_default_context()
