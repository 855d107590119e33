"""Every setting, read from the environment and .env in this one place."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from .base import describe_error
from .compliance import DEFAULT_COMPLIANCE, Compliance, RareLevels
from .env_files import CHECKED, FOLDER_FILE, check_foreign, read_env_file, user_file
from .errors import SettingsError
from .options import EvidencePolicy

__all__ = ["OLLAMA_DEFAULT_BASES", "REDIS_SCHEMES", "Settings", "is_redis_url", "load_tracing_variables"]

_TRACING_PREFIXES = ("LANGSMITH_", "LANGCHAIN_")

OLLAMA_DEFAULT_BASES = ("http://ollama:11434", "http://localhost:11434")
"""Tried in this order where OLLAMA_BASE is not set: the compose service first, then this machine."""

_AROUND_KEYS = " \t\r\n\"'`\u00a0\u00ad\u200b\u200c\u200d\u200e\u200f\u2018\u2019\u201c\u201d\u202f\u2060\ufeff"
"""Quotes, blanks, no-break and zero-width characters."""

_HASHED_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}=[0-9a-fA-F]{64}")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?")


class Settings(BaseSettings):
    """Environment variables as lower-case fields.

    The process environment wins over .env, and .env over the user's own file (``env_files.user_file``).
    """

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True,
        populate_by_name=True, env_ignore_empty=True,
    )  # fmt: skip

    openrouter_api_key: SecretStr | None = None
    """Set: OpenRouter is asked first. Unset or empty: Ollama is."""
    openrouter_base: str = "https://openrouter.ai/api/v1"
    openrouter_model: str = "anthropic/claude-3.5-sonnet"
    """One id, or a comma-separated list: OpenRouter's own ``models`` fallback."""
    openrouter_referer: str = "https://gesalp.ai"
    """Sent as HTTP-Referer."""
    openrouter_title: str = "clinical-model-selector"
    """Sent as X-Title."""
    openrouter_method: Literal["auto", "json_schema", "function_calling", "json_mode"] = "auto"
    """How structure is asked for; auto goes by what the model list says."""
    openrouter_follow_retired: bool = True
    """Ask the nearest successor of a model that is no longer served, and say so; false fails instead."""
    openrouter_zdr: bool = False
    """Only providers that keep nothing of a request (zero data retention)."""

    ollama_base: str | None = Field(default=None, validation_alias=AliasChoices("OLLAMA_BASE", "OLLAMA_HOST"))
    """Unset: ``OLLAMA_DEFAULT_BASES``. OLLAMA_HOST is understood in Ollama's own forms (host, host:port, URL)."""
    ollama_model: str = "llama3.1:8b"
    ollama_num_ctx: Annotated[int, Field(ge=2048, le=1_048_576)] = 8192
    ollama_keep_alive: str = "30m"
    """How long Ollama keeps the model loaded after an answer, in its own terms (5m, 24h, -1)."""

    selector_temperature: Annotated[float, Field(ge=0.0, le=2.0)] = 0.3
    selector_max_tokens: Annotated[int, Field(ge=256, le=32_768)] = 2000
    selector_timeout_s: Annotated[float, Field(gt=0.0, le=3600.0)] = 30.0
    """Per request."""
    selector_deadline_s: Annotated[float, Field(gt=0.0, le=3600.0)] = 60.0
    """For the whole selection, all attempts together."""
    selector_embedded: Literal["auto", "never", "only"] = "auto"
    selector_cache: str = "memory"
    """off, memory, a SQLite file's path, or a redis:// URL."""
    selector_cache_ttl_s: Annotated[float, Field(gt=0.0)] = 86_400.0
    """How long a cached plan is used."""
    selector_breaker_failures: Annotated[int, Field(ge=1)] = 3
    """Outages in a row after which a provider is skipped for a while."""
    selector_breaker_cooldown_s: Annotated[float, Field(gt=0.0)] = 60.0
    """How long it is skipped; then one request tries it."""
    selector_audit_log: str | None = None
    """A file that gets one JSON line per selection; unset: none is written."""
    compliance_level: Compliance = DEFAULT_COMPLIANCE
    selector_requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    selector_budget_usd: Annotated[float, Field(gt=0.0)] | None = None
    """For OpenRouter, in 30 days from the first paid request; over it the next provider answers."""
    selector_evidence_policy: EvidencePolicy = "advise"
    """Measurements speak against a language model's choice: warn, replace it (enforce), or say nothing (off)."""
    selector_measure: bool = False
    """Cheap synthesizers are fitted to a table once before a plan is chosen for it."""
    selector_concepts: Literal["send", "keep"] = "send"
    """Clinical concepts of columns, words of a closed vocabulary: go along to a provider, or stay on this machine."""
    selector_value_protection: Literal["on", "off"] = "on"
    """Values of few persons stay out of synthetic tables; off is possible at the level research only."""
    selector_min_persons: Annotated[int, Field(ge=2)] | None = None
    """Persons who must hold a value; by default the level's figure (research 5, others 11), fewer only at research."""
    selector_rare_levels: RareLevels = "pool"
    """Rare levels become one level, or are drawn anew among the common ones (redraw)."""
    selector_environments: str = "~/.cache/clinical-model-selector/environments"
    """Directory of the synthesizers' own environments."""

    service_keys: str = ""
    """Who may call the service: comma-separated ``name=sha256`` pairs, as ``serve --new-key`` prints them."""
    service_requests_per_minute: Annotated[int, Field(ge=0)] = 600
    """Per key, or per address where no key is asked; 0 is no limit."""
    service_rate_storage: str = "memory"
    """Where requests are counted: memory, or a redis:// URL that several replicas share."""
    service_cors_origins: str = ""
    """Comma-separated origins whose pages may call the service; none by default."""
    service_max_upload_mb: Annotated[int, Field(ge=1, le=4096)] = 64
    service_max_unpacked_mb: Annotated[int, Field(ge=1, le=65_536)] = 512
    """What a compressed upload may unpack to."""
    service_max_rows: Annotated[int, Field(ge=1)] = 5_000_000
    service_max_columns: Annotated[int, Field(ge=1)] = 5_000
    service_max_waiting: Annotated[int, Field(ge=1)] = 256
    """Selections at a time, and bodies arriving at a time; of either no caller gets more than it leaves for others."""
    service_max_spool_mb: Annotated[int, Field(ge=1)] = 1024
    """Bytes of all requests' bodies and tables at a time, in memory and on disk."""
    service_profile_workers: Annotated[int, Field(ge=1, le=64)] = 2
    service_profile_timeout_s: Annotated[float, Field(gt=0.0, le=3600.0)] = 120.0
    service_read_timeout_s: Annotated[float, Field(gt=0.0, le=3600.0)] = 30.0
    """The window in which at least 64 KiB a second of a body must arrive, or its end."""
    service_trusted_proxies: str = ""
    """Comma-separated addresses whose X-Forwarded-For is believed; none by default."""
    service_data: str = ""
    """Directory of jobs, their tables and results; unset: ``clinical-model-selector`` below $XDG_DATA_HOME."""
    service_queue: str = "sqlite"
    """Where ids of jobs wait: sqlite (a file in SERVICE_DATA), or a redis:// URL of a Redis that evicts nothing."""
    service_job_workers: Annotated[int, Field(ge=0, le=64)] = 1
    """Worker processes that ``serve`` starts itself; 0 where ``worker`` is started apart."""
    service_job_timeout_s: Annotated[float, Field(gt=0.0, le=604_800.0)] = 3600.0
    service_job_memory_mb: Annotated[int, Field(ge=256)] = 8192
    """Resident memory of a job, its fits included."""
    service_job_disk_mb: Annotated[int, Field(ge=1)] = 2048
    """What a job's folder may hold."""
    service_job_keep_hours: Annotated[float, Field(gt=0.0)] = 24.0
    """After its end a job is removed with its table and results."""
    service_max_jobs: Annotated[int, Field(ge=1)] = 200
    """Jobs that are kept at a time; no caller gets more than it leaves for others."""
    service_log_level: Literal["debug", "info", "warning", "error"] = "info"

    def __init__(self, **values: Any) -> None:
        folder_file = values.pop("_env_file", FOLDER_FILE)
        _check(folder_file, values)
        try:
            super().__init__(**{**_from_files(folder_file), **values})
        except ValidationError as error:
            raise SettingsError(describe_error(error, _variable)) from None

    @field_validator("openrouter_api_key")
    @classmethod
    def _blank_key_is_none(cls, value: SecretStr | None) -> SecretStr | None:
        key = _bare(value.get_secret_value()) if value is not None else ""
        return SecretStr(key) if key else None

    @property
    def openrouter_key(self) -> str:
        """The key as it is sent; empty where there is none."""
        return self.openrouter_api_key.get_secret_value() if self.openrouter_api_key is not None else ""

    @property
    def openrouter_key_problem(self) -> str | None:
        """Why the key cannot be sent; None where it can."""
        for position, char in enumerate(self.openrouter_key, start=1):
            if not "!" <= char <= "~":
                return f"OPENROUTER_API_KEY holds a character that no key has (U+{ord(char):04X}, number {position})"
        return None

    @field_validator("openrouter_base")
    @classmethod
    def _openrouter_is_url(cls, value: str) -> str:
        return _checked_url(value)

    @field_validator("ollama_base")
    @classmethod
    def _ollama_url(cls, value: str | None) -> str | None:
        if value is None or not value.strip():
            return None
        value = value.strip()
        if "://" not in value:
            host, _, port = value.rpartition(":") if ":" in value else (value, "", "11434")
            # A server listening on all interfaces is reached through loopback.
            host = "127.0.0.1" if host in ("", "0.0.0.0") else host
            value = f"http://{host}:{port}"
        return _checked_url(value)

    @field_validator("service_keys")
    @classmethod
    def _keys_are_hashed(cls, value: str) -> str:
        for part in filter(None, map(str.strip, value.split(","))):
            if not _HASHED_KEY.fullmatch(part):
                raise ValueError("must be comma-separated name=hash pairs, as `serve --new-key NAME` prints them")
        return value

    @field_validator("service_rate_storage")
    @classmethod
    def _rate_storage_is_known(cls, value: str) -> str:
        if value != "memory" and not is_redis_url(value):
            raise ValueError(f"must be memory, or a {REDIS_SCHEMES} URL")
        return value

    @field_validator("service_queue")
    @classmethod
    def _queue_is_known(cls, value: str) -> str:
        if value != "sqlite" and not is_redis_url(value):
            raise ValueError(f"must be sqlite, or a {REDIS_SCHEMES} URL")
        return value

    @field_validator("service_trusted_proxies")
    @classmethod
    def _proxies_are_addresses(cls, value: str) -> str:
        try:
            for part in filter(None, map(str.strip, value.split(","))):
                ip_network(part)
        except ValueError:
            raise ValueError("must be comma-separated addresses or networks such as 10.0.0.0/8") from None
        return value

    @field_validator("service_cors_origins")
    @classmethod
    def _origins_are_origins(cls, value: str) -> str:
        for part in filter(None, map(str.strip, value.split(","))):
            if not _ORIGIN.fullmatch(part):
                raise ValueError("must be comma-separated origins such as https://app.example.org")
        return value

    @property
    def service_key_hashes(self) -> dict[str, tuple[str, ...]]:
        """Name → SHA-256 of its keys, in hexadecimal: several while one is replaced by another."""
        hashes: dict[str, tuple[str, ...]] = {}
        for part in filter(None, map(str.strip, self.service_keys.split(","))):
            name, _, digest = part.partition("=")
            hashes[name] = (*hashes.get(name, ()), digest.lower())
        return hashes

    @property
    def service_folder(self) -> Path:
        """The directory of ``service_data``."""
        if self.service_data:
            return Path(self.service_data).expanduser()
        base = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
        return Path(base) / "clinical-model-selector"

    @property
    def service_origins(self) -> tuple[str, ...]:
        """The origins of ``service_cors_origins``."""
        return tuple(part.strip() for part in self.service_cors_origins.split(",") if part.strip())

    @property
    def openrouter_models(self) -> tuple[str, ...]:
        """The model ids of ``openrouter_model``, in order."""
        return tuple(part.strip() for part in self.openrouter_model.split(",") if part.strip())

    @property
    def ollama_bases(self) -> tuple[str, ...]:
        """Base URLs of Ollama, in the order to try."""
        return (self.ollama_base,) if self.ollama_base else OLLAMA_DEFAULT_BASES

    def without_secrets(self) -> dict[str, Any]:
        """The fields that were set, without the key and without addresses that hold a password."""
        values = self.model_dump(exclude={"openrouter_api_key"}, exclude_unset=True)
        return {name: value for name, value in values.items() if not _holds_password(value)}

    def updated(self, **changes: object) -> Self:
        """A copy with some fields changed and validated again.

        Raises:
            SettingsError: A changed value cannot be used.
        """
        try:
            return type(self).model_validate({**self.model_dump(), **changes})
        except ValidationError as error:
            raise SettingsError(describe_error(error, _variable)) from None


def load_tracing_variables(env_file: str = FOLDER_FILE) -> None:
    """Hand LangSmith what .env and the user's own file say of it; the process environment wins.

    LangSmith reads the environment alone, and everything here can be set in a file.

    Raises:
        SettingsError: A folder's file names an address for a key of ours.
    """
    _check(env_file, {})
    for name, value in {**read_env_file(user_file()), **read_env_file(env_file)}.items():
        if name.startswith(_TRACING_PREFIXES):
            os.environ.setdefault(name, value)


def is_redis_url(value: str) -> bool:
    """Whether ``value`` is the URL of a Redis server, on a port or a socket."""
    return value.startswith(("redis://", "rediss://", "unix://"))


REDIS_SCHEMES = "redis://, rediss:// or unix://"
"""As redis-py names them; ``unix`` is a socket."""


def _bare(key: str) -> str:
    """``key`` without what copying leaves around it: quotes, blanks of every kind, characters without width."""
    return key.strip(_AROUND_KEYS)


def _check(folder_file: str | Path | None, values: Mapping[str, object]) -> None:
    defaults = {name: str(Settings.model_fields[name.lower()].default) for name in CHECKED}
    check_foreign(folder_file, {name.upper(): value for name, value in values.items()}, defaults)


def _from_files(folder_file: str | Path | None) -> dict[str, str]:
    """Field → value of the settings that only a file tells; without ``_env_file`` no file is read."""
    if folder_file is None:
        return {}
    told = {**read_env_file(user_file()), **read_env_file(folder_file)}
    environment = {name.upper() for name, value in os.environ.items() if value}
    values = {}
    for field, info in Settings.model_fields.items():
        alias = info.validation_alias
        names = [str(n) for n in alias.choices] if isinstance(alias, AliasChoices) else [field.upper()]
        name = next((name for name in names if name in told), None)
        if name is not None and environment.isdisjoint(names):
            values[field] = told[name]
    return values


def _holds_password(value: object) -> bool:
    try:
        return isinstance(value, str) and "://" in value and urlsplit(value).password is not None
    except ValueError:
        return True


def _checked_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        # urllib's own message quotes the address, which may hold a password.
        usable = False
    if not usable:
        raise ValueError("must be an http:// or https:// address with a valid port")
    return value.rstrip("/")


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0]).upper() if location else "settings"
    return "OLLAMA_BASE or OLLAMA_HOST" if name in ("OLLAMA_BASE", "OLLAMA_HOST") else name
