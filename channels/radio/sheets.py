"""Collects the texts of a kit that are neither paper nor sound: for screens, players, engineers and operators."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from channels.radio import air, listening, playout
from channels.radio.bulletin import script_of, script_sheet
from channels.radio.lexicon import Lexicon
from channels.radio.manifest import Kit
from channels.radio.order import Order
from channels.radio.sayings import lasts
from channels.radio.seal import BadKey, Sealer

TRACKS = ("mp3", "wav")  # that a player's list offers: the first one it can play


def sheets(order: Order, names: Lexicon, kit: Kit) -> dict[str, str | bytes]:
    """Write the text of each role for what the kit holds so far; a list of tracks only where there is sound."""
    bulletin, office = order.bulletin, order.office
    agreed, seconds = _agreed(order), kit.seconds
    made: dict[str, str | bytes] = {
        "script_text": script_sheet(
            bulletin, office, lasts(script_of(bulletin, office).lines, bulletin.language, names)
        ),
        "rds": air.rds(bulletin, office),
        "aprs": air.aprs(bulletin, office),
        "winlink": air.winlink(bulletin, office),
        "sms": air.sms(bulletin),
        "setup": playout.station_setup(bulletin, office, agreed, _paths(kit)),
        "receipt": playout.receipt(bulletin, office, agreed),
    }
    if order.document:
        made["cap"] = order.document
    if kit.path("wav"):
        out_cue = bulletin.reading.rstrip().rpartition("\n")[2]
        made["rdxml"] = playout.rivendell(bulletin, office, agreed, seconds=seconds, out_cue=out_cue)
    tracks = [playout.Track(path=path, title=bulletin.headline, seconds=seconds) for path in _tracks(kit)]
    if tracks:
        made["m3u8"] = playout.m3u8(tracks, bulletin.headline)
        made["xspf"] = playout.xspf(tracks, bulletin.headline, office.title)
    made["page"] = listening.page(bulletin, office, _shown(order, kit, made))
    return made


def _agreed(order: Order) -> playout.Agreed:
    return playout.Agreed(cart=order.cart, feed=order.feed, key=_key(order), read_back=order.readback, ref=order.ref)


def _key(order: Order) -> str:
    try:
        return Sealer.load(order.key).public if order.key else ""
    except BadKey:
        return ""


def _paths(kit: Kit) -> Mapping[str, str]:
    return {made.role: made.path for made in kit.files}


def _tracks(kit: Kit) -> list[str]:
    """List one track, the first kind there is: with both, a player would play the bulletin twice over."""
    return [path for role in TRACKS if (path := kit.path(role))][:1]


def _shown(order: Order, kit: Kit, made: Mapping[str, str | bytes]) -> listening.Shown:
    pieces = {
        piece.role: listening.Piece(
            path=piece.path, size=_size(order.into / piece.path), seconds=piece.seconds or 0.0,
            lufs=piece.lufs, peak=piece.peak,
        )
        for piece in kit.files
    }  # fmt: skip
    for role in made:
        pieces.setdefault(role, listening.Piece(path=order.bulletin.file(role)))
    pieces["manifest"] = listening.Piece(path=order.bulletin.file("manifest"))
    return listening.Shown(
        script=order.bulletin.reading,
        pieces=pieces,
        captions=_read(order, kit, "captions"),
        alt=_read(order, kit, "alt"),
        read_back=order.readback,
        voice=kit.voice,
        synthetic=kit.voice_kind != "recording",
        missing=kit.missing,
    )


def _read(order: Order, kit: Kit, role: str) -> str:
    path = kit.path(role)
    return (order.into / path).read_text("utf-8") if path else ""


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
