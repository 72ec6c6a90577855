"""Every setting of the service: CRISIS_* environment variables; an unknown one refuses to start."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from crisis.errors import BadInput, Fault

PREFIX = "CRISIS_"
MOST_WORKERS = 64


def _default_data_dir() -> Path:
    """Root's home is closed to the database's account, so root keeps its data under /var/lib."""
    if os.geteuid() == 0:
        return Path("/var/lib/crisis")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "crisis"


def _default_playbooks() -> Path:
    """A checkout's own folder, else the one installed with the package."""
    beside = Path(__file__).parent.parent / "playbooks"
    return beside if beside.is_dir() else Path(__file__).parent / "_playbooks"


class Settings(BaseSettings):
    """One frozen set of settings; the description of each is its documentation."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    database_url: SecretStr | None = Field(
        None, description="A PostgreSQL of yours (15 or newer); without it the embedded one runs"
    )
    nats_url: SecretStr | None = Field(
        None, description="nats://HOST:4222,... carries batches to workers without a database; tls://USER:PASSWORD@HOST"
    )
    nats_replicas: int = Field(1, ge=1, le=5, description="How many NATS servers keep what is on its way")
    data_dir: Path = Field(
        default_factory=_default_data_dir,
        description="Where the embedded database, the key and the radio folder live",
    )
    host: str = Field("127.0.0.1", description="Address the web server listens on")
    port: int = Field(8080, ge=0, le=65535, description="Port the web server listens on; 0 takes a free one")
    public_url: str = Field(
        "http://127.0.0.1:8080", description="Where residents reach the public page; goes into notices"
    )
    url: str = Field("http://127.0.0.1:8080", description="Where the command line reaches the service")
    token: SecretStr | None = Field(None, description="The officer's token for the command line")
    agency: str = Field("Disaster office", min_length=2, max_length=40, description="Who speaks: in every notice")
    sender: str = Field(
        "crisis@localhost", pattern=r"^[^\s,<&]+$", description="CAP sender: unique to this office, no spaces"
    )
    identifier_prefix: str = Field(
        "crisis", pattern=r"^[^\s,<&]{1,60}$", description="What CAP identifiers begin with, e.g. an OID"
    )
    zone: str = Field("Asia/Pontianak", description="Time zone of the times in words")
    country: str = Field("ID", pattern="^[A-Z]{2}$", description="Where a phone number without country code belongs")
    help_line: str = Field("112", max_length=20, description="The number to call when a life is at risk")
    playbooks: Path = Field(default_factory=_default_playbooks, description="Folder of playbooks")
    key: SecretStr | None = Field(
        None, description="64 hex digits that seal addresses; without it DATA_DIR/key is made and used"
    )
    sms: SecretStr | None = Field(
        None, description="smpp://USER:PASSWORD@HOST:PORT/?source=BPBD&rate=100&window=50&cost=350"
    )
    telegram: SecretStr | None = Field(None, description="https://BOT_TOKEN@api.telegram.org/")
    mastodon: SecretStr | None = Field(None, description="https://TOKEN@your.instance/?visibility=public")
    radio: SecretStr | None = Field(None, description="file:///srv/radio?title=BPBD: the folder a station picks up")
    page: SecretStr | None = Field(
        None, description="http://127.0.0.1:8080: the public page, checked after each release"
    )
    exercise_sms: SecretStr | None = Field(
        None, description="The account for Exercise and Test; never shared by accident"
    )
    exercise_telegram: SecretStr | None = Field(None, description="As above, for Telegram")
    exercise_mastodon: SecretStr | None = Field(None, description="As above, for Mastodon")
    exercise_radio: SecretStr | None = Field(None, description="As above, for radio")
    exercise_page: SecretStr | None = Field(None, description="As above, for the page of exercises")
    webhook: SecretStr | None = Field(
        None, description="https://TOKEN@system.example/cap https://...: other systems that are sent each alert as CAP"
    )
    exercise_webhook: SecretStr | None = Field(None, description="As above, for Exercise and Test")
    signing_key: Path | None = Field(None, description="PEM of the private key that signs our CAP alerts")
    signing_certificate: Path | None = Field(None, description="PEM of its certificate, which receivers pin")
    languages: str = Field("id,en", description="Languages of the posted channels, the first is the default")
    lease_seconds: float = Field(
        15.0, ge=0.5, le=600, description="How long a worker may be silent before its batch is taken over"
    )
    tick_seconds: float = Field(0.5, ge=0.05, le=60, description="How often the clock looks for what is due")
    workers: int = Field(
        1, ge=1, le=MOST_WORKERS, description="Processes that deliver: the service, and workers it starts"
    )
    log_format: str = Field("console", pattern="^(console|json)$", description="console or json")

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{zone!r} is no time zone; write one like Asia/Pontianak") from error
        return zone

    @field_validator("nats_url")
    @classmethod
    def _nats_servers(cls, urls: SecretStr | None) -> SecretStr | None:
        servers = [] if urls is None else [part.strip() for part in urls.get_secret_value().split(",")]
        if not all(re.match(r"(nats|tls|ws|wss)://[^/]", server) for server in servers):
            raise ValueError("write nats://HOST:4222 or tls://USER:PASSWORD@HOST:4222, several separated by commas")
        return urls

    @field_validator("public_url", "url")
    @classmethod
    def _web_address(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("write a full address beginning with http:// or https://")
        return url.rstrip("/")

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings of this process; raise BadInput naming every unknown or wrong variable."""
        given = os.environ if environ is None else environ
        names = [name for name in given if name.startswith(PREFIX)]
        known = {PREFIX + field.upper() for field in cls.model_fields}
        faults = [
            Fault(file="environment", field=name, says="is not a setting of Crisis; see `crisis settings`")
            for name in sorted(set(names) - known)
            if not name.startswith("CRISIS_TEST_")
        ]
        try:
            values = {name[len(PREFIX) :].lower(): given[name] for name in names if name in known}
            settings = cls(**values)  # type: ignore[arg-type]
        except ValidationError as error:
            faults += [
                Fault(file="environment", field=PREFIX + str(e["loc"][0]).upper(), says=e["msg"])
                for e in error.errors(include_input=False, include_url=False, include_context=False)
            ]
        if faults:
            raise BadInput(faults)
        return settings

    def environment(self) -> dict[str, str]:
        """Give the variables that make read() give the same settings in another process; secrets are plain in it."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return {
            PREFIX + name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in given.items()
            if value is not None
        }

    def accounts(self) -> dict[str, str]:
        """Name every channel account that is set up (sms, sms/exercise ...) with its address.

        Each target of a webhook is an account of its own (webhook:system.example), so that none waits for another.
        """
        found: dict[str, str] = {}
        for channel in CHANNELS:
            for drill, field in (("", channel), ("/exercise", f"exercise_{channel}")):
                secret: SecretStr | None = getattr(self, field)
                if secret is None:
                    continue
                given = secret.get_secret_value()
                for name, url in _targets(channel, given) if channel == "webhook" else [(channel, given)]:
                    found[f"{name}{drill}"] = url
        return found


CHANNELS = ("sms", "telegram", "mastodon", "page", "radio", "webhook")


def _targets(channel: str, urls: str) -> list[tuple[str, str]]:
    """Name each of several addresses by its host and port; a second one there is told apart by its number."""
    named: list[tuple[str, str]] = []
    for url in dict.fromkeys(urls.split()):
        host = re.sub(r"[^A-Za-z0-9.:-]", "", url.partition("://")[2].partition("/")[0].rpartition("@")[2])[:80]
        name, taken = f"{channel}:{host}", {name for name, _ in named}
        number = next(n for n in range(1, len(named) + 2) if (name if n == 1 else f"{name}:{n}") not in taken)
        named.append((name if number == 1 else f"{name}:{number}", url))
    return named
