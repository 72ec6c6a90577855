"""`python -m deploy.sandbox.run`: the sandbox carriers by themselves, to try `crisis serve` against."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence

from deploy.sandbox.loopback import Fault
from deploy.sandbox.mastodon import MastodonSandbox
from deploy.sandbox.smsc import FAULTS, Smsc
from deploy.sandbox.telegram import TelegramSandbox

LOOK_EVERY = 1.0  # seconds between two looks at what came in
HTTP_FAULTS: tuple[Fault, ...] = ("throttle", "error", "hang", "drop", "refuse")
COMMANDS = """Type:
  sms NUMBER TEXT          a resident writes by SMS
  telegram CHAT TEXT       a resident writes on Telegram
  fault sms|telegram|mastodon NAME|none
                           sms: {sms}
                           others: {http}
Ctrl-C ends."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the carriers on loopback until Ctrl-C, printing the settings that reach them."""
    parser = argparse.ArgumentParser(prog="python -m deploy.sandbox.run", description=__doc__)
    for name, port in (("sms", 2775), ("telegram", 8081), ("mastodon", 8082)):
        parser.add_argument(
            f"--{name}", type=int, default=port, metavar="PORT", help=f"0 takes a free one; else {port}"
        )
    chosen = parser.parse_args(arguments)
    try:
        asyncio.run(_run(chosen.sms, chosen.telegram, chosen.mastodon))
    except OSError as error:
        print(f"the sandbox cannot listen: {error.strerror or error}; choose other ports, see --help", file=sys.stderr)
        return 1
    return 0


async def _run(sms: int, telegram: int, mastodon: int) -> None:
    async with (
        Smsc(sms) as smsc,
        TelegramSandbox(telegram) as bot,
        MastodonSandbox(mastodon) as page,
    ):
        print(f"export CRISIS_EXERCISE_SMS='{smsc.url}'")
        print(f"export CRISIS_EXERCISE_TELEGRAM='{bot.url}?rate=1000'")
        print(f"export CRISIS_EXERCISE_MASTODON='{page.url}'", flush=True)
        print(COMMANDS.format(sms=", ".join(FAULTS), http=", ".join(map(str, HTTP_FAULTS))), file=sys.stderr)
        await _until_stopped(smsc, bot, page)


async def _until_stopped(smsc: Smsc, bot: TelegramSandbox, page: MastodonSandbox) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    parts = [asyncio.create_task(_obey(smsc, bot, page)), asyncio.create_task(_report(smsc, bot, page))]
    await stop.wait()
    for part in parts:
        part.cancel()


async def _report(smsc: Smsc, bot: TelegramSandbox, page: MastodonSandbox) -> None:
    """Tell how much has come in, and the newest text, whenever it has grown."""
    before = (0, 0, 0)
    while True:
        await asyncio.sleep(LOOK_EVERY)
        now = (len(smsc.submitted), len(bot.sent), len(page.posts))
        if now != before:
            before = now
            newest = [texts[-1].text for texts in (smsc.submitted, bot.sent, page.posts) if texts]
            print(f"sms {now[0]}, telegram {now[1]}, mastodon {now[2]}: {newest[0]!r}", file=sys.stderr)


async def _obey(smsc: Smsc, bot: TelegramSandbox, page: MastodonSandbox) -> None:
    reader = asyncio.StreamReader()
    with contextlib.suppress(OSError, ValueError):  # no terminal and no pipe: there is nobody to obey
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := (await reader.readline()).decode(errors="replace").strip():
            try:
                await _do(line.split(" ", 2), smsc, bot, page)
            except (ValueError, TimeoutError) as error:
                print(f"not done: {error}", file=sys.stderr)


async def _do(words: list[str], smsc: Smsc, bot: TelegramSandbox, page: MastodonSandbox) -> None:
    match words:
        case ["sms", _, _] if not smsc.hearing:
            raise ValueError("no service is connected by SMPP")
        case ["sms", number, text]:
            await smsc.write(number, "BPBD", text)
        case ["telegram", chat, text]:
            await bot.write(chat, text)
        case ["fault", "sms", name]:
            smsc.fault = None if name == "none" else name
        case ["fault", ("telegram" | "mastodon") as carrier, name]:
            found = next((fault for fault in HTTP_FAULTS if fault == name), None)
            if found is None and name != "none":
                raise ValueError(f"there is no fault {name!r}")
            (bot if carrier == "telegram" else page).fault = found
        case _:
            raise ValueError("that is none of the commands")


if __name__ == "__main__":
    sys.exit(main())
