"""What must have happened, judged by what the carriers saw and not by what the service says of itself."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from crisis.cap.verify import SignatureState, verify
from deploy.demo_district import Resident
from deploy.demo_scene import Scene
from deploy.demo_timeline import Round

MARKS = ("LATIHAN", "EXERCISE")
POSTED = ("mastodon", "page", "radio")
NO_RECEIPTS = ("telegram", *POSTED)


def reached_all(scene: Scene, stage: str, one: Round) -> None:
    """Check that an alert went to everyone it is for, once, and to nobody else."""
    expected = expected_of(scene, stage)
    sent = {"sms": _phones(scene, stage), "telegram": _chats(scene, stage)}
    for channel, people in expected.items():
        wanted = Counter({(p.address.removeprefix("+"), _words(scene, stage, channel, p)): 1 for p in people})
        seen = sent[channel]
        wrong = (wanted - seen) + (seen - wanted)
        says = f"{stage}: each of {len(people)} residents on {channel} got exactly the approved words, once"
        scene.timeline.check(says, not wrong, f"{len(wrong)} differ")
        counts = one.channels[channel]
        held = counts["accepted"] == counts["audience"] == len(people)
        scene.timeline.check(f"{stage}: {channel} counts {len(people)} accepted", held, counts["accepted"])
    twice = sum(counts["twice"] for counts in one.channels.values())
    scene.timeline.check(f"{stage}: nothing was sent twice", twice == 0, twice)
    _posted(scene, stage, one)
    _honest(scene, stage, one)


def expected_of(scene: Scene, stage: str) -> dict[str, list[Resident]]:
    """Give who must get the alert of a stage: later ones not those who left."""
    left = None if stage == "siaga" else scene.timeline.facts.get("left")
    return {
        channel: [person for person in scene.warned(channel) if person.address != left]
        for channel in ("sms", "telegram")
    }


def _words(scene: Scene, stage: str, channel: str, person: Resident) -> str:
    words: str = scene.alerts[stage]["notices"][channel][person.language]
    return words


def _phones(scene: Scene, stage: str) -> Counter[tuple[str, str]]:
    mine = set(scene.alerts[stage]["notices"]["sms"].values())
    seen = ((text.destination.removeprefix("+"), text.text) for text in scene.smsc.submitted)
    return Counter((number, text) for number, text in seen if text in mine)


def _chats(scene: Scene, stage: str) -> Counter[tuple[str, str]]:
    mine = set(scene.alerts[stage]["notices"]["telegram"].values())
    return Counter((sent.chat_id, sent.text) for sent in scene.telegram.sent if sent.text in mine)


def _posted(scene: Scene, stage: str, one: Round) -> None:
    for channel in POSTED:
        counts = one.channels[channel]
        held = counts["accepted"] == counts["audience"] == 2
        scene.timeline.check(f"{stage}: {channel} carries both languages", held, counts["accepted"])


def _honest(scene: Scene, stage: str, one: Round) -> None:
    sms = one.channels["sms"]
    off = sum(scene.smsc.undeliverable(person.address) for person in expected_of(scene, stage)["sms"])
    held = (sms["delivered"], sms["undelivered"]) == (sms["accepted"] - off, off)
    told = f"{sms['delivered']} delivered, {sms['undelivered']} not"
    scene.timeline.check(f"{stage}: the {off} phones that are switched off are not called delivered", held, told)
    claimed = sum(one.channels[channel]["delivered"] for channel in NO_RECEIPTS)
    scene.timeline.check(f"{stage}: no delivery is claimed where a channel gives no receipts", claimed == 0, claimed)


def outage(scene: Scene, one: Round) -> None:
    """Check that the carrier that failed held up nobody else, and that its residents got the alert after all."""
    recovered = datetime.fromisoformat(scene.timeline.facts["recovered"])
    down = (recovered - one.released).total_seconds()
    others = one.seconds("sms", *POSTED)
    says = "while Telegram was down all other channels finished"
    scene.timeline.check(says, others < down, f"they took {others:.2f} s, it was down {down:.2f} s")
    first = datetime.fromisoformat(one.channels["telegram"]["first_accepted"])
    scene.timeline.check("Telegram accepted nothing while it was down", first >= recovered, first)


def afterwards(scene: Scene) -> None:
    """Check the whole story once it is over."""
    _silence(scene)
    _marked(scene)
    _threads(scene)
    _references(scene)
    _signed(scene)
    intended = scene.timeline.facts.pop("misplaced")
    scene.timeline.check("the made-up residents live where the story says", intended == 0, intended)
    left, heard = scene.timeline.facts.pop("left", None), scene.timeline.facts.pop("left_heard", -1)
    now = len(scene.sms_to(left or ""))
    scene.timeline.check("who wrote BERHENTI hears nothing more", left and now == heard, f"{now - heard} more")


def _silence(scene: Scene) -> None:
    silent = {person.address.removeprefix("+") for person in scene.people if not person.warned}
    heard = {text.destination.removeprefix("+") for text in scene.smsc.submitted}
    heard |= {sent.chat_id for sent in scene.telegram.sent}
    says = f"none of the {len(silent)} residents outside or not enrolled for exercises heard anything"
    scene.timeline.check(says, not silent & heard, f"{len(silent & heard)} did")


def _marked(scene: Scene) -> None:
    texts = [text.text for text in scene.smsc.submitted] + [sent.text for sent in scene.telegram.sent]
    texts += [post.text for post in scene.mastodon.posts] + list(scene.caps.values())
    bare = [text for text in texts if not any(mark in text for mark in MARKS)]
    says = f"every one of {len(texts)} texts says that it is an exercise"
    scene.timeline.check(says, not bare, bare[:1])


def _threads(scene: Scene) -> None:
    """Check that each follow-up stands under the post before it in its own language."""
    posts = {post.id: post for post in scene.mastodon.posts}
    replies = [post for post in posts.values() if post.in_reply_to_id]
    held = len(posts) == 6 and len(replies) == 4
    held = held and all(posts[reply.in_reply_to_id].language == reply.language for reply in replies)
    scene.timeline.check(
        "on Mastodon the follow-ups stand under the first posts", held, f"{len(posts)}, {len(replies)}"
    )


def _references(scene: Scene) -> None:
    read = {stage: _read(cap) for stage, cap in scene.caps.items()}
    said = {stage: (one["msgType"], one["status"]) for stage, one in read.items()}
    wanted = {"siaga": ("Alert", "Exercise"), "awas": ("Update", "Exercise"), "all-clear": ("Update", "Exercise")}
    scene.timeline.check("the CAP files are Alert, Update and Update, all Exercise", said == wanted, said)
    first = scene.alerts["siaga"]["identifier"]
    held = all(first in (read[stage]["references"] or "") for stage in ("awas", "all-clear"))
    scene.timeline.check("each later CAP file refers to the first", held, read["all-clear"]["references"])


def _signed(scene: Scene) -> None:
    """Check the signatures as a receiver does who has pinned the office's certificate."""
    pinned, now = scene.timeline.facts.pop("certificate", ""), datetime.now(UTC)
    verdicts = {stage: verify(cap.encode(), pinned, now) for stage, cap in scene.caps.items()}
    held = all(one.state is SignatureState.VALID for one in verdicts.values())
    scene.timeline.check("every CAP file is signed by the office", held, {s: v.says for s, v in verdicts.items()})


def _read(cap: str) -> dict[str, Any]:
    root = etree.fromstring(cap.encode(), etree.XMLParser(resolve_entities=False))
    return {name: root.findtext(f"{{*}}{name}") for name in ("msgType", "status", "references")}
