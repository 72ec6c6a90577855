"""Makes the kit of a bulletin on its desk, stage by stage: paper, the first sound, every format, a better voice.

All of it is blocking and meant for a process of the press. What cannot be made is left out and told in a sentence; the
same bulletin gives the same bytes.
"""

from __future__ import annotations

import errno
import fcntl
import shutil
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter

from channels.radio.bulletin import STATE, Bulletin, kit_name
from channels.radio.bulletin import STORED as BULLETIN
from channels.radio.bwf import recarted
from channels.radio.lexicon import Lexicon
from channels.radio.manifest import Kit, Made, manifest, sums
from channels.radio.names import CLOSING
from channels.radio.order import Order
from channels.radio.pack import link, packed, write
from channels.radio.paper import papers_of
from channels.radio.sayings import lexicon_of
from channels.radio.seal import BadKey, Sealer
from channels.radio.sheets import sheets
from channels.radio.stages import Stage
from channels.radio.voicing import Voiced, voiced

KEPT = ".kit.json"
STORED = TypeAdapter(Kit)
SOUNDLESS = "no sound yet: it follows"
UNASKED = "no sound: none was asked for"
TAILORED = ("rdxml", "setup", "receipt", "page")


def make(order: Order, stage: Stage) -> Kit:
    """Make the kit up to a stage, going on from what the desk holds; raise OSError when there is no room.

    The manifest, the sums and their signature are of what there is after this stage; once all formats are made, the
    ZIP lies on the desk as `.kit.zip`.
    """
    order.into.mkdir(parents=True, exist_ok=True)
    with (order.into / ".lock").open("wb") as lock:
        # A maker that was told to stop may still be at it in its process: two at once would mix their files.
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _made(order, stage)


def _made(order: Order, stage: Stage) -> Kit:
    kit, (names, unread) = _on_desk(order), lexicon_of(order)
    if stage is Stage.PAPER or not kit.files:
        silent = order.most is Stage.PAPER
        kit = _paper(order, names, Kit(missing=(UNASKED if silent else SOUNDLESS, *unread), complete=silent))
    if stage >= Stage.FIRST:
        kit = replace(kit, missing=_once(kit.missing, unread))  # the office's names may have been broken since
        kit = _sound(order, names, kit, stage)
    kit = _bound(order, names, kit)
    write(order.into / KEPT, STORED.dump_json(kit))
    return kit


def _on_desk(order: Order) -> Kit:
    try:
        return STORED.validate_json((order.into / KEPT).read_bytes())
    except (FileNotFoundError, ValueError):
        return Kit()


def _paper(order: Order, names: Lexicon, kit: Kit) -> Kit:
    """Print the papers, and write the texts for a station's screens and players, of what the kit holds so far."""
    made, missing = papers_of(order, names, kit)
    kit = replace(kit, files=kit.with_files(made), missing=_once(kit.missing, missing))
    return _with_texts(order, names, kit)


def _with_texts(order: Order, names: Lexicon, kit: Kit, only: Collection[str] = ()) -> Kit:
    texts = {role: said for role, said in sheets(order, names, kit).items() if not only or role in only}
    for role, content in texts.items():
        write(order.into / order.bulletin.file(role), content)
    return replace(kit, files=kit.with_files([Made(role=r, path=order.bulletin.file(r)) for r in texts]))


def _sound(order: Order, names: Lexicon, kit: Kit, stage: Stage) -> Kit:
    heard = voiced(order, names, stage, anew=kit.path("wav") is None)
    missing = [says for says in kit.missing if says != SOUNDLESS]
    kit = replace(kit, missing=_once(missing, heard.missing), complete=stage >= min(order.most, Stage.WHOLE))
    if not heard.made:
        return _paper(order, names, replace(kit, complete=True))
    return _paper(order, names, _told(kit, heard))  # the first page and the players' lists tell of the sound


def _told(kit: Kit, heard: Voiced) -> Kit:
    return replace(
        kit,
        files=kit.with_files(heard.made),
        voice=heard.voice,
        voice_kind=heard.kind,
        seconds=heard.seconds,
    )


def _bound(order: Order, names: Lexicon, kit: Kit, *, pack: bool = True) -> Kit:
    """Write manifest, sums, signature and, of a complete kit, the ZIP."""
    folder, bulletin = order.into, order.bulletin
    sealer, missing = _sealer(order)
    kit = replace(kit, missing=_once(kit.missing, missing))
    said = manifest(
        bulletin, order.office, kit, folder, lexicon=names.digest, cart=order.cart,
        signed_by=sealer.public if sealer else "",
    )  # fmt: skip
    write(folder / bulletin.file("manifest"), said)
    paths = [made.path for made in kit.files] + [bulletin.file("manifest")]
    added = sums(folder, paths)
    write(folder / bulletin.file("sums"), added)
    paths.append(bulletin.file("sums"))
    name = kit_name(bulletin, order.office)
    if sealer:
        write(folder / bulletin.file("signature"), sealer.sign(added, f"{name} {bulletin.id}"))
        paths.append(bulletin.file("signature"))
    if kit.complete and pack:
        packed(folder, paths, folder / ".kit.zip", name)
    return kit


def tailor(order: Order, base: Path, *, pack: bool = True) -> Kit:
    """Give a station its own kit from the one in force at `base`: its cart number and its receipt, all else the same.

    What the cart number stands in is written anew, with the manifest and the sums; the rest is linked. Raises OSError
    when there is no room, or another kit takes its place just then.
    """
    shutil.rmtree(order.into, ignore_errors=True)
    order.into.mkdir(parents=True)
    kit = STORED.validate_json((base / KEPT).read_bytes())
    for made in kit.files:
        target = order.into / made.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if made.role == "wav" and order.cart is not None:
            recarted(base / made.path, target, str(order.cart))
        else:
            link(base / made.path, target)
    _same_words(order, base / STATE)
    names, _ = lexicon_of(order)
    return _bound(order, names, _with_texts(order, names, kit, TAILORED), pack=pack)


def _same_words(order: Order, state: Path) -> None:
    """Look after the files are taken: what newer words took the place of is gone, or theirs."""
    if state.exists() and not BULLETIN.validate_json(state.read_bytes()).same(order.bulletin):
        raise FileNotFoundError(errno.ENOENT, "another kit has taken its place", str(state))


def paths(kit: Kit, bulletin: Bulletin, folder: Path) -> list[str]:
    """List every file of a kit, and what it was made of, which tailor() needs; the manifest and the sums last."""
    closing = [bulletin.file(role) for role in CLOSING]
    return [KEPT, *(made.path for made in kit.files), *(path for path in closing if (folder / path).exists())]


def _sealer(order: Order) -> tuple[Sealer | None, tuple[str, ...]]:
    if order.key is None:
        return None, ()
    try:
        return Sealer.load(order.key), ()
    except BadKey as error:
        return None, (f"not signed: {str(error).replace(str(order.key), order.key.name)}",)  # a kit is public


def _once(*groups: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(says for group in groups for says in group))
