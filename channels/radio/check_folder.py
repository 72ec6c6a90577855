"""Checks of a kit as a whole: files, sums, signature, validity, mode and the ZIP beside it."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from channels.radio.findings import Row, judged, skipped
from channels.radio.frames import FRAMES, marker
from channels.radio.manifest import sha256
from channels.radio.names import EN, ID
from channels.radio.opened import LARGEST, MANIFEST, SIGNATURE, SUMS, Opened, Unfit, located, standing
from channels.radio.seal import verified

BOUND = (MANIFEST, SUMS, SIGNATURE)  # of which the manifest says nothing
MARKED = {role for names in (ID, EN) for role, name in names.items() if "{mark}" in name}


def files(kit: Opened) -> Iterator[Row]:
    """Every listed file is there, of its size and sum."""
    wrong = [told for path in kit.said.files if (told := _differs(kit, path))]
    yield judged("files", wrong, good=f"{len(kit.said.files)} as listed", wanted="size and SHA-256 as in the manifest")


def unlisted(kit: Opened) -> Iterator[Row]:
    """Nothing stands in the folder of which the manifest does not know."""
    known = {*kit.said.files, *BOUND, f"{kit.said.kit}.zip"}
    wrong = [f"{path} is not listed" for path in standing(kit.folder) if path not in known]
    yield judged("unlisted files", wrong, good="none", wanted="no file that the manifest does not list")


def sums(kit: Opened) -> Iterator[Row]:
    """SHA256SUMS agrees with every file, the manifest among them."""
    wanted = "one line for each file, each right"
    said = dict(_summed(kit.text(SUMS)))
    own = {MANIFEST: sha256(located(kit.folder, MANIFEST))}
    true = {path: listed.sha256 for path, listed in kit.said.files.items()} | own
    wrong = [f"{path} has no line" for path in true if path not in said]
    wrong += [f"{path} is not of the kit" for path in said if path not in true]
    wrong += [f"{path} has another sum" for path in true if path in said and said[path] != true[path]]
    yield judged("sums", wrong, good=f"{len(said)} lines", wanted=wanted)


def signature(kit: Opened) -> Iterator[Row]:
    """The sums are signed by the office, if its key is known here."""
    wanted = "a signature of the office over SHA256SUMS"
    if not (kit.folder / SIGNATURE).is_file():
        wrong = ["it is not signed"] if kit.key or kit.said.signed_by else []
        yield (
            judged("signature", wrong, good="", wanted=wanted)
            if wrong
            else skipped("signature", "the kit is not signed", wanted=wanted)
        )
        return
    key = kit.key or kit.said.signed_by
    comment = verified(kit.read(SUMS), kit.read(SIGNATURE), key) if key else None
    if comment is None:
        yield judged("signature", ["it is not of this key and these sums"], good="", wanted=wanted)
    elif not kit.key:
        told = "it agrees with the key the kit names itself; give the office's own key to be sure"
        yield skipped("signature", told, wanted=wanted)
    else:
        yield judged("signature", [], good=comment, wanted=wanted)


def validity(kit: Opened) -> Iterator[Row]:
    """The times are in order, and it has not expired at the time asked for."""
    said = kit.said
    wrong = [] if said.valid_from < said.valid_until else ["it ends before it begins"]
    if kit.now is not None and kit.now >= said.valid_until:
        wrong.append(f"it expired at {said.valid_until.isoformat()}; do not air it")
    good = f"until {said.valid_until.isoformat()}"
    asked = f" at {kit.now.isoformat()}" if kit.now else ""
    yield judged("validity", wrong, good=good, wanted=f"in force{asked}")


def complete(kit: Opened) -> Iterator[Row]:
    """What the kit lacks is said, and is no fault of what it holds."""
    wanted = "every part of a kit, or a sentence for each that lacks"
    if kit.said.missing:
        yield skipped("complete", "; ".join(kit.said.missing), wanted=wanted)
    elif not kit.said.complete:
        yield skipped("complete", "the kit is still being made", wanted=wanted)
    else:
        yield judged("complete", [], good="complete", wanted=wanted)


def mode(kit: Opened) -> Iterator[Row]:
    """A drill is marked in every name people see, and nothing else is."""
    mark = marker(kit.said.mode, kit.said.language)
    marks = {mark for frame in FRAMES.values() for mark in frame.marks.values()}
    names = [kit.said.kit, *(path.rpartition("/")[2] for path, one in kit.said.files.items() if one.role in MARKED)]
    if mark:
        wrong = [f"{name} lacks {mark}" for name in names if not name.startswith(mark)]
    else:
        wrong = [f"{name} is marked as a drill" for name in names if name.startswith(tuple(marks))]
    yield judged("mode in names", wrong, good=mark.rstrip("_") or "none: it is real", wanted="the mode in every name")


def packed(kit: Opened) -> Iterator[Row]:
    """The ZIP beside or in the folder holds the same files, byte for byte."""
    wanted = "the same files as the folder"
    pack = next((path for path in _packs(kit) if path.is_file() and not path.is_symlink()), None)
    if pack is None:
        yield skipped("ZIP", "there is no ZIP beside it", wanted=wanted)
        return
    if pack.stat().st_size > LARGEST:
        raise Unfit(f"{pack.name} is larger than {LARGEST} octets")
    with zipfile.ZipFile(pack) as whole:
        wrong = list(_unlike(kit, whole))
    yield judged("ZIP", wrong, good=pack.name, wanted=wanted)


def _packs(kit: Opened) -> list[Path]:
    folder = kit.folder.resolve()
    plain = kit.said.kit if "/" not in kit.said.kit and "\\" not in kit.said.kit else folder.name
    return [
        folder / f"{plain}.zip",
        folder / ".kit.zip",
        *(folder.parent / f"{one}.zip" for one in (plain, folder.name)),
    ]


def _unlike(kit: Opened, whole: zipfile.ZipFile) -> Iterator[str]:
    wanted = {path: listed.size for path, listed in kit.said.files.items()}
    wanted |= {path: located(kit.folder, path).stat().st_size for path in BOUND if (kit.folder / path).exists()}
    roots = {name.split("/", 1)[0] for name in whole.namelist()}
    root = f"{roots.pop()}/" if len(roots) == 1 else ""
    found = {one.filename.removeprefix(root): one for one in whole.infolist() if not one.is_dir()}
    yield from (f"{path} is not in the ZIP" for path in wanted if path not in found)
    yield from (f"the ZIP has {path} besides" for path in found if path not in wanted)
    for path in wanted.keys() & found.keys():
        # The size first: a bomb says it is small and is not, or says it is large.
        if found[path].file_size != wanted[path] or not _same(whole, found[path], located(kit.folder, path)):
            yield f"{path} differs in the ZIP"


def _same(whole: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> bool:
    with whole.open(entry) as packed_file, path.open("rb") as plain:
        while True:
            ours = plain.read(1 << 20)
            if packed_file.read(max(len(ours), 1)) != ours:
                return False
            if not ours:
                return True


def _differs(kit: Opened, path: str) -> str:
    listed = kit.said.files[path]
    try:
        found = located(kit.folder, path)
    except Unfit as error:
        return str(error)
    size = found.stat().st_size
    if size != listed.size or size > LARGEST:
        return f"{path} has {size} octets, not {listed.size}"
    with found.open("rb") as content:
        same = hashlib.file_digest(content, "sha256").hexdigest() == listed.sha256
    return "" if same else f"{path} has another sum"


def _summed(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        digest, gap, path = line.partition("  ")
        if len(digest) != 64 or not gap:
            raise Unfit(f"{SUMS} has a line that is none: {line[:80]!r}")
        yield path, digest.lower()


FOLDER: Mapping[str, Callable[[Opened], Iterator[Row]]] = {
    "files": files,
    "unlisted files": unlisted,
    "sums": sums,
    "signature": signature,
    "validity": validity,
    "complete": complete,
    "mode in names": mode,
    "ZIP": packed,
}
