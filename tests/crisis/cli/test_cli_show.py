"""What officers are shown, asked and told, as pure words."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console, RenderableType

from crisis.cli import lists, out, show, stream
from crisis.cli.client import Client, NoAnswer
from crisis.cli.launch import parse_slots, parse_time, question, what_now
from crisis.cli.stream import parse
from crisis.errors import BadInput, NotAllowed

ZONE = ZoneInfo("Asia/Pontianak")


def printed(renderable: RenderableType, *, colour: bool = False) -> str:
    """Give what a terminal would be sent."""
    stream = io.StringIO()
    Console(file=stream, width=160, force_terminal=colour, color_system="standard" if colour else None).print(
        renderable
    )
    return stream.getvalue()


def inquiry(text: str, *, priority: int = 3) -> dict[str, Any]:
    """One inquiry as the API tells it."""
    return {
        "id": 7, "account": "sms", "state": "open", "priority": priority, "language": "id", "from": "+62…42",
        "text": text, "why": "", "alert": None, "received_at": "2026-11-21T12:30:00+00:00", "assigned_to": None,
        "answers": [],
    }  # fmt: skip


@pytest.mark.parametrize("sign", ["\x1b", "\x07", "\x08", "\r", "\x9b", "\u202e", "\u2066"])
def test_what_a_resident_writes_cannot_steer_the_terminal(sign: str) -> None:
    """Signs that move, colour or reorder are replaced, on the screen and in JSON."""
    assert sign not in printed(lists.inquiries([inquiry(f"tolong {sign}[2J air")], ZONE))
    assert "tolong" in printed(lists.inquiries([inquiry(f"tolong {sign}[2J air")], ZONE))
    assert sign not in out.plain(f"a{sign}b")


def test_markup_in_what_a_resident_writes_is_text() -> None:
    """Brackets mean nothing to us."""
    assert "[red]air[/nope] :fire:" in printed(lists.inquiries([inquiry("[red]air[/nope] :fire:")], ZONE))


def test_json_for_machines_holds_no_sign_that_steers(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON keeps every letter and reads back to the same, but is safe to look at."""
    out.tell({"text": "é \x9b2J \u202e \x1b"})
    printed_text = capsys.readouterr().out
    assert "é" in printed_text
    assert not {"\x9b", "\u202e", "\x1b"} & set(printed_text)
    assert json.loads(printed_text) == {"text": "é \x9b2J \u202e \x1b"}


def test_each_mode_has_its_own_words_and_colour() -> None:
    """Nobody takes a drill for the real thing, in colour or without."""
    shown = {mode: printed(show.banner(mode), colour=True) for mode in ("Actual", "Exercise", "Test")}
    assert len(set(shown.values())) == 3
    assert all(mode.upper() in text for mode, text in shown.items())
    assert len({text.split("m")[0] for text in shown.values()}) == 3  # the colour itself


def test_times_are_told_with_their_zone() -> None:
    """An officer reads local time and sees that it is."""
    assert show.when("2026-11-21T12:30:00+00:00", ZONE) == "2026-11-21 19:30 WIB"
    assert show.when(None, ZONE) == "-"


@pytest.mark.parametrize(
    ("purpose", "verb", "asked"),
    [
        ("alert", "Submit", "Submit ACTUAL flood siaga to 41,200 addresses in Sungai Raya?"),
        ("all_clear", "Submit", "Submit ACTUAL all-clear of flood siaga to 41,200 addresses in Sungai Raya?"),
    ],
)
def test_the_question_is_made_of_the_facts(purpose: str, verb: str, asked: str) -> None:
    """What an officer agrees to is in the question."""
    shown = {
        "playbook": "flood", "level": "siaga", "mode": "Actual", "purpose": purpose,
        "audience": {"addresses": 41200}, "area": {"desc": "Sungai Raya"},
    }  # fmt: skip
    assert question(shown, verb) == asked


@pytest.mark.parametrize("rule", [None, {"order": ["telegram", "sms"], "after": 120}], ids=["at once", "by turns"])
def test_what_counts_every_address_says_so_where_residents_are_warned_by_turns(rule: dict[str, Any] | None) -> None:
    """With failover most are sent to on one channel: the preview and the question tell the most there can be."""
    doc = {
        "playbook": "flood", "level": "siaga", "version": 1, "mode": "Actual", "purpose": "alert", "msgType": "Alert",
        "cap": {"urgency": "Immediate", "severity": "Severe", "certainty": "Observed"}, "source": "x", "failover": rule,
        "area": {"desc": "Sungai Raya", "km2": 3.0, "areas": 1}, "cost": 1500.5, "expires": None, "next_update": None,
        "audience": {"addresses": 41200, "by_channel": {"sms": 41200}, "by_language": {"id": 41200}},
        "words_hash": "h", "renditions": [], "refusals": [],
    }  # fmt: skip
    said = printed(show.preview(doc, ZONE)) + question(doc, "Release")
    for count in ("41,200 addresses, as each", "1,500.5, as each", "41,200 addresses in Sungai Raya?"):
        assert (f"at most {count}" in said) == (rule is not None), count


def test_progress_never_says_delivered_without_a_receipt() -> None:
    """Accepted and delivered are two columns, and the time to the first is from the release."""
    row = {
        "channel": "sms", "account": "sms", "state": "sending", "stopped": None, "audience": 2000, "accepted": 1500,
        "delivered": 0, "retrying": 3, "refused": 2, "unknown": 1, "trouble": "throttled",
        "first_accepted": "2026-11-21T12:30:00.250000+00:00",
    }  # fmt: skip
    said = printed(show.progress([row], "2026-11-21T12:30:00+00:00"))
    head, cells = (line for line in said.splitlines() if "channel" in line or "throttled" in line)
    values = [cell.strip() for cell in cells.strip("│").split("│")]
    names = [cell.strip() for cell in head.strip("┃").split("┃")]
    told = dict(zip(names, values, strict=True))
    assert told["accepted"] == "1,500"
    assert told["delivered"] == "0"
    assert told["first"] == "0.2 s"


@pytest.mark.parametrize("given", [["x"], ["=1"], ["a=1", "a=2"], [" =1"]])
def test_a_slot_without_name_or_value_or_twice_is_refused(given: list[str]) -> None:
    """Nothing an officer typed is silently dropped."""
    with pytest.raises(BadInput, match="--set"):
        parse_slots(given)


def test_slots_are_taken_as_typed() -> None:
    """Only the first = divides; lists are the service's to split."""
    assert parse_slots(["shelters=SDN 05; Masjid", "note=a=b", "river="]) == {
        "shelters": "SDN 05; Masjid", "note": "a=b", "river": "",
    }  # fmt: skip


@pytest.mark.parametrize("given", ["2026-11-21", "2026-11-21T21:00", "tomorrow", "", "2026-13-01T00:00+07:00"])
def test_an_expiry_without_zone_is_refused(given: str) -> None:
    """21:00 is a different moment in Pontianak and in Makassar."""
    with pytest.raises(BadInput, match="write it like"):
        parse_time(given)


def test_an_expiry_with_zone_is_taken() -> None:
    """Any zone will do."""
    assert parse_time("2026-11-21T21:00+07:00") == "2026-11-21T21:00:00+07:00"
    assert parse_time("2026-11-21T14:00Z") == "2026-11-21T14:00:00+00:00"


@pytest.mark.parametrize("state", ["draft", "pending", "returned", "live", "rejected"])
def test_an_alert_is_told_with_what_comes_next(state: str) -> None:
    """Nobody is left guessing which command is next; a dead end has none."""
    assert ("`crisis alert" in what_now({"id": 4, "state": state})) == (state != "rejected")


def test_a_stream_is_read_event_by_event_and_a_torn_one_dropped() -> None:
    """What is cut off in the middle is not half believed."""
    raw = b'event: progress\ndata: {"a": 1}\n\n: hello\n\nevent:end\ndata:{"a":\ndata: 2}\n\nevent: end\ndata: {"a"'
    assert list(parse(io.BytesIO(raw))) == [("progress", {"a": 1}), ("end", {"a": 2})]


class _Door(BaseHTTPRequestHandler):
    """Answers each request with the next of the server's replies: bytes as they are, or a drop for none."""

    def do_GET(self) -> None:
        replies: list[bytes | None] = self.server.replies  # type: ignore[attr-defined]
        reply = replies.pop(0)
        if reply is not None:
            self.wfile.write(reply)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def door() -> Iterator[HTTPServer]:
    """A real server on loopback that answers what a test puts into `replies`."""
    with HTTPServer(("127.0.0.1", 0), _Door) as server:
        server.replies = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def reply(status: str, body: str, *, kind: str = "application/json") -> bytes:
    """An HTTP/1.0 reply; the connection's end is its end."""
    return f"HTTP/1.0 {status}\r\nContent-Type: {kind}\r\n\r\n{body}".encode()


def client(door: HTTPServer) -> Client:
    """A client of that server."""
    return Client(url=f"http://127.0.0.1:{door.server_port}", token="t")


def test_a_request_with_a_key_is_repeated_until_it_is_answered(door: HTTPServer) -> None:
    """A connection that drops is asked again, as the key makes it the same request."""
    door.replies += [None, reply("200 OK", '{"id": 3}')]  # type: ignore[attr-defined]
    assert client(door).ask("POST", "/alerts", {}, key="k") == {"id": 3}


def test_a_request_without_a_key_is_never_repeated(door: HTTPServer) -> None:
    """What may have been done is not done twice; the sentence says that it may have been."""
    door.replies += [None, reply("200 OK", '{"id": 3}')]  # type: ignore[attr-defined]
    with pytest.raises(NoAnswer, match="may or may not have done"):
        client(door).ask("POST", "/alerts/1/approve", {})
    assert len(door.replies) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("status", "body", "kind", "says"),
    [
        ("403 Forbidden", '{"error": "not you"}', NotAllowed, "not you"),
        (
            "400 Bad",
            '{"error": "x", "faults": [{"file": "f", "line": 3, "field": "a", "says": "b"}]}',
            BadInput,
            "f:3: a: b",
        ),
        ("302 Found", "", Exception, "check CRISIS_URL"),
        ("200 OK", "<html>", Exception, "check CRISIS_URL"),
        ("500 Oops", '{"error": "the service failed here"}', Exception, "the service failed here"),
    ],
)
def test_what_the_service_refuses_is_told_in_its_words(
    door: HTTPServer, status: str, body: str, kind: type[Exception], says: str
) -> None:
    """A fault crosses the wire as itself; a page of somebody else's points to the setting."""
    door.replies += [reply(status, body)]  # type: ignore[attr-defined]
    with pytest.raises(kind, match=says):
        client(door).ask("GET", "/me")


async def test_a_follower_outlives_a_service_that_restarts(door: HTTPServer) -> None:
    """A stream that ends without `end`, and one that is refused, are opened again."""
    first = reply("200 OK", 'event: progress\ndata: {"n": 1}\n\n', kind="text/event-stream")
    last = reply("200 OK", 'event: end\ndata: {"n": 2}\n\n', kind="text/event-stream")
    door.replies += [first, None, reply("503 Away", '{"error": "away"}'), last]  # type: ignore[attr-defined]
    async with asyncio.timeout(20):
        told = await asyncio.to_thread(list, stream.follow(client(door), "/alerts/1/events"))
    assert told == [("progress", {"n": 1}), ("end", {"n": 2})]
