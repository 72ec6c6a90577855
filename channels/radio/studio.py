"""Runs the voice and the mixing desk as processes of their own, so that no loop ever waits for them."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from channels.contract import Unavailable
from channels.radio.spoken import spoken
from channels.radio.voice import VOICES

HERE = Path(__file__).parent
VOICE_TIME, MIX_TIME = 30.0, 60.0  # seconds; ten times what the longest bulletin took

NO_ROOM = 4  # audio.py could not write


class NoAudio(Exception):
    """There is no audio of this text; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """What a rendering came to."""

    seconds: float
    size: int  # bytes of the MP3


def voice_for(language: str) -> str | None:
    """Name the voice of a language tag, or None: a language is never spoken by another's voice."""
    primary = language.lower().partition("-")[0]
    return primary if primary in VOICES else None


async def speak(text: str, language: str, *, timeout: float = VOICE_TIME) -> bytes:
    """Return `text` spoken as a 16-bit mono WAV; NoAudio if there is no voice or it fails."""
    voice = voice_for(language)
    if voice is None:
        raise NoAudio(f"no voice for {language}")
    words = spoken(text, voice)
    if not words:
        raise NoAudio("no words to speak")
    return await _run("voice.py", voice, given=words.encode(), timeout=timeout)


async def produce(speech: bytes, wav: Path, mp3: Path, *, timeout: float = MIX_TIME) -> Programme:
    """Write the broadcast WAV and MP3 of a spoken WAV to two paths.

    NoAudio if the speech is no good, Unavailable if there is no room: that may pass.
    """
    printed = await _run("audio.py", str(wav), str(mp3), given=speech, timeout=timeout)
    figures = json.loads(printed)
    return Programme(seconds=figures["seconds"], size=figures["size"])


async def _run(script: str, *arguments: str, given: bytes, timeout: float) -> bytes:
    pipe = asyncio.subprocess.PIPE
    # -P: a module of ours beside the script must not hide one of the library.
    command = (sys.executable, "-P", str(HERE / script), *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        async with asyncio.timeout(timeout):
            printed, said = await process.communicate(given)
    except TimeoutError:
        raise NoAudio(f"{script} took longer than {timeout:g} seconds") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()  # wait() alone never ends while a full pipe is left unread
    if process.returncode:
        lines = said.decode("utf-8", "replace").strip().splitlines() or [f"exit {process.returncode}"]
        if process.returncode == NO_ROOM:
            raise Unavailable(lines[-1])
        raise NoAudio(f"{script} failed: {lines[-1][:200]}")
    return printed
