"""The inbox: what residents asked or reported, and the answers of officers; and the alarms officers must see."""

from __future__ import annotations

from typing import Annotated

import typer

from crisis.cli import lists, out
from crisis.cli.office import desk
from crisis.cli.options import AsJson, InquiryId

app = typer.Typer(no_args_is_help=True, help="What residents asked or reported.")
alarm = typer.Typer(no_args_is_help=True, help="What officers must see.")

UNANSWERED = "received,open,assigned,waiting,referred,escalated"

States = Annotated[str, typer.Option("--state", help="States to show, split by commas, or `all`.")]
AlarmId = Annotated[int, typer.Argument(metavar="ID", min=1, help="The alarm's number; see `crisis alarm list`.")]


@app.command("list")
def list_inquiries(state: States = UNANSWERED, as_json: AsJson = False) -> None:
    """List inquiries, those in danger first."""
    here = desk()
    found = here.client.ask("GET", "/inquiries", state="" if state == "all" else state)
    out.tell(found) if as_json else out.show(lists.inquiries(found, here.zone))


@app.command()
def answer(
    inquiry: InquiryId,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The answer; it leaves as you write it.")],
    as_json: AsJson = False,
) -> None:
    """Answer a resident on the channel the question came from."""
    done = desk().client.ask("POST", f"/inquiries/{inquiry}/answer", {"text": text})
    out.tell(done) if as_json else out.say(f"inquiry {inquiry} is answered; the answer is on its way")


@app.command()
def assign(inquiry: InquiryId, as_json: AsJson = False) -> None:
    """Take an inquiry, so that others see who has it."""
    done = desk().client.ask("POST", f"/inquiries/{inquiry}/assign")
    out.tell(done) if as_json else out.say(f"inquiry {inquiry} is with {done['assigned_to']}")


@app.command()
def close(inquiry: InquiryId, as_json: AsJson = False) -> None:
    """Close an inquiry."""
    done = desk().client.ask("POST", f"/inquiries/{inquiry}/close")
    out.tell(done) if as_json else out.say(f"inquiry {inquiry} is closed")


@alarm.command("list")
def list_alarms(
    everything: Annotated[bool, typer.Option("--all", help="Those already seen too.")] = False, as_json: AsJson = False
) -> None:
    """List alarms that nobody has seen yet."""
    here = desk()
    found = here.client.ask("GET", "/alarms", all="1" if everything else "0")
    out.tell(found) if as_json else out.show(lists.alarms(found, here.zone))


@alarm.command()
def seen(alarm_id: AlarmId, as_json: AsJson = False) -> None:
    """Say that you have read an alarm."""
    done = desk().client.ask("POST", f"/alarms/{alarm_id}/seen")
    out.tell(done) if as_json else out.say(f"alarm {alarm_id} was seen by {done['seen_by']}")
