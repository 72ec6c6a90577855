"""CAP documents without the service: checked, read into plain records, written strictly, compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from crisis.cli import out, signature
from crisis.cli.options import AsJson
from crisis.errors import BadInput

app = typer.Typer(no_args_is_help=True, help="Check, read, write and compare CAP alerts and feeds of them.")

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE_OR_FOLDER...", help="CAP, Atom, RSS or EDXL-DE; folders with all in them; - is stdin."
    ),
]
Profile = Annotated[
    str, typer.Option("--profile", help="Check this profile's rules too.", metavar="NAME", show_default=False)
]
File = Annotated[str, typer.Argument(metavar="FILE", help="A CAP file, or a record as `cap read --json` prints it.")]
Out = Annotated[Path | None, typer.Option("--out", help="Write to this file; default: print.", show_default=False)]
AROUND = ("file", "where", "warnings")  # what `cap read --json` adds to a record


@app.command()
def check(files: Files, as_json: AsJson = False, profile: Profile = "") -> None:
    """Check files against every rule of CAP 1.2; the exit code is 1 if one is invalid or cannot be read.

    With --json one line a file: valid, warn, invalid or refused, with each rule broken and its place.
    """
    from crisis.cli import cap_files, cap_shown, cap_verdict  # noqa: PLC0415 - slow to load, only needed here

    if profile:
        _known(profile)
    counts: dict[str, int] = {}
    bad = False
    for file in cap_files.found(files):
        judged = cap_verdict.refused(file.name, file.fault) if file.fault else None
        verdict = judged or cap_verdict.judge(file.name, file.raw, profile)
        bad = bad or not verdict.good
        counts[verdict.verdict] = counts.get(verdict.verdict, 0) + 1
        if file.fault:
            out.say(file.fault, aside=True)
        if as_json:
            out.tell(verdict.as_dict(), line=True)
        elif not file.fault:
            cap_shown.verdict(verdict)
    if not as_json and sum(counts.values()) > 1:
        out.say(cap_shown.counted(counts))
    if bad:
        raise typer.Exit(1)


@app.command()
def read(files: Files, as_json: AsJson = False) -> None:
    """Read files as the service would, whatever is wrong with them, and show what was understood.

    With --json one alert a line. Links of a feed are not followed. The exit code is 1 if something was refused.
    """
    from crisis.cli import cap_files, cap_shown  # noqa: PLC0415

    bad = False
    for file in cap_files.found(files):
        faults = [file.fault] if file.fault else cap_shown.alerts(file.name, file.raw, as_json=as_json)
        for fault in faults:
            out.say(fault, aside=True)
        bad = bad or bool(faults)
    if bad:
        raise typer.Exit(1)


@app.command()
def write(file: File, to: Out = None) -> None:
    """Write strict CAP 1.2 from a record or a CAP file, or tell every rule it breaks."""
    from crisis.cap import write as strict  # noqa: PLC0415
    from crisis.cli import cap_files  # noqa: PLC0415

    xml = strict.write(_alert(file, cap_files.one(file)))
    if to is None:
        out.say(xml.decode().rstrip("\n"))
        return
    try:
        to.write_bytes(xml)
    except OSError as error:
        raise BadInput(f"{to}: cannot be written: {error.strerror or error}") from None


@app.command()
def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The earlier alert.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The later alert.")],
    as_json: AsJson = False,
) -> None:
    """Tell what changed from one alert to the next: words, times, grades, area."""
    from crisis.cap.diff import diff as compared  # noqa: PLC0415
    from crisis.cli import cap_files, cap_shown  # noqa: PLC0415

    was, now = _alert(old, cap_files.one(old)), _alert(new, cap_files.one(new))
    cap_shown.changes(was, now, compared(was, now), as_json=as_json)


def _known(profile: str) -> None:
    from crisis.cap.profiles import PROFILES  # noqa: PLC0415

    if profile not in PROFILES:
        raise BadInput(f"--profile: there is no profile '{profile}'; there are {', '.join(PROFILES)}")


def _alert(file: str, raw: bytes) -> Any:
    """Give the one alert of a file: a record in JSON, or a document that holds exactly one."""
    from crisis.cap.document import read_document  # noqa: PLC0415
    from crisis.cap.record import from_record  # noqa: PLC0415
    from crisis.cap.xml import BOM  # noqa: PLC0415
    from crisis.cli import cap_shown  # noqa: PLC0415

    try:
        if raw.removeprefix(BOM).lstrip().startswith(b"{"):
            return from_record({name: value for name, value in _parsed(raw).items() if name not in AROUND})
        entries = read_document(raw).entries
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{file}: is not a JSON record: {error}") from None
    except BadInput as error:
        raise BadInput("\n".join(f"{file}: {line}" for line in str(error).splitlines())) from None
    alerts = [entry for entry in entries if entry.alert is not None]
    if len(alerts) != 1:
        raise BadInput(
            f"{file}: holds {len(alerts)} alerts, not one; take the one you mean with `crisis cap read --json`"
        )
    cap_shown.mended(file, alerts[0])
    return alerts[0].alert


def _parsed(raw: bytes) -> dict[str, Any]:
    """Parse one JSON object; half a surrogate pair is refused here, as nothing could be printed with it."""
    record: dict[str, Any] = json.loads(raw)
    json.dumps(record, ensure_ascii=False).encode()
    return record


signature.register(app)
