"""Radio kits without the service: built from a CAP file, or from an alert of the service, checked, and words said."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from crisis.cli import out
from crisis.cli.options import AsJson
from crisis.errors import BadInput

app = typer.Typer(no_args_is_help=True, help="Build and check radio kits, and hear how words will be said.")

Voice = Literal["best", "espeak", "none"]
Cap = Annotated[
    Path | None, typer.Option("--cap", metavar="FILE", help="A CAP file, anybody's; - is stdin.", show_default=False)
]
FromAlert = Annotated[
    int | None, typer.Option("--alert", metavar="ID", min=1, help="An alert of the service.", show_default=False)
]
Lang = Annotated[str, typer.Option("--lang", help="Only this language, such as id; default: every one it has.")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the kits are put.")]


@app.command()
def build(  # noqa: PLR0917 - options, each given by name
    out_dir: Out,
    cap: Cap = None,
    alert: FromAlert = None,
    lang: Lang = "",
    as_json: AsJson = False,
    voice: Annotated[Voice, typer.Option(help="best: the neural voice where it is installed.")] = "best",
    agency: Annotated[str, typer.Option(help="Who speaks; default: the CAP file's sender, or CRISIS_AGENCY.")] = "",
    zone: Annotated[str, typer.Option(help="The clock on the station's wall; default: CRISIS_ZONE.")] = "",
    base: Annotated[str, typer.Option(help="The web address of DIR, for the feed.")] = "",
    cart: Annotated[int | None, typer.Option(min=1, max=999_999, help="The station's cart number.")] = None,
    key: Annotated[Path | None, typer.Option(help="Signs the sums; see `crisis radio keygen`.")] = None,
    lexicon: Annotated[Path | None, typer.Option(help="Names and how they are said, beside ours.")] = None,
    rivers: Annotated[Path | None, typer.Option(help="GeoJSON drawn on the map: rivers, roads.")] = None,
    recording: Annotated[Path | None, typer.Option(help="A person's reading, WAV; in place of a voice.")] = None,
) -> None:
    """Build a station's kit of an alert in each language: folder, ZIP and feed; tells what could not be made."""
    from crisis.cli import kits  # noqa: PLC0415 - slow to load, only needed here

    if (cap is None) == (alert is None):
        raise BadInput("give one of --cap FILE and --alert ID")
    found = kits.of_file(cap) if cap is not None else kits.of_service(alert or 0)
    told = kits.in_language(found, lang)
    office = kits.office_of(told[0], agency, zone, base or out_dir.resolve().as_uri(), service=alert is not None)
    own = kits.Own(cart=cart, key=key, lexicon=lexicon, rivers=rivers, recordings=recording)
    built = kits.build(told, office, out_dir, own, voice)
    if as_json:
        out.tell([one.as_dict() for one in built])
    else:
        for one in built:
            kits.show(one)


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the kits of the service that are in force: how far each is made, and what it lacks."""
    from crisis.cli import kits_list  # noqa: PLC0415

    kits_list.show(as_json=as_json)


@app.command()
def say(
    lang: Annotated[str, typer.Option("--lang", help="The language of the lines: id or en.")],
    as_json: AsJson = False,
    lexicon: Annotated[Path | None, typer.Option(help="Names and how they are said, beside ours.")] = None,
) -> None:
    """Tell how lines will be said: lines in on standard input, what will be spoken out, one line each."""
    from crisis.cli import radio_say  # noqa: PLC0415

    radio_say.say(lang, as_json=as_json, lexicon=lexicon)


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A kit's folder.")],
    as_json: AsJson = False,
    public: Annotated[str, typer.Option("--key", help="The office's public key, as `radio keygen` printed it.")] = "",
) -> None:
    """Check a kit: sums, signature, validity, marks, loudness, tones, papers; the exit code is 1 if one fails."""
    from crisis.cli import kits  # noqa: PLC0415

    if not kits.checked(folder, public, as_json=as_json):
        raise typer.Exit(1)


@app.command()
def keygen(
    path: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where the secret key is written; never over one.")
    ],
) -> None:
    """Make the key that signs kits' sums, and print the public one, which stations check with: `minisign -V -P KEY`."""
    from crisis.cli import kits  # noqa: PLC0415

    out.say(kits.new_key(path))
