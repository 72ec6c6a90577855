"""`python -m tests.bench.cap_fuzz --seconds 600`: break CAP alerts; only BadInput may come out.

What is read must be checked by every profile, and what can be written must read back. The seed is printed.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path

from lxml import etree

from crisis.cap import profiles
from crisis.cap.read import read
from crisis.cap.write import tidy, write
from crisis.errors import BadInput
from tests.bench.cap import SAMPLES, flood

SLOWEST = 2.0  # seconds that one mutated alert may take
LARGEST = 200_000  # bytes of a sample: larger ones teach nothing that smaller do not
TOKENS = (
    b"", b"\0", b"<", b">", b"&", b"&amp;", b"&#0;", b"&#x202e;", b"]]>", b"<![CDATA[", b"<!--", b"-->", b"<?x ?>",
    b"<!DOCTYPE a>", b"NaN", b"1e999", b"-0", b"9" * 400, b",", b" , ", b"180.1,-90.1", b"0,0 " * 50, b"24:00:00",
    b"9999-12-31T23:59:59-14:00", b"0001-01-01T00:00:00+14:00", b"+00:00", b"Z", b"\xff\xfe", b"\xed\xa0\x80",
    "\u202e\u200b界😀".encode(), b"Actual", b"actual", b'"', b"'", b"<info/>", b"<area/>", b"<polygon/>",
    b"<b>" * 30, b"</alert>", b"xmlns=''", b"encoding='utf-7'", b"urn:oasis:names:tc:emergency:cap:1.1", b"\xa0",
)  # fmt: skip
WORD = re.compile(rb"<[^<>]{1,80}>|[^<>\s]+")


def swap_bytes(raw: bytes, others: bytes, luck: random.Random) -> bytes:
    """Change some bytes to any others."""
    changed = bytearray(raw)
    for _ in range(luck.randint(1, 8)):
        changed[luck.randrange(len(changed))] = luck.randrange(256)
    return bytes(changed)


def put_token(raw: bytes, others: bytes, luck: random.Random) -> bytes:
    """Put something nasty where a word or a tag stood."""
    found = list(WORD.finditer(raw))
    spot = luck.choice(found) if found else None
    start, end = spot.span() if spot else (0, 0)
    return raw[:start] + luck.choice(TOKENS) + raw[end if luck.random() < 0.7 else start :]


def cut(raw: bytes, others: bytes, luck: random.Random) -> bytes:
    """Leave out a stretch."""
    start = luck.randrange(len(raw))
    return raw[:start] + raw[start + luck.randrange(1, 300) :]


def repeat(raw: bytes, others: bytes, luck: random.Random) -> bytes:
    """Say an element again and again."""
    found = re.findall(rb"<(\w+)>[^<]*</\1>", raw)
    if not found:
        return raw
    name = luck.choice(found)
    spot = re.search(b"<" + name + b">[^<]*</" + name + b">", raw)
    return raw.replace(spot[0], spot[0] * luck.randint(2, 40), 1) if spot else raw


def splice(raw: bytes, others: bytes, luck: random.Random) -> bytes:
    """Go on with another alert from the middle."""
    return raw[: luck.randrange(len(raw))] + others[luck.randrange(len(others)) :]


def shuffle(raw: bytes, others: bytes, luck: random.Random) -> bytes:
    """Change the order of lines."""
    lines = raw.splitlines(keepends=True)
    one, two = luck.randrange(len(lines)), luck.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]
    return b"".join(lines)


def recode(raw: bytes, others: bytes, luck: random.Random) -> bytes:
    """Say it in another encoding, declared or not."""
    text = raw.decode("utf-8", "replace")
    if luck.random() < 0.7:
        said = luck.choice(["utf-16", "utf-8", "latin-1", "utf-7", "nonsense"])
        text = re.sub(r"^<\?xml[^>]*\?>", f"<?xml version='1.0' encoding='{said}'?>", text)
    return text.encode(luck.choice(["utf-16", "utf-16-be", "utf-8", "latin-1", "utf-32", "utf-7"]), "replace")


def regrow(raw: bytes, others: bytes, luck: random.Random) -> bytes:
    """Change elements so that the document stays XML: words, names, places, how often."""
    try:
        root = etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError):
        return raw
    for _ in range(luck.randint(1, 6)):
        inner = [one for one in root.iter("*") if one is not root]
        if not inner:
            break
        one, other = luck.choice(inner), luck.choice(inner)
        what = luck.randrange(6)
        if what < 2:
            one.text = re.sub("[^\t\n -\ud7ff]", "", luck.choice(TOKENS).decode("utf-8", "replace"))
        elif what == 2:
            one.text, other.text = other.text, one.text
        elif what == 3 and (parent := one.getparent()) is not None:
            parent.remove(one)
        elif what == 4 and (parent := other.getparent()) is not None:
            parent.insert(luck.randrange(len(parent) + 1), deepcopy(one))
        else:
            one.tag = other.tag
    return etree.tostring(root)


Mutation = Callable[[bytes, bytes, random.Random], bytes]
MUTATIONS: tuple[Mutation, ...] = (swap_bytes, put_token, put_token, put_token, cut, repeat, splice, shuffle, recode)


def corpus() -> Sequence[bytes]:
    """Our own alerts, and whatever samples of others there are."""
    files = [path for path in sorted((SAMPLES / "cap").rglob("*")) if path.is_file() and path.suffix != ".tsv"]
    return [write(flood()), *(raw for path in files if len(raw := path.read_bytes()) <= LARGEST)]


def attempt(raw: bytes) -> str:
    """Read, judge and write; say how it ended."""
    try:
        alert = read(raw).alert
    except BadInput as refused:
        says = str(refused)
        assert says, "a refusal says why"
        assert "\n" not in says, "a refusal is one sentence"
        return says.partition(":")[0]
    for profile in profiles.PROFILES:
        profiles.check(alert, profile)
    try:
        written = write(alert)
    except BadInput:
        return "read"
    assert read(written).alert == tidy(alert), "what is written reads back"
    return "read and written"


def run(seconds: float, seed: int) -> Counter[str]:
    """Mutate until the time is over; the first fault is shown with its bytes and raised."""
    luck = random.Random(seed)
    samples, ends = corpus(), Counter[str]()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        raw = luck.choice(samples)
        for _ in range(luck.randint(1, 3)):
            change = regrow if luck.random() < 0.75 else luck.choice(MUTATIONS)
            raw = change(raw, luck.choice(samples), luck) or b"<"
        start = time.process_time()
        try:
            ends[attempt(raw)] += 1
            assert time.process_time() - start < SLOWEST, "it took too long"
        except Exception:
            Path("cap-fuzz-failed.xml").write_bytes(raw)
            traceback.print_exc()
            print(f"seed {seed}: failed after {ends.total()}; the bytes are in cap-fuzz-failed.xml")
            raise
    return ends


def main() -> None:
    """Fuzz for as long as asked and print how each attempt ended."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cap_fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    ends = run(asked.seconds, asked.seed)
    print(f"{ends.total()} mutated alerts in {asked.seconds:.0f} s, no fault")
    for end, count in ends.most_common():
        print(f"{count:>9}  {end}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
