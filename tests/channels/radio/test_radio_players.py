"""What others' players make of ours: Liquidsoap takes over and returns, podget fetches what the feed offers."""

from __future__ import annotations

import asyncio
import functools
import http.server
import json
import math
import os
import shutil
import struct
import subprocess
import threading
import wave
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from channels.contract import Notice
from channels.radio.bulletin import Office, draft
from channels.radio.feed import feed
from channels.radio.station import Station
from channels.radio.ways import Parcel, carry
from channels.radio.ways.tree import HEAD

pytestmark = pytest.mark.peer
SOUND = b"\xff\xfb\x90\x00" + bytes(4000)


def tone(path: Path, seconds: float) -> Path:
    """A sound in a WAV of 48 kHz, one channel."""
    wave_form = (round(9000 * math.sin(step / 9)) for step in range(int(48_000 * seconds)))
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 48_000, 0, "NONE", ""))
        out.writeframes(b"".join(struct.pack("<h", value) for value in wave_form))
    return path


@pytest.fixture
def playing(peer: Any, tmp_path: Path) -> Iterator[Callable[[str], list[str]]]:
    """A Liquidsoap whose programme gives way to the folder `drop`; `until(words)` reads its log up to those words."""
    program = peer("liquidsoap", shutil.which("liquidsoap"))
    (tmp_path / "drop").mkdir()
    (tmp_path / "radio.liq").write_text(
        "settings.init.allow_root.set(true)\nsettings.log.file.set(false)\nsettings.log.stdout.set(true)\n"
        'music = sine(id="programme", 220.)\n'
        'siaga = playlist(id="siaga", mode="normal", loop=false, reload_mode="watch", "drop")\n'
        "radio = fallback(track_sensitive=false, [siaga, music])\n"
        "output.dummy(fallible=true, radio)\n"
    )
    running = subprocess.Popen(
        [program, "radio.liq"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    watch = threading.Timer(20, running.kill)  # a player that never says it must not hold the suite
    watch.start()

    def until(words: str) -> list[str]:
        lines: list[str] = []
        assert running.stdout is not None
        while line := running.stdout.readline().decode("utf-8", "replace"):
            lines.append(line.strip())
            if words in line:
                return lines
        raise AssertionError(f"Liquidsoap never said {words!r}:\n" + "\n".join(lines))

    yield until
    watch.cancel()
    os.killpg(running.pid, 9)
    running.communicate()


async def test_liquidsoap_takes_over_from_a_watched_folder_and_returns(
    playing: Callable[[str], list[str]], tmp_path: Path
) -> None:
    """As soon as the sound is there whole, never half of one, and back to the programme when it ends."""
    told = {"name": "R", "way": f"file://{tmp_path}/drop", "languages": ["id"], "secret": "ab" * 32}
    made = tone(tmp_path / "made.wav", 1.2).read_bytes()
    await asyncio.to_thread(playing, "Switch to programme")
    # What a broken upload leaves: all but its beginning.
    (tmp_path / "drop" / "900018.wav.part").write_bytes(bytes(HEAD) + made[HEAD:])
    parcel = Parcel(folder=tmp_path, name="KIT", files=("made.wav",), cut="900017.wav")
    await carry(parcel, Station.parse(json.dumps(told)))
    before = await asyncio.to_thread(playing, "Switch to siaga")
    assert any("900017.wav" in line and "Prepared" in line for line in before)
    assert not any(".part" in line and "Prepared" in line for line in before)
    await asyncio.to_thread(playing, "Switch to programme")


@pytest.fixture
def on_the_web(tmp_path: Path) -> Iterator[str]:
    """The folder `web` as a station's podcatcher sees it."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            return

    folder = tmp_path / "web"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as web:
        thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{web.server_port}"
        web.shutdown()
        thread.join()


def fetched(program: str, home: Path, feed: str) -> tuple[list[Path], list[str]]:
    """Run podget once over a feed; gives the sound files and the lines of the playlist it wrote."""
    env = {**os.environ, "HOME": str(home)}
    home.mkdir(exist_ok=True)
    ask = functools.partial(subprocess.run, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    if not (home / "conf").exists():
        ask([program, "-d", str(home / "conf"), "--create-config", "siagarc"], check=True)
        (home / "conf" / "serverlist").write_text(f"{feed} SIAGA BPBD\n")
        rc = home / "conf" / "siagarc"
        rc.write_text(rc.read_text() + f"\nDIR_LIBRARY={home}/pod\nMIN_SPACE=0\n")
    ran = ask([program, "-d", str(home / "conf"), "-c", "siagarc"], check=False)
    assert b"Closing session" in ran.stdout, ran.stdout + ran.stderr
    lists = sorted(home.glob("pod/*.m3u"))
    return sorted(home.glob("pod/SIAGA/**/*.mp3")), [line for one in lists for line in one.read_text().splitlines()]


def test_podget_fetches_what_the_feed_offers_and_lists_it_for_the_player(
    peer: Any, on_the_web: str, tmp_path: Path
) -> None:
    """Whole, once, and nothing any more when it has expired."""
    program = peer("podget", shutil.which("podget"))
    now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    office = Office(title="BPBD Semarang", base=on_the_web, language="id", zone="Asia/Jakarta")
    notice = Notice(id="urn:17", language="id", text="Banjir.", headline="Banjir", incident="17", sent=now)
    bulletin = replace(draft(notice, office, now), size=len(SOUND), seconds=2.0)
    sound = tmp_path / "web" / bulletin.place / bulletin.file("mp3")
    sound.parent.mkdir(parents=True)
    sound.write_bytes(SOUND)
    (tmp_path / "web" / "feed.xml").write_bytes(feed(office, [bulletin], now))
    found, listed = fetched(program, tmp_path / "station", f"{on_the_web}/feed.xml")
    assert [path.read_bytes() for path in found] == [SOUND]
    assert [Path(line).name for line in listed if not line.startswith("#")] == [found[0].name]
    shutil.rmtree(tmp_path / "station" / "pod")
    (tmp_path / "web" / "feed.xml").write_bytes(feed(office, [bulletin], bulletin.expires))
    assert fetched(program, tmp_path / "station", f"{on_the_web}/feed.xml") == ([], [])
