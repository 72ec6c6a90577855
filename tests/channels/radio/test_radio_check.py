"""Promises of the check of a kit: what is wrong is named in a sentence, what is right passes, nothing crashes it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from channels.contract import About
from channels.radio import air, bwf
from channels.radio.bulletin import Bulletin, Office
from channels.radio.check import check
from channels.radio.findings import Report, Verdict
from channels.radio.loudness import measured
from channels.radio.seal import Sealer
from channels.radio.tones import forbidden

NOON = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
OFFICE = Office(title="BPBD Kota Semarang", base="https://crisis.example/radio", language="id", zone="Asia/Jakarta")
RATE = 48_000
SEALER = Sealer(Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))
DRILL_WORDS = "Latihan. Ini hanya latihan, bukan kejadian sebenarnya."
SCRIPT = [
    "Pengumuman resmi dari BPBD Kota Semarang.",
    "Banjir di Kaligawe.",
    "Berlaku sampai pukul 23.30 WIB, 21 November 2026.",
    "Selesai.",
]
Sound = Any


@lru_cache
def voice_like(seconds: float = 4.0) -> Sound:
    """Noise in bursts like syllables, at -23 LUFS: something to measure that is no tone."""
    noise = np.random.default_rng(7).standard_normal(int(RATE * seconds)).astype(np.float32)
    syllables = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * np.arange(len(noise)) / RATE)
    sound = np.convolve(noise * syllables, np.hanning(40) / 20, "same").astype(np.float32)
    return sound * np.float32(10 ** ((-23 - measured(sound * 0.05).integrated) / 20) * 0.05)


def same_header(text: str, rate: int = RATE) -> Sound:
    """What an EAS encoder sends: 16 times 0xAB, then the words, least significant bit first, three times.

    It stands in tests alone: nothing of ours makes it.
    """
    bits = np.array([byte >> bit & 1 for byte in b"\xab" * 16 + text.encode() for bit in range(8)])
    place = np.minimum((np.arange(int(len(bits) * rate / 520.83)) * 520.83 / rate).astype(int), len(bits) - 1)
    burst = 0.4 * np.sin(np.cumsum(2 * np.pi * np.where(bits[place], 2083.3, 1562.5) / rate))
    return np.concatenate([np.zeros(rate), *[part for _ in range(3) for part in (burst, np.zeros(rate))]]).astype(
        np.float32
    )


def sine(*tones: float, seconds: float = 1.0) -> Sound:
    time = np.arange(int(RATE * seconds)) / RATE
    return sum(0.3 * np.sin(2 * np.pi * tone * time) for tone in tones).astype(np.float32)


def broadcast_wav(sound: Sound, mark: str = "", cut_id: str = "900017") -> bytes:
    found = measured(sound)
    bext = bwf.Bext(
        description="Banjir", originator="BPBD", reference="IDBPBD1", date="2026-11-21", time="19:30:00",
        loudness=found.integrated, peak=found.peak, range=found.range, momentary=found.momentary,
        short_term=found.short_term,
    )  # fmt: skip
    cart = bwf.Cart(
        title=f"{mark}Banjir", cut_id=cut_id, start_date="2026-11-21", start_time="19:30:00", end_date="2026-11-21",
        end_time="23:30:00",
    )  # fmt: skip
    return bwf.written(np.rint(sound * 32767).astype(np.int16), bext, cart, {})


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", width, height, 8, 2, 0, 0, 0) + b"...."


def pdf(words: bytes = b"/StructTreeRoot 3 0 R /MarkInfo << /Marked true >> /Lang (id)") -> bytes:
    packed = zlib.compress(words)
    return b"%PDF-1.7\n1 0 obj\n<< /Type /ObjStm /Filter /FlateDecode >>\nstream\n" + packed + b"\nendstream\n%%EOF\n"


def bulletin(mode: str) -> Bulletin:
    about = About(hazard="Banjir", area="Kaligawe", do=("Mengungsi.",), help_line="112")
    return Bulletin(
        id="urn:oid:2.49.0.1.360.1", incident="7", language="id", mode=mode, headline="Banjir di Kaligawe",  # type: ignore[arg-type]
        script="Banjir.", reading="Banjir.", sent=NOON, expires=NOON + timedelta(hours=4), about=about,
    )  # fmt: skip


def files(mode: str = "Actual", sound: Sound | None = None) -> dict[str, tuple[str, bytes, dict[str, Any]]]:
    """A small kit's files: path -> role, content, figures."""
    mark = {"Exercise": "LATIHAN_", "Test": "UJI_"}.get(mode, "")
    says = [DRILL_WORDS, *SCRIPT[:3], DRILL_WORDS, SCRIPT[3]] if mark else SCRIPT
    rule = "-" * 60
    heard = voice_like() if sound is None else sound
    told = bulletin(mode)
    vtt = "WEBVTT\n\n00:00:00.500 --> 00:00:02.000\nBanjir.\n\n00:02.000 --> 00:03.900\nSelesai.\n"
    texts = {"rds": air.rds(told, OFFICE), "aprs": air.aprs(told, OFFICE), "sms": air.sms(told)}
    return {
        f"{mark}00_BACA-DULU.pdf": ("readme", pdf(), {}),
        f"{mark}card_1080x1350.png": ("card", png(1080, 1350), {}),
        f"{mark}card_alt.txt": ("alt", b"Banjir di Kaligawe", {}),
        f"{mark}captions.vtt": ("captions", vtt.encode(), {}),
        f"text/{mark}naskah.txt": ("script_text", "\n".join(["JUDUL", rule, *says, rule, "x"]).encode(), {}),
        **{f"text/{mark}{role}.txt": (role, text.encode(), {}) for role, text in texts.items()},
        f"text/{mark}winlink.txt": ("winlink", air.winlink(told, OFFICE).encode(), {}),
        f"audio/{mark}b_bwf.wav": ("wav", broadcast_wav(heard, mark), {"seconds": 4.0, "lufs": -23.0, "peak": -6.0}),
        f"audio/{mark}b.mp3": ("mp3", b"ID3", {"seconds": 4.0, "lufs": -16.1, "peak": -1.6}),
        "alert.cap.xml": ("cap", b"<alert><identifier>urn:oid:2.49.0.1.360.1</identifier></alert>", {}),
    }  # fmt: skip


def manifest(held: Mapping[str, tuple[str, bytes, dict[str, Any]]], mode: str) -> dict[str, Any]:
    mark = {"Exercise": "LATIHAN_", "Test": "UJI_"}.get(mode, "")
    listed = {
        path: {"role": role, "size": len(content), "sha256": hashlib.sha256(content).hexdigest(), **figures}
        for path, (role, content, figures) in held.items()
    }
    return {
        "kit": f"{mark}BPBD_7_v1", "format": 1, "id": "urn:oid:2.49.0.1.360.1", "incident": "7", "version": 1,
        "replaces": [], "language": "id", "mode": mode, "headline": "Banjir di Kaligawe",
        "sent": "2026-11-21T19:30:00+07:00", "valid_from": "2026-11-21T19:30:00+07:00",
        "valid_until": "2026-11-21T23:30:00+07:00", "ends": False, "agency": "BPBD Kota Semarang", "complete": True,
        "missing": [], "cart": 900017, "signed_by": SEALER.public, "files": listed,
    }  # fmt: skip


def put(folder: Path, held: Mapping[str, tuple[str, bytes, dict[str, Any]]], said: dict[str, Any]) -> Path:
    """Lay a kit out: its files, manifest, sums, signature and ZIP."""
    plain = {path: content for path, (_, content, _) in held.items()}
    plain["manifest.json"] = json.dumps(said).encode()
    summed = {path: hashlib.sha256(content).hexdigest() for path, content in sorted(plain.items())}
    plain["SHA256SUMS"] = "".join(f"{digest}  {path}\n" for path, digest in summed.items()).encode()
    plain["SHA256SUMS.minisig"] = SEALER.sign(plain["SHA256SUMS"], "kit")
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder.parent / f"{folder.name}.zip", "w") as pack:
        for path, content in plain.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_bytes(content)
            pack.writestr(f"root/{path}", content)
    return folder


@pytest.fixture
def kit(tmp_path: Path) -> Callable[..., Path]:
    def lay(
        mode: str = "Actual", change: Callable[[dict[str, Any], dict[str, Any]], None] | None = None, **kw: Any
    ) -> Path:
        held = files(mode, **kw)
        said = manifest(held, mode)
        if change:
            change(held, said)
        return put(tmp_path / "kits" / f"kit-{len(list(tmp_path.glob('kits/*')))}", held, said)

    return lay


def failed(report: Report) -> dict[str, str]:
    return {row.name: row.found for row in report.rows if row.verdict is Verdict.FAILED}


@pytest.mark.parametrize("mode", ["Actual", "Exercise"])
def test_a_whole_kit_passes_every_check(kit: Callable[..., Path], mode: str) -> None:
    """Nothing fails of a kit as we make it, and nothing that is there goes unchecked."""
    report = check(kit(mode), NOON, key=SEALER.public)
    assert failed(report) == {}
    assert report.passed
    assert {row.name for row in report.rows if row.verdict is Verdict.SKIPPED} == set()
    assert {"files", "sums", "signature", "ZIP", "bext", "cart", "tones: wav", "loudness: mp3"} <= {
        r.name for r in report.rows
    }
    assert json.loads(json.dumps(report.as_dict()))["passed"] is True


def damage(path: str) -> Callable[[Path], None]:
    def run(folder: Path) -> None:
        content = bytearray((folder / path).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / path).write_bytes(content)

    return run


def linked(folder: Path) -> None:
    (folder / "audio/b.mp3").unlink()
    (folder / "audio/b.mp3").symlink_to("/etc/passwd")


def piped(folder: Path) -> None:
    (folder / "audio/b.mp3").unlink()
    os.mkfifo(folder / "audio/b.mp3")


BROKEN: dict[str, tuple[Callable[[Path], Any], str, str]] = {
    "a changed sound": (damage("audio/b_bwf.wav"), "files", "another sum"),
    "a lost file": (lambda folder: (folder / "audio/b.mp3").unlink(), "files", "is not there"),
    "a file too many": (lambda folder: (folder / "virus.exe").write_bytes(b"MZ"), "unlisted files", "virus.exe"),
    "a link": (linked, "files", "is a link"),
    "a pipe": (piped, "files", "not a plain file"),
    "other sums": (lambda folder: (folder / "SHA256SUMS").write_text("0" * 64 + "  x\n"), "sums", "has no line"),
    "sums of nonsense": (lambda folder: (folder / "SHA256SUMS").write_bytes(b"\xff\xfe"), "sums", "not UTF-8"),
    "no sums": (lambda folder: (folder / "SHA256SUMS").unlink(), "sums", "is not there"),
    "a forged signature": (damage("SHA256SUMS.minisig"), "signature", "not of this key"),
    "no signature": (lambda folder: (folder / "SHA256SUMS.minisig").unlink(), "signature", "not signed"),
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "manifest", "is not there"),
    "half a manifest": (lambda folder: (folder / "manifest.json").write_text('{"kit": '), "manifest", "manifest.json"),
    "a manifest of depth": (
        lambda folder: (folder / "manifest.json").write_text("[" * 9**6),
        "manifest",
        "manifest.json",
    ),
    "an empty manifest": (lambda folder: (folder / "manifest.json").write_text("{}"), "manifest", "kit"),
    "a broken ZIP": (lambda folder: folder.with_suffix(".zip").write_bytes(b"PK\3\4"), "ZIP", "cannot be understood"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_named_and_never_crashes(kit: Callable[..., Path], name: str) -> None:
    """A kit that was damaged or forged on its way fails in a clear sentence."""
    spoil, row, says = BROKEN[name]
    folder = kit()
    spoil(folder)
    found = failed(check(folder, key=SEALER.public))
    assert row in found
    assert says in found[row]


def changed(path: str, content: bytes) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    """Change a file before it is listed: the sums are right, the content is not."""

    def run(held: dict[str, Any], said: dict[str, Any]) -> None:
        role, _, figures = held[path]
        held[path] = (role, content, figures)
        said["files"] = manifest(held, said["mode"])["files"]

    return run


def told(**values: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    return lambda _, said: said.update(values)


def listed(path: str, **values: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    return lambda _, said: said["files"].setdefault(path, {"role": "x", "size": 1, "sha256": "0" * 64}).update(values)


WRONG: dict[str, tuple[Callable[[dict[str, Any], dict[str, Any]], None], str, str]] = {
    "path out of the kit": (listed("../../etc/passwd"), "files", "not a path within the kit"),
    "absolute path": (listed("/etc/passwd"), "files", "not a path within the kit"),
    "windows path": (listed("..\\x"), "files", "not a path within the kit"),
    "a sum of nonsense": (listed("audio/b.mp3", sha256="x"), "manifest", "sha256"),
    "a mode that is none": (told(mode="Real"), "manifest", "mode"),
    "a time without a zone": (told(valid_until="2026-11-21T23:30:00"), "manifest", "valid_until"),
    "a negative size": (listed("audio/b.mp3", size=-1), "manifest", "size"),
    "a huge list": (lambda _, said: said.update(files={str(n): {} for n in range(501)}), "manifest", "files"),
    "too loud": (listed("audio/b.mp3", lufs=-14.0), "loudness: mp3", "-14.0 LUFS"),
    "peaks": (listed("audio/b.mp3", peak=0.2), "loudness: mp3", "0.2 dBTP"),
    "figures that are none": (listed("audio/b.mp3", lufs=float("nan")), "loudness: mp3", "nan"),
    "another cart": (told(cart=900018), "cart", "900018"),
    "another end": (told(valid_until="2026-11-21T23:45:00+07:00"), "cart", "23:45:00"),
    "another end is said": (told(valid_until="2026-11-21T23:45:00+07:00"), "script says until when", "another time"),
    "a drill without a mark": (told(mode="Exercise"), "mode in names", "lacks LATIHAN_"),
    "a drill that is not said": (told(mode="Exercise"), "mode in script", "not said"),
    "a small card": (changed("card_1080x1350.png", png(540, 675)), "card", "540x675"),
    "no picture": (changed("card_1080x1350.png", b"GIF89a"), "card", "no PNG"),
    "an untagged PDF": (changed("00_BACA-DULU.pdf", pdf(b"/Lang (id)")), "paper: readme", "lacks /StructTreeRoot"),
    "half a PDF": (changed("00_BACA-DULU.pdf", b"%PDF-1.7\n"), "paper: readme", "not a whole PDF"),
    "captions back in time": (
        changed("captions.vtt", b"WEBVTT\n\n00:02.000 --> 00:03.000\na\n\n00:01.000 --> 00:02.000\nb\n"),
        "captions", "stands after",
    ),
    "captions after the sound": (
        changed("captions.vtt", b"WEBVTT\n\n00:02.000 --> 01:03.000\na\n"), "captions", "the sound at",
    ),
    "captions of nonsense": (changed("captions.vtt", b"WEBVTT\n\n1 --> 2\na\n"), "captions", "cannot be read"),
    "long RadioText": (changed("text/rds.txt", b"RT=" + b"x" * 65), "RDS", "65 characters"),
    "a short name": (changed("text/rds.txt", b"PS=BPBD"), "RDS", "not 8 characters"),
    "an addressee of ten": (changed("text/aprs.txt", b":BLN1FLOOD :Banjir"), "APRS", "is no bulletin"),
    "a bulletin with a brace": (changed("text/aprs.txt", b":BLN1FLOOD:Banjir {1"), "APRS", "is no bulletin"),
    "bulletins from two": (changed("text/aprs.txt", b":BLN2FLOOD:Banjir"), "APRS", "not numbered from 1"),
    "long Winlink": (changed("text/winlink.txt", b"x" * 6000), "winlink", "6000 octets"),
    "a script that stops": (changed("text/naskah.txt", b"Pengumuman resmi.\nBanjir."), "script order", "does not end"),
    "nobody says it": (changed("text/naskah.txt", b"Banjir.\nAir naik.\nSelesai."), "script order", "come first"),
    "another alert": (changed("alert.cap.xml", b"<alert/>"), "CAP", "does not name"),
    "no sound in the WAV": (changed("audio/b_bwf.wav", b"RIFF\4\0\0\0WAVE"), "BWF", "is not a whole WAV"),
    "half a WAV": (changed("audio/b_bwf.wav", broadcast_wav(sine(300))[:5000]), "BWF", "is not a whole WAV"),
    "a quiet WAV": (changed("audio/b_bwf.wav", broadcast_wav(voice_like(1) * 0.5)), "loudness: wav", "LUFS"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_in_a_kit_is_named(kit: Callable[..., Path], name: str) -> None:
    """A kit whose sums are right and whose content is not fails where it is wrong."""
    change, row, says = WRONG[name]
    found = failed(check(kit(change=change)))
    assert row in found, found
    assert says in found[row]


def test_an_expired_kit_fails_at_the_time_asked_for(kit: Callable[..., Path]) -> None:
    """Before its end it holds, from its end on it does not; without a time nothing is asked."""
    folder = kit()
    end = NOON + timedelta(hours=4)
    assert "validity" not in failed(check(folder, end - timedelta(seconds=1)))
    assert "expired" in failed(check(folder, end))["validity"]
    assert "validity" not in failed(check(folder))


def test_a_kit_that_vouches_for_itself_is_not_taken_at_its_word(kit: Callable[..., Path]) -> None:
    """A signature is good by a key from elsewhere only."""
    rows = {row.name: row.verdict for row in check(kit()).rows}
    assert rows["signature"] is Verdict.SKIPPED
    other = Sealer(Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)).public
    assert "signature" in failed(check(kit(), key=other))
    assert "signature" in failed(check(kit(), key=base64.b64encode(b"short").decode()))


def test_a_kit_of_words_alone_passes_with_what_it_lacks_said(kit: Callable[..., Path]) -> None:
    """No voice is no fault of the rest."""

    def mute(held: dict[str, Any], said: dict[str, Any]) -> None:
        for path in [path for path in held if path.startswith("audio/") or path.endswith(".vtt")]:
            del held[path]
        said.update(files=manifest(held, "Actual")["files"], missing=["no voice for jv"], cart=None)

    report = check(kit(change=mute), NOON, key=SEALER.public)
    assert failed(report) == {}
    assert next(row for row in report.rows if row.name == "complete").found == "no voice for jv"


def test_a_folder_that_is_none_is_said(tmp_path: Path) -> None:
    """A wrong path ends in a row, too."""
    (tmp_path / "file").write_bytes(b"x")
    for folder in (tmp_path / "nowhere", tmp_path / "file"):
        assert list(failed(check(folder))) == ["manifest"]


TONES: dict[str, tuple[Callable[[], Sound], str]] = {
    "SAME": (lambda: same_header("ZCZC-WXR-TOR-048113+0030-3251930-KOUN/NWS-"), "SAME"),
    "SAME under noise": (
        lambda: (h := same_header("ZCZC-EAS-RWT-012057+0100-0010000-X-")) + 0.05 * noise(len(h)),
        "SAME",
    ),
    "attention signal": (lambda: sine(853, 960), "853 and 960"),
    "attention signal, short": (lambda: sine(853, 960, seconds=0.45), "853 and 960"),
    "weather alarm": (lambda: sine(1050), "1050"),
}


def noise(length: int) -> Sound:
    return np.random.default_rng(3).standard_normal(length).astype(np.float32)


@pytest.mark.parametrize("name", TONES)
def test_forbidden_tones_are_found_in_any_kit(kit: Callable[..., Path], name: str) -> None:
    """Whatever is put into the sound on its way, a station's check finds it before a decoder does."""
    make, says = TONES[name]
    quiet = np.concatenate([voice_like(1.0), make(), voice_like(1.0)]).astype(np.float32)
    assert says in failed(check(kit(sound=quiet)))["tones: wav"]


def test_bells_and_voices_are_not_taken_for_them() -> None:
    """Our bell, single tones beside the forbidden ones, noise and other FSK pass."""
    from channels.radio.mastering import bell

    other_fsk = np.concatenate([sine(2083.3 if bit else 1562.5, seconds=1 / 300) for bit in [1, 0, 0, 1] * 150])
    sounds = {
        "bell": bell(),
        "noise": voice_like(),
        "silence": np.zeros(RATE, np.float32),
        "none": np.zeros(0, np.float32),
    }
    sounds |= {f"{tone} Hz": sine(tone) for tone in (587.33, 740, 853, 880, 960, 1000, 1100, 1562.5, 2083.3)}
    sounds |= {"vowel": sine(130, 260, 850, 1050, 2500), "other FSK": other_fsk}
    found = {name: forbidden(sound.astype(np.float32), RATE) for name, sound in sounds.items()}
    assert {name: tones for name, tones in found.items() if tones} == {}


@pytest.mark.peer
def test_the_header_of_our_test_is_one_that_decoders_act_on(peer: Callable[[str, str | None], str]) -> None:
    """multimon-ng reads it, so finding it means something."""
    said = "ZCZC-WXR-TOR-048113+0030-3251930-KOUN/NWS-"
    raw = (same_header(said, 22_050) * 32767).astype("<i2").tobytes()
    program = peer("multimon-ng", shutil.which("multimon-ng"))
    heard = subprocess.run([program, "-q", "-a", "EAS", "-t", "raw", "-"], input=raw, capture_output=True, check=True)
    assert said in heard.stdout.decode()
    assert forbidden(same_header(said, 22_050), 22_050)
