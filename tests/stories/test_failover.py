"""A resident whom the first channel does not reach is warned on the next; one who was reached is left alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crisis.flow import failover
from tests.stories.town import Hands, Town, open_town

ROOT = Path(__file__).parents[2]
PEOPLE = 20


async def settle(town: Town, count: int, chats_only: int = 0) -> None:
    """Bring in residents with a number and a chat each, and some with a chat alone, as an office's file has them."""
    people = [f"+62812{n:08d},sms,id,61.01,yes,{n % 10},yes,W-{n}" for n in range(count)]
    people += [f"{5000 + n},telegram,id,61.01,yes,{n % 10},yes,W-{n}" for n in range(count + chats_only)]
    await town.settle("\n".join(["address,channel,language,area,consent,risk,exercise,person", *people]))


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def town(dsn: str, tmp_path: Path, free_port: Callable[[], int], hands: Hands) -> AsyncIterator[Town]:
    """A town whose flood playbook warns on one channel after another."""
    books = tmp_path / "playbooks"
    books.mkdir()
    for path in (ROOT / "playbooks").glob("*.yaml"):
        text = path.read_text()
        if path.stem == "flood":
            text = text.replace("\nmax_population:", "\nfailover: {after: 2 min, levels: [siaga]}\nmax_population:")
        (books / path.name).write_text(text)
    async with open_town(dsn, tmp_path, free_port(), hands, CRISIS_PLAYBOOKS=str(books)) as town:
        yield town


def chats(town: Town) -> list[int]:
    """The chats that were written to."""
    return sorted(int(sent.chat_id) for sent in town.telegram.sent)


async def test_a_resident_whose_sms_fails_gets_it_by_telegram(town: Town) -> None:
    """The carrier says UNDELIV for two: those two are warned by Telegram, in words, once, and it is told."""
    town.smsc.undeliverable = lambda number: number.endswith("7")
    await settle(town, PEOPLE)
    drafted = await town.trigger()
    assert drafted["facts"]["failover"] == {"order": ["sms", "telegram"], "after": 120}
    alert = await town.approve(drafted)
    told = await town.until(lambda p: p["telegram"]["accepted"] == 2 and p["sms"]["undecided"] == 0, alert["id"])
    assert (told["sms"]["audience"], told["sms"]["delivered"], told["sms"]["undelivered"]) == (20, 18, 2)
    assert (told["sms"]["failed_over"], told["telegram"]["audience"]) == (2, 2)
    assert chats(town) == [5007, 5017]
    told = await town.done(alert["id"])
    assert told["telegram"]["state"] == "done"


async def test_silence_past_its_time_moves_on_to_the_next_channel(town: Town, hands: Hands) -> None:
    """The carrier takes nothing: for two minutes nobody is moved, then everybody is."""
    town.smsc.fault = "throttle"
    await settle(town, PEOPLE)
    alert = await town.approve(await town.trigger())
    told = await town.until(lambda p: p["sms"]["undecided"] == PEOPLE, alert["id"])
    assert (told["telegram"]["audience"], chats(town)) == (0, [])
    hands.ahead = timedelta(minutes=2, seconds=1)
    told = await town.until(lambda p: p["telegram"]["accepted"] == PEOPLE, alert["id"])
    assert told["sms"]["failed_over"] == PEOPLE
    assert chats(town) == [5000 + n for n in range(PEOPLE)]


async def test_a_delivered_resident_is_not_sent_to_twice(town: Town, hands: Hands) -> None:
    """All arrive: nobody is moved on, however late it gets, and nobody hears it on two channels."""
    await settle(town, PEOPLE, chats_only=1)
    alert = await town.approve(await town.trigger())
    await town.until(lambda p: p["sms"]["delivered"] == PEOPLE, alert["id"])
    hands.ahead = timedelta(minutes=5)
    told = await town.until(lambda p: all(d["undecided"] == 0 for d in p.values()), alert["id"])
    assert (told["sms"]["failed_over"], told["telegram"]["audience"]) == (0, 1)
    assert chats(town) == [5000 + PEOPLE]  # who has no number is warned where they can be


async def test_nobody_is_moved_on_after_a_cancel(town: Town, hands: Hands) -> None:
    """The dispatch of the next channel was done, and stays so when its alert is cancelled."""
    town.smsc.fault = "throttle"
    await settle(town, PEOPLE)
    alert = await town.approve(await town.trigger())
    await town.until(lambda p: p["sms"]["undecided"] == PEOPLE, alert["id"])
    body = {"purpose": "cancel", "reason": "salah"}
    follow = await town.must("Rina", "POST", f"/api/v1/alerts/{alert['id']}/follow", body)
    await town.approve(follow)
    hands.ahead = timedelta(minutes=3)
    await failover.look_around(town.service.house.pool, set(), hands.now)
    assert chats(town) == []


async def test_other_levels_and_every_ending_leave_by_all_channels_at_once(town: Town) -> None:
    """The rule is for siaga: awas goes everywhere, as it did."""
    await settle(town, 3)
    drafted: dict[str, Any] = await town.trigger(level="awas")
    assert "failover" not in drafted["facts"]
    told = await town.done((await town.approve(drafted))["id"])
    assert (told["sms"]["accepted"], told["telegram"]["accepted"]) == (3, 3)
