"""The service's short replies are complete in every language, short, and refused like playbooks are."""

from __future__ import annotations

from pathlib import Path

import pytest

from crisis.errors import BadPlaybook, NotFound
from crisis.model.replies import ReplyName, load_replies

PATH = Path(__file__).parents[3] / "playbooks" / "replies.yaml"
TEXT = PATH.read_text()


def test_every_reply_fits_one_sms_in_both_languages() -> None:
    """A reply costs one part, with an agency's and a district's long name."""
    replies = load_replies(PATH)
    for name in replies.replies:
        for language in ("id", "en"):
            text = replies.say(name, language, agency="BPBD Kabupaten Kubu Raya", area="Kecamatan Sungai Raya")
            assert text.isascii()
            assert len(text) <= 160, name
            assert "{" not in text


def test_danger_says_the_number_first() -> None:
    """Who may be drowning reads the number before anything else."""
    assert load_replies(PATH).say("danger", "id", agency="BPBD").startswith("TELEPON 112")


def test_language_without_replies_gets_the_first() -> None:
    """Nobody is left without a reply for their language."""
    replies = load_replies(PATH)
    assert replies.say("stop_done", "jv", agency="BPBD") == replies.say("stop_done", "id", agency="BPBD")
    unknown: ReplyName = "nothing"  # type: ignore[assignment]
    with pytest.raises(NotFound):
        replies.say(unknown, "id", agency="BPBD")


@pytest.mark.parametrize(
    ("old", "new", "field", "says"),
    [
        ("  joined:", "  joinde:", "replies.joined", "is missing"),
        ("  joined:", "  joinde:", "replies.joinde", "must be"),
        ('    en: "To stop getting alerts, reply STOP."\n', "", "replies.stop_hint.en", "is missing"),
        ("Petugas {{ agency }} akan", "Petugas {{ area }} akan", "replies.received.id", "may name agency"),
        ("akan menjawab di sini", "akan menjawab nanti", "replies.received.id", "'nanti'"),
        ("version: 1", "version: 1\nversion: 1", "version", "given twice"),
        ("{{ agency }}:", "{{ agency }:", "replies.answered_prefix.id", "broken"),
    ],
)
def test_broken_reply_is_named(tmp_path: Path, old: str, new: str, field: str, says: str) -> None:
    """File, line and field, in one sentence."""
    assert old in TEXT
    path = tmp_path / "replies.yaml"
    path.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(BadPlaybook) as refused:
        load_replies(path)
    found = [f for f in refused.value.faults if f.field.startswith(field)]
    assert any(says in fault.says and fault.line > 1 for fault in found), refused.value.faults
