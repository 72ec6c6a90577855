"""Kits built on this machine: from a CAP file or an alert of the service, stage by stage, with what each took."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter
from rich.table import Table

from channels.contract import Notice, Unavailable
from channels.radio import check as checking
from channels.radio import kit as kits
from channels.radio.bulletin import Bulletin, Office, draft, kit_name, script_of
from channels.radio.feed import feed
from channels.radio.lint import lint
from channels.radio.manifest import Kit
from channels.radio.neural import neural_ready
from channels.radio.order import Order
from channels.radio.pack import write
from channels.radio.press import Broken, Press
from channels.radio.seal import Sealer
from channels.radio.seal import new_key as fresh_key
from channels.radio.setting import code_of
from channels.radio.stages import Stage
from crisis.cap import document, retold
from crisis.cli import cap_files, out
from crisis.cli.client import Client
from crisis.errors import BadInput
from crisis.settings import Settings

NOTICES = TypeAdapter(list[Notice])
TIME = 1800.0  # seconds a stage may take; whoever waits at a terminal can end it
SAID = {Stage.PAPER: "paper", Stage.FIRST: "first sound", Stage.WHOLE: "every format", Stage.NEURAL: "better voice"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What of the office's goes into the kits."""

    cart: int | None = None
    key: Path | None = None
    lexicon: Path | None = None
    rivers: Path | None = None
    recordings: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what is not there before anything is built."""
        for name in ("key", "lexicon", "rivers", "recordings"):
            path = getattr(self, name)
            if path is not None and not path.exists():
                raise BadInput(
                    f"--{name.removesuffix('s') if name == 'recordings' else name} {path}: there is no such file"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """One kit as it was built: where it lies, what it took, what it lacks and what an announcer may stumble on."""

    bulletin: Bulletin
    kit: Kit
    folder: Path
    took: dict[str, float]  # seconds of each stage
    remarks: Sequence[str]

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return {
            "kit": self.folder.name,
            "folder": str(self.folder),
            "zip": f"{self.folder}.zip",
            "id": self.bulletin.id,
            "language": self.bulletin.language,
            "mode": self.bulletin.mode,
            "valid_until": self.bulletin.expires.isoformat(),
            "voice": self.kit.voice,
            "seconds": self.kit.seconds,
            "took": self.took,
            "missing": list(self.kit.missing),
            "remarks": list(self.remarks),
            "files": {made.role: made.path for made in self.kit.files},
        }


def of_file(path: Path) -> list[Notice]:
    """Read the one alert of a CAP file as notices, one a language; BadInput in a sentence if that cannot be."""
    (file,) = cap_files.found([str(path)])
    if file.fault:
        raise BadInput(file.fault)
    try:
        found = document.read_document(file.raw, file.name)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    alerts = [entry.alert for entry in found.entries if entry.alert]
    if len(alerts) != 1:
        raise BadInput(f"{path}: holds {len(alerts)} alerts that can be read; give a file with one")
    return retold.notices(alerts[0], file.raw)


def of_service(alert: int) -> list[Notice]:
    """Ask the service for a released alert's notices, one a language."""
    told = Client.of(Settings.read()).ask("GET", f"/alerts/{alert}/bulletins")
    return NOTICES.validate_python(told["bulletins"])


def in_language(notices: Sequence[Notice], lang: str) -> list[Notice]:
    """Pick the notices of a language, or all where none is asked for; BadInput names those there are."""
    told = [one for one in notices if not lang or _primary(one.language) == _primary(lang)]
    if not told:
        raise BadInput(f"it has no words in {lang!r}; it has {', '.join(one.language for one in notices)}")
    return told


def _primary(tag: str) -> str:
    return tag.lower().partition("-")[0]


def office_of(notice: Notice, agency: str, zone: str, base: str, *, service: bool) -> Office:
    """Say who speaks: who is asked for, else the sender of a CAP file, else this office."""
    settings = Settings.read()
    told = notice.about.agency if notice.about and not service else ""
    title = agency or told or settings.agency
    language = notice.language if _primary(notice.language) in ("id", "en") else "en"
    if not base.startswith(("http://", "https://", "file:///")):
        raise BadInput(f"--base {base!r}: give the http(s) address that the folder is served at")
    wall = zone or (settings.zone if service else _zone_of(notice, settings.zone))
    try:
        ZoneInfo(wall)
    except (ValueError, OSError, KeyError):
        raise BadInput(f"--zone: {zone!r} is not a time zone; try Asia/Pontianak") from None
    country = settings.country if service else "ZZ"  # ISO 3166: of somebody's alert we do not know
    return Office(
        title=title, base=base.rstrip("/"), language=language, zone=wall, code=code_of(title), country=country
    )


def _zone_of(notice: Notice, ours: str) -> str:
    """Go by the clock of whoever sent the alert, where it differs from ours by whole hours."""
    if notice.sent is None or notice.sent.utcoffset() == notice.sent.astimezone(ZoneInfo(ours)).utcoffset():
        return ours
    hours = (notice.sent.utcoffset() or timedelta()).total_seconds() / 3600
    return f"Etc/GMT{-int(hours):+d}" if hours.is_integer() and hours else "Etc/UTC" if not hours else ours


def build(notices: Sequence[Notice], office: Office, folder: Path, own: Own, voice: str) -> list[Built]:
    """Build the kits of an alert, all languages at once, and the feed of them; progress goes to standard error.

    BadInput when nothing can be written there, or one recording would speak several languages.
    """
    if len(notices) > 1 and own.recordings is not None and own.recordings.is_file():
        raise BadInput("a recording is in one language: say which with --lang, and build the others without it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return asyncio.run(_build(notices, office, folder, own, voice))
    except (OSError, Unavailable) as error:
        says = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"{folder}: the kit cannot be written: {says}; free space or choose another --out") from error


async def _build(notices: Sequence[Notice], office: Office, folder: Path, own: Own, voice: str) -> list[Built]:
    now, press = datetime.now(UTC), Press()
    drafted = [(draft(notice, office, now), notice.document) for notice in notices]
    for bulletin, _ in drafted:
        if bulletin.expired(now):
            out.say(
                f"{bulletin.id}: expired at {bulletin.expires:%Y-%m-%d %H:%M %Z}; nobody should air this", aside=True
            )
    try:
        built = await asyncio.gather(*(_one(press, *one, office, folder, own, voice) for one in drafted))
    finally:
        press.close()
    folders = {one.bulletin.guid: one.folder.name for one in built}
    begun = min(bulletin.sent for bulletin, _ in drafted)  # an expired one is listed too: somebody asked for it
    write(folder / "feed.xml", feed(office, [_fed(one) for one in built], begun, lambda b: folders[b.guid]))
    return built


async def _one(
    press: Press, bulletin: Bulletin, document: bytes, office: Office, folder: Path, own: Own, voice: str
) -> Built:
    name = kit_name(bulletin, office)
    order = Order(
        bulletin=bulletin, office=office, into=folder / f".{name}.making", document=document, cart=own.cart,
        key=own.key, lexicon=own.lexicon, rivers=own.rivers, recordings=own.recordings, cache=_cache(),
        feed=f"{office.base}/feed.xml", most=Stage.PAPER if voice == "none" else Stage.NEURAL,
    )  # fmt: skip
    shutil.rmtree(order.into, ignore_errors=True)
    made, took = await _stages(press, order, voice)
    _put(order.into, folder / name)
    return Built(bulletin=bulletin, kit=made, folder=folder / name, took=took, remarks=_remarks(order))


async def _stages(press: Press, order: Order, voice: str) -> tuple[Kit, dict[str, float]]:
    took: dict[str, float] = {}
    made = Kit()
    for stage in _wanted(order, voice):
        began = time.perf_counter()
        try:
            made = await press.run(TIME, kits.make, order, stage)
        except Broken as error:
            made = replace(made, missing=(*made.missing, str(error)))
            out.say(str(error), aside=True)
            continue
        took[stage.name.lower()] = round(time.perf_counter() - began, 2)
        out.say(f"{order.bulletin.language}: {SAID[stage]} after {sum(took.values()):.1f} s", aside=True)
        if made.complete and stage < Stage.WHOLE:  # there is no voice: no further stage makes one
            break
    return made, took


def _wanted(order: Order, voice: str) -> list[Stage]:
    if voice == "none":
        return [Stage.PAPER]
    stages = [Stage.PAPER, Stage.FIRST, Stage.WHOLE]
    better = voice == "best" and order.recordings is None and neural_ready(order.bulletin.language) is None
    return [*stages, Stage.NEURAL] if better else stages


def _put(desk: Path, target: Path) -> None:
    """Put a kit in its place, in place of an older one of the same name."""
    for hidden in [path for path in desk.iterdir() if path.name.startswith(".")]:
        if hidden.name == ".kit.zip":
            hidden.replace(target.with_name(f"{target.name}.zip"))
        elif hidden.is_dir():
            shutil.rmtree(hidden)
        else:
            hidden.unlink()
    shutil.rmtree(target, ignore_errors=True)
    desk.replace(target)


def _cache() -> Path:
    """Keep spoken sentences where a person's caches are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crisis" / "voice"


def _fed(built: Built) -> Bulletin:
    mp3 = built.kit.path("mp3")
    size = (built.folder / mp3).stat().st_size if mp3 else 0
    return replace(built.bulletin, size=size, seconds=built.kit.seconds)


def _remarks(order: Order) -> list[str]:
    return [
        f"{remark.line}: {remark.says}"
        for remark in lint(script_of(order.bulletin, order.office), officer=order.office.language)
    ]


def show(built: Built) -> None:
    """Tell what was built, for people."""
    table = Table(box=None, show_header=False, pad_edge=False)
    bulletin, kit = built.bulletin, built.kit
    table.add_row("kit", str(built.folder))
    table.add_row("for", f"{bulletin.headline} ({bulletin.language}, {bulletin.mode})")
    table.add_row("until", f"{bulletin.expires:%Y-%m-%d %H:%M %z}")
    table.add_row("voice", f"{kit.voice or 'none'}, {kit.seconds:.0f} s on air" if kit.voice else "none")
    table.add_row("files", str(len(kit.files)))
    for says in kit.missing:
        table.add_row("missing", out.plain(says))
    for says in built.remarks:
        table.add_row("script", out.plain(says))
    out.show(table)


def checked(folder: Path, public: str, *, as_json: bool) -> bool:
    """Check a kit and tell what was found; tell whether nothing failed. BadInput where there is no folder."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: is no folder of a kit")
    report = checking.check(folder, datetime.now(UTC), key=public)
    if as_json:
        out.tell(report.as_dict())
        return report.passed
    table = Table("", "check", "found", "wanted", box=None, pad_edge=False)
    for row in report.rows:
        table.add_row(row.verdict, out.plain(row.name), out.plain(row.found), out.plain(row.wanted))
    out.show(table)
    return report.passed


def new_key(path: Path) -> str:
    """Write a new secret key, readable by its owner alone, and give the public one; BadInput over one there is."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as secret:
            secret.write(fresh_key())
    except FileExistsError:
        raise BadInput(f"{path}: is there already; kits signed with it could no longer be checked") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror})") from None
    return Sealer.load(path).public
