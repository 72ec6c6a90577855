"""Settings, keys and log lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from crisis import log
from crisis.errors import BadInput, NotReady
from crisis.privacy import Vault, load_key
from crisis.settings import Settings


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"CRISIS_SMSS": "x"}, "CRISIS_SMSS"),
        ({"CRISIS_PORT": "99999"}, "CRISIS_PORT"),
        ({"CRISIS_ZONE": "Asia/Nowhere"}, "is no time zone"),
        ({"CRISIS_PUBLIC_URL": "example.org"}, "http://"),
        ({"CRISIS_SENDER": "two words"}, "CRISIS_SENDER"),
    ],
)
def test_an_unknown_or_wrong_setting_refuses_to_start_by_name(variables: dict[str, str], says: str) -> None:
    """One sentence that names the variable."""
    with pytest.raises(BadInput, match=says):
        Settings.read(variables)


def test_accounts_of_exercises_are_named_apart() -> None:
    """A drill has its own queue and its own credentials."""
    settings = Settings.read({"CRISIS_SMS": "smpp://a:b@h:1/", "CRISIS_EXERCISE_SMS": "smpp://c:d@h:2/"})
    assert settings.accounts() == {"sms": "smpp://a:b@h:1/", "sms/exercise": "smpp://c:d@h:2/"}
    assert "a:b" not in repr(settings)


def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    """The second start finds the first one's key."""
    first = load_key(None, tmp_path)
    assert load_key(None, tmp_path) == first
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0


def test_a_sealed_address_opens_with_its_key_only() -> None:
    """Sealing twice differs, opening gives the text back, another key is told apart from a broken text."""
    vault, other = Vault(b"a" * 32), Vault(b"b" * 32)
    sealed = vault.seal("+6281234567890")
    assert sealed != vault.seal("+6281234567890")
    assert vault.open(sealed) == "+6281234567890"
    assert b"8123" not in sealed
    with pytest.raises(NotReady, match="CRISIS_KEY"):
        other.open(sealed)
    assert vault.lookup("sms", "1") != other.lookup("sms", "1") != vault.lookup("telegram", "1")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("sent to +62 812-3456-7890", "sent to [number]"),
        ("081234567890 failed", "[number] failed"),
        ("https://abc123@host/x", "https://[secret]host/x"),
        ("bot 123456789:AAHdqTcvCH1vGWJxfSe", "bot [secret]"),
        ("password=hunter2 rest", "[secret] rest"),
        ("alert 17 at 2026-11-21", "alert 17 at 2026-11-21"),
    ],
)
def test_a_log_line_never_shows_a_number_or_a_secret(line: str, shown: str) -> None:
    """The last line of defence, should a text slip through."""
    assert log.redact(None, "info", {"event": line})["event"] == shown
