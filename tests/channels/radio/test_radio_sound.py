"""Promises of a kit's sound: loud enough, never clipped, our bell only, the same bytes again, fit or left out."""

from __future__ import annotations

import errno
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import which

import numpy as np
import pytest

from channels.radio import bwf, codec, mastering, sound
from channels.radio.label import Label, usid
from channels.radio.loudness import RATE, decibels, measured, true_peak
from channels.radio.sound import ALL, FIRST, REST, Sound, looped, produce
from channels.radio.speech import NoAudio, Speech, speak

FORBIDDEN = (853.0, 960.0, 1050.0, 1562.5, 2083.3)  # EAS attention, NOAA and WEA, SAME mark and space
LINES = ("Banjir di Kecamatan Genuk.", "Pindah sekarang ke tempat tinggi. Selesai.")
LABEL = Label(
    title="Banjir: pindah sekarang",
    agency="BPBD Kota Semarang",
    agency_code="BPBD-SMG",
    identifier="urn:oid:2.49.0.1.360.0.2026.17",
    version=3,
    mode="Exercise",
    severity="Severe",
    sent=datetime(2026, 11, 21, 12, 30, tzinfo=UTC),
    expires=datetime(2026, 11, 21, 16, 30, tzinfo=UTC),
    zone="Asia/Jakarta",
    link="https://siaga.example/a/17",
    script="\n".join(LINES),
    outcue="Selesai.",
    cut_id="900017",
    repeat="Ulangi setiap 15 menit sampai 23.30 WIB",
    mark="LATIHAN_",
    stem="BPBD-SMG_2026-00017_v3_id",
    country="ID",
)


def made_up(kind: str, seconds: float = 3.0, rate: int = 22_050) -> Speech:
    """Syllables of noise and tone, four a second: of ordinary level, loud, very quiet, or with clicks in them."""
    count = round(seconds * rate)
    time, drawn = np.arange(count) / rate, np.random.default_rng(5)
    voice = np.sin(2 * np.pi * 140 * time) + 0.5 * np.sin(2 * np.pi * 700 * time) + 0.05 * drawn.standard_normal(count)
    voice *= np.maximum(np.sin(2 * np.pi * 2 * time), 0) ** 2 * 0.3
    if kind == "loud":
        voice = np.clip(voice * 20, -1, 1)
    if kind == "quiet":
        voice = voice * 0.02
    if kind == "peaky":
        voice = voice * 0.15
        voice[drawn.integers(0, count, 30)] = 0.9
    spans = ((0.0, seconds),)
    return Speech(sound=voice.astype(np.float32), rate=rate, spans=spans, voice=kind, kind="recording")


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sound, Path]:
    """All files of a short bulletin, made in two stages as a kit is."""
    into = tmp_path_factory.mktemp("kit")
    speech, short = speak(LINES, "id"), speak(LINES[:1], "id")
    first = produce(speech, short, LABEL, into, formats=FIRST, keep=True)
    rest = produce(speech, short, LABEL, into, formats=REST)
    return replace(first, made=first.made + rest.made, missing=first.missing + rest.missing), into


def bext_of(kit: tuple[Sound, Path]) -> tuple[Path, bwf.Bext]:
    path = kit[0].made[0].path
    found = bwf.read(path).bext
    assert found
    return path, found


def ran(*command: str | Path) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, timeout=60, check=True, text=True)
    return done.stdout + done.stderr


def test_every_file_is_made_and_fit(kit: tuple[Sound, Path]) -> None:
    """Nothing is missing; each is within 0.5 LU of its promise and below -1 dBTP; nothing else is left there."""
    assert kit[0].missing == ()
    assert [made.role for made in kit[0].made] == list(ALL)
    for made in kit[0].made:
        assert abs(made.lufs - sound.PLANS[made.role].lufs) <= 0.5, made
        assert made.peak <= -1.0, made
        assert made.size == made.path.stat().st_size
        assert made.path.name.startswith("LATIHAN_")
    assert {path for path in kit[1].rglob("*") if path.is_file()} == {made.path for made in kit[0].made}


@pytest.mark.peer
def test_another_meter_agrees_on_every_file(kit: tuple[Sound, Path], peer: Callable[..., str]) -> None:
    """Debian's ffmpeg, decoding by itself, finds each within 0.5 LU of its promise and at most -1 dBTP."""
    ffmpeg = peer("ffmpeg", which("ffmpeg"))

    def said(made: sound.Made) -> tuple[float, float]:
        # Forty seconds of the loop are two rounds of it and more.
        meter = "ebur128=peak=true:framelog=verbose"
        told = ran(ffmpeg, "-nostats", "-t", "40", "-i", made.path, "-af", meter, "-f", "null", "-")
        return float(re.findall(r"I:\s+(\S+) LUFS", told)[-1]), float(re.findall(r"Peak:\s+(\S+) dBFS", told)[-1])

    with ThreadPoolExecutor(2) as threads:
        for made, (lufs, peak) in zip(kit[0].made, threads.map(said, kit[0].made), strict=True):
            assert abs(lufs - sound.PLANS[made.role].lufs) <= 0.5, made
            assert peak <= -1.0, made


@pytest.mark.peer
def test_no_alert_receiver_is_triggered(kit: tuple[Sound, Path], peer: Callable[..., str]) -> None:
    """An EAS decoder hears nothing in any file."""
    ffmpeg, decoder = peer("ffmpeg", which("ffmpeg")), peer("multimon-ng", which("multimon-ng"))

    def decoded(made: sound.Made) -> str:
        raw = made.path.with_suffix(".raw")
        length = ["-t", "40"] if made.role == "loop" else []
        ran(ffmpeg, "-v", "error", *length, "-i", made.path, "-f", "s16le", "-ar", "22050", "-ac", "1", raw)
        told = ran(decoder, "-q", "-a", "EAS", "-t", "raw", raw)
        raw.unlink()
        return told.strip()

    with ThreadPoolExecutor(2) as threads:
        assert [*threads.map(decoded, kit[0].made)] == [""] * len(ALL)


@pytest.mark.peer
def test_four_readers_agree_on_every_bext_field(kit: tuple[Sound, Path], peer: Callable[..., str]) -> None:
    """mediainfo, exiftool, ffprobe and wavinfo read what our own reader reads."""
    wavinfo = pytest.importorskip("wavinfo")
    path, ours = bext_of(kit)
    media = json.loads(ran(peer("mediainfo", which("mediainfo")), "--Output=JSON", "--Full", path))
    general, audio = media["media"]["track"]
    exif = json.loads(ran(peer("exiftool", which("exiftool")), "-j", "-n", path))[0]
    probe = ran(peer("ffprobe", which("ffprobe")), "-v", "error", "-of", "json", "-show_format", path)
    tags = json.loads(probe)["format"]["tags"]
    theirs = wavinfo.WavInfoReader(str(path)).bext
    said = (ours.description, ours.originator, ours.reference, ours.time_reference, ours.history)
    reference = general["extra"]["Producer_Reference"]
    since = round(float(audio["Delay"]) * RATE)
    history = general["Encoded_Library_Settings"]
    assert said == (general["Description"], general["Producer"], reference, since, history)
    reference, since, history = exif["OriginatorReference"], exif["TimeReference"], exif["CodingHistory"].strip()
    assert said == (exif["Description"], exif["Originator"], reference, since, history)
    reference, since = tags["originator_reference"], int(tags["time_reference"])
    assert said == (tags["comment"], tags["encoded_by"], reference, since, tags["coding_history"].strip())
    reference, since, history = theirs.originator_ref, theirs.time_reference, theirs.coding_history.strip()
    assert said == (theirs.description, theirs.originator, reference, since, history)
    assert exif["DateTimeOriginal"] == "2026:11:21 19:30:00"
    assert general["Encoded_Date"] == "2026-11-21 19:30:00"
    assert (tags["date"], tags["creation_time"]) == (theirs.originator_date, theirs.originator_time)
    assert (ours.date, ours.time) == ("2026-11-21", "19:30:00") == (theirs.originator_date, theirs.originator_time)
    assert [exif["BWFVersion"], int(general["extra"]["bext_Version"]), theirs.version] == [2, 2, 2]
    # exiftool 12.57 and ffprobe 5.1 do not show loudness.
    names = ("LoudnessValue", "LoudnessRange", "MaxTruePeakLevel", "MaxMomentaryLoudness", "MaxShortTermLoudness")
    levels = [ours.loudness, ours.range, ours.peak, ours.momentary, ours.short_term]
    assert [float({**audio, **audio.get("extra", {})}[name]) for name in names] == levels
    names = ("loudness_value", "loudness_range", "max_true_peak", "max_momentary_loudness", "max_shortterm_loudness")
    assert [getattr(theirs, name) for name in names] == pytest.approx(levels)


@pytest.mark.peer
def test_others_open_the_wav(kit: tuple[Sound, Path], peer: Callable[..., str]) -> None:
    """sndfile-info sees the cart and bext chunks and soxi the length."""
    path, _ = bext_of(kit)
    told = ran(peer("sndfile-info", which("sndfile-info")), "-c", "-b", path)
    assert "900017" in ran("sndfile-info", "--cart", path)
    assert LABEL.agency in ran("sndfile-info", "--broadcast", path), told
    assert float(ran(peer("soxi", which("soxi")), "-D", path)) == pytest.approx(kit[0].seconds, abs=0.001)


def test_the_files_say_who_and_until_when(kit: tuple[Sound, Path]) -> None:
    """Cart, INFO and bext hold the label's words, in the station's time, the exercise first."""
    path, bext = bext_of(kit)
    found = bwf.read(path)
    assert found.cart
    assert found.cart.title == found.facts["INAM"] == "LATIHAN: Banjir: pindah sekarang"
    assert (found.cart.cut_id, found.cart.out_cue, found.cart.url) == ("900017", "Selesai.", LABEL.link)
    assert (found.cart.start_date, found.cart.start_time) == ("2026-11-21", "19:30:00")
    assert (found.cart.end_date, found.cart.end_time) == ("2026-11-21", "23:30:00")
    assert found.cart.timers[-1] == ("EOD ", found.samples)
    assert "synthetic voice" in bext.history
    assert re.fullmatch(r"IDBPB[0-9A-F]{12}193000[0-9]{9}", bext.reference)
    stem = bwf.read(next(made.path for made in kit[0].made if made.role == "stem"))
    assert stem.cart is None
    assert stem.bext
    assert stem.bext.reference != bext.reference == usid(LABEL, "wav")


def test_a_player_shows_title_words_and_chapters(kit: tuple[Sound, Path]) -> None:
    """An independent reader of ID3 finds version 2.3, the words, both links and three chapters in order."""
    program = (
        "import json, sys; from mutagen.id3 import ID3; t = ID3(sys.argv[1], translate=False);"
        "c = [(str(f.sub_frames['TIT2']), f.start_time, f.end_time) for f in t.getall('CHAP')];"
        "d = {k: str(t[k]) for k in ('TIT2','TPE1','TLAN','TYER','TDAT','TIME')};"
        "d |= {k: t[k].url for k in ('WOAS','WOAF')};"
        "print(json.dumps([t.version, d, c, str(t.getall('USLT')[0]), t.getall('CTOC')[0].child_element_ids]))"
    )
    pytest.importorskip("mutagen")
    version, said, chapters, words, order = json.loads(ran(sys.executable, "-c", program, kit[0].made[1].path))
    assert (version, words, order) == ([2, 3, 0], LABEL.script, ["ch0", "ch1", "ch2"])
    assert said == {
        "TIT2": "LATIHAN: Banjir: pindah sekarang",
        "TPE1": LABEL.agency,
        "TLAN": "ind",
        "TYER": "2026",
        "TDAT": "2111",
        "TIME": "1930",
        "WOAS": LABEL.link,
        "WOAF": LABEL.link,
    }
    assert [name for name, *_ in chapters] == ["Bel", "Bacaan pertama", "Bacaan kedua"]
    assert [start for _, start, _ in chapters[1:]] == [end for _, _, end in chapters[:-1]]


@pytest.mark.peer
@pytest.mark.parametrize("role", ["flac", "opus"])
def test_flac_and_opus_say_when_they_expire(role: str, kit: tuple[Sound, Path], peer: Callable[..., str]) -> None:
    """Vorbis comments hold title, language and expiry; ffprobe reads them."""
    path = next(made.path for made in kit[0].made if made.role == role)
    probe = ran(peer("ffprobe", which("ffprobe")), "-v", "error", "-of", "json", "-show_streams", "-show_format", path)
    found = json.loads(probe)
    tags = {**found["streams"][0].get("tags", {}), **found["format"].get("tags", {})}
    tags = {key.lower(): text for key, text in tags.items()}
    assert (tags["title"], tags["artist"], tags["language"]) == (LABEL.shown, LABEL.agency, "ind")
    assert tags["expires"] == "2026-11-21T23:30:00+07:00"


@pytest.mark.peer
def test_the_flac_holds_the_samples_of_the_wav(kit: tuple[Sound, Path], peer: Callable[..., str]) -> None:
    """It is the same master, lossless."""
    ffmpeg = peer("ffmpeg", which("ffmpeg"))
    heard = {
        made.role: ran(ffmpeg, "-v", "error", "-i", made.path, "-f", "md5", "-")
        for made in kit[0].made
        if made.role in {"wav", "flac"}
    }
    assert heard["wav"] == heard["flac"]


def test_the_loop_is_fifteen_minutes_of_whole_rounds(kit: tuple[Sound, Path]) -> None:
    """Every frame stands alone (it borrows no bits), so the rounds are the same bytes."""
    made = next(made for made in kit[0].made if made.role == "loop")
    content = made.path.read_bytes()
    size = 10 + sum(byte << shift for byte, shift in zip(content[6:10], (21, 14, 7, 0), strict=True))
    frames = [content[at : at + codec.LOOP_FRAME] for at in range(size, len(content), codec.LOOP_FRAME)]
    assert made.seconds == len(frames) * 1152 / RATE == 900.0
    assert {frame[:2] for frame in frames} == {codec.SYNC}
    assert {frame[4] for frame in frames} == {0}  # main_data_begin, its upper eight of nine bits
    cycle = looped(kit[0].cues.length)["cycle"]
    assert frames[:cycle] == frames[cycle : 2 * cycle]


@pytest.mark.parametrize(("seconds", "rounds"), [(60, 13), (128, 6), (890, 1), (900, 1)])
def test_a_loop_fits_as_many_rounds_as_leave_a_pause(seconds: int, rounds: int) -> None:
    """At least five seconds between two rounds, and exactly fifteen minutes in all."""
    plan = looped(seconds * RATE)
    assert plan["frames"] * 1152 == 900 * RATE
    assert plan["frames"] // plan["cycle"] == rounds


def test_a_programme_longer_than_a_loop_is_its_own_loop() -> None:
    """It is never cut."""
    assert looped(1000 * RATE) == {"cycle": 41667, "frames": 41667}


def test_a_rebuild_has_the_same_bytes(kit: tuple[Sound, Path], tmp_path: Path) -> None:
    """In one stage or in two, each file's sha256 is the same."""
    again = produce(speak(LINES, "id"), speak(LINES[:1], "id"), LABEL, tmp_path)
    sums = [
        {made.role: hashlib.sha256(made.path.read_bytes()).hexdigest() for made in built.made}
        for built in (kit[0], again)
    ]
    assert sums[0] == sums[1]


@pytest.mark.parametrize("kind", ["plain", "loud", "quiet", "peaky"])
def test_any_voice_meets_the_targets(kind: str, tmp_path: Path) -> None:
    """However it was recorded, it comes out as loud as promised and below the ceiling."""
    made = produce(made_up(kind), None, LABEL, tmp_path, formats=("wav", "mp3", "opus", "amr"))
    assert made.missing == ()
    assert [(found.role, abs(found.lufs - sound.PLANS[found.role].lufs) <= 0.5) for found in made.made] == [
        (role, True) for role in ("wav", "mp3", "opus", "amr")
    ]
    assert max(found.peak for found in made.made) <= -1.0


@pytest.mark.parametrize("target", [mastering.STATION, mastering.PODCAST, mastering.VOICE_NOTE])
@pytest.mark.parametrize("kind", ["plain", "peaky"])
def test_a_master_measures_as_it_says(kind: str, target: mastering.Target) -> None:
    """What is reckoned from one reading is what the whole programme measures; pyloudnorm agrees."""
    reading = mastering.heard(made_up(kind))
    made = mastering.mastered(reading, mastering.laid_out(len(reading.sound)), target, seed=7)
    whole = made.samples.astype(np.float32) / 32767
    found = measured(whole)
    assert found.integrated == pytest.approx(made.loudness.integrated, abs=0.02)
    # Clicks under a low ceiling are where the limiter gives in; speech is met within 0.1.
    assert found.integrated == pytest.approx(target.lufs, abs=0.1 if kind == "plain" else 0.4)
    assert found.peak == pytest.approx(made.loudness.peak, abs=0.05)
    assert found.peak <= target.ceiling
    others = (found.range, found.momentary, found.short_term)
    assert others == pytest.approx((made.loudness.range, made.loudness.momentary, made.loudness.short_term), abs=0.05)
    pyloudnorm = pytest.importorskip("pyloudnorm")
    assert pyloudnorm.Meter(RATE).integrated_loudness(whole.astype(float)) == pytest.approx(found.integrated, abs=0.1)


def test_the_meter_knows_the_standards_tones() -> None:
    """A full-scale 997 Hz sine is -3.01 LUFS (BS.1770); peaks between samples are found; silence has no loudness."""
    time = np.arange(RATE * 4) / RATE
    tone = measured(np.sin(2 * np.pi * 997 * time).astype(np.float32))
    assert (tone.integrated, tone.momentary, tone.range) == pytest.approx((-3.01, -3.01, 0), abs=0.02)
    fade = np.minimum(np.minimum(time, time[::-1]) * 10, 1)
    between = (np.sin(2 * np.pi * 12_000 * time + np.pi / 4) * fade).astype(np.float32)
    assert decibels(float(np.abs(between).max())) == pytest.approx(-3.01, abs=0.01)
    assert decibels(true_peak(between)) == pytest.approx(0, abs=0.05)
    assert measured(np.zeros(RATE, np.float32)).integrated == float("-inf")


def strength(tone: np.ndarray, hertz: float) -> float:
    time = np.arange(len(tone)) / RATE
    return float(abs(np.sum(tone * np.exp(-2j * np.pi * hertz * time))) / len(tone))


def test_the_bell_is_ours() -> None:
    """Its three notes are there; no alerting frequency is within 20 dB of them."""
    notes = np.split(mastering.bell(), 3)
    heard = [strength(note, hertz) for note, hertz in zip(notes, mastering.BELL, strict=True)]
    assert max(strength(note, hertz) for note in notes for hertz in FORBIDDEN) < min(heard) / 10


@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000, 44_100, 48_000, 96_000])
def test_changing_the_rate_keeps_pitch_and_length(rate: int) -> None:
    """A 1 kHz tone stays one, as long and as loud, and nothing else is added."""
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(rate * 5) / rate)
    changed = mastering.resampled(tone, rate)
    assert len(changed) == 5 * RATE
    inner = changed[4800:-4800]
    assert strength(inner, 1000.0) == pytest.approx(0.25, rel=1e-3)
    expected = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(5 * RATE) / RATE)[4800:-4800]
    assert decibels(float(np.abs(inner - expected).max())) < -80


def test_the_bulletin_is_read_twice(kit: tuple[Sound, Path]) -> None:
    """Both readings are the same sound but for dither, a breath apart; captions know where they start."""
    samples = np.frombuffer(kit[0].made[0].path.read_bytes()[-2 * kit[0].cues.length :], "<i2").astype(int)
    (start, end), (again, last) = kit[0].cues.readings
    assert np.abs(samples[start:end] - samples[again:last]).max() <= 2
    assert again - end >= mastering.BREATH * RATE
    assert kit[0].readings[1] - kit[0].readings[0] == pytest.approx((again - start) / RATE)
    assert kit[0].readings[0] <= start / RATE


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (np.zeros(22_050), "came back silent"),
        (np.zeros(0), "came back silent"),
        (np.full(22_050, 0.5), "came back silent"),
        (np.full(22_050, np.nan), "came back broken"),
        (made_up("quiet").sound * 0.05, "came back silent"),
    ],
)
def test_bad_speech_is_never_put_on_air(samples: np.ndarray, says: str, tmp_path: Path) -> None:
    """Silence, or what is no sound, makes no file."""
    speech = Speech(sound=samples.astype(np.float32), rate=22_050, spans=(), voice="x", kind="espeak")
    with pytest.raises(NoAudio, match=says):
        produce(speech, None, LABEL, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_mute_short_script_costs_its_file_only(tmp_path: Path) -> None:
    """The programme is made, and the sentence names the loudspeaker's file."""
    mute = replace(made_up("plain"), sound=np.zeros(8000, np.float32))
    made = produce(made_up("plain"), mute, LABEL, tmp_path, formats=("mp2", "loudspeaker_mp3"))
    assert [found.role for found in made.made] == ["mp2"]
    assert made.missing == (f"No {LABEL.name('loudspeaker_mp3')}: the voice came back silent.",)


def test_a_codec_that_cannot_run_leaves_the_wav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PyAV a station still gets its BWF, and one sentence says what to do."""
    (program := tmp_path / "codec.py").write_text(f"import sys; sys.modules['av'] = None\n{sound.CODEC.read_text()}")
    program.write_text(program.read_text().replace("from __future__ import annotations\n", ""))
    monkeypatch.setattr(sound, "CODEC", program)
    made = produce(made_up("plain", 2.0), None, LABEL, tmp_path / "kit", formats=FIRST)
    assert [found.role for found in made.made] == ["wav"]
    assert len(made.missing) == 1
    assert re.match(r"Only WAV could be made: PyAV cannot be loaded \(.*\); pip install av\.$", made.missing[0])


def test_an_encoder_that_is_missing_costs_its_format_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are made, and the sentence names the file."""
    (program := tmp_path / "codec.py").write_text(sound.CODEC.read_text().replace("opencore_amrnb", "nosuch_amr"))
    monkeypatch.setattr(sound, "CODEC", program)
    made = produce(made_up("plain", 2.0), None, LABEL, tmp_path / "kit", formats=("mp2", "amr"))
    assert [found.role for found in made.made] == ["mp2"]
    assert made.missing == (f"No {LABEL.name('amr')}: this PyAV has no libnosuch_amr encoder; pip install av.",)


def test_a_full_disk_is_said_as_it_is(tmp_path: Path) -> None:
    """ENOSPC passes up, whether the encoder met it or we did."""
    for role in ("mp2", "wav"):
        into = tmp_path / role
        (into / "audio").mkdir(parents=True)
        (into / LABEL.name(role)).symlink_to("/dev/full")
        with pytest.raises(OSError, match="space left") as failed:
            produce(made_up("plain", 2.0), None, LABEL, into, formats=(role,))
        assert failed.value.errno == errno.ENOSPC
        assert not (into / sound.MASTERS).exists()


def test_the_gpl_codec_is_never_in_our_process() -> None:
    """Importing the sound of the radio loads neither PyAV nor mutagen."""
    code = "import channels.radio.sound, sys; print({'av', 'mutagen'} & set(sys.modules))"
    assert ran(sys.executable, "-c", code).strip() == "set()"
