"""What works and what does not, each with the exact fix."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal
from urllib.request import getproxies

import httpx

from ..schemas.errors import MissingExtra, SettingsError
from ..schemas.settings import Settings
from ..synthesizers.running.environments import ENVIRONMENTS, is_created
from .limits.plan_cache import open_cache
from .providers.http import RequestFailed, send
from .providers.ollama import describe_cloud, runs_in_the_cloud
from .providers.openrouter import describe_retired, header_value, pick_structured_output
from .providers.openrouter_models import ListedModel, ModelList
from .providers.private_loop import get_private_loop
from .providers.redaction import mask_key, mask_text, mask_url
from .providers.response_parts import outcome_of
from .providers.successors import nearest_successor
from .sample_prompts import ANSWER_TOKENS, count_tokens, longest_messages, typical_messages

__all__ = ["Finding", "can_answer", "run_doctor"]

_WAIT_S = 5.0
"""Each look-up gets at most this."""

_WHO = "who would answer"

_EXTRAS = {
    "light": ("pandas", "scipy", "sklearn", "psutil", "joblib"),
    "service": ("fastapi", "uvicorn", "structlog"),
    "postgres": ("pg8000", "sqlalchemy"),
    "redis": ("redis",),
    "spark": ("pyspark",),
}
"""Extra → modules that come with it."""

State = Literal["ok", "warning", "failure", "off"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    state: State
    detail: str
    fix: str | None = None
    """What to do, in one sentence; None where there is nothing to do."""


def run_doctor(settings: Settings) -> list[Finding]:
    """Look at every provider, the cache and tracing; the last finding says who would answer now."""
    return get_private_loop().run(_examine(settings))


def can_answer(findings: list[Finding]) -> bool:
    """Whether any provider would answer; where not, the exit code is 3."""
    return any(finding.subject == _WHO and finding.state == "ok" for finding in findings)


async def _examine(settings: Settings) -> list[Finding]:
    if settings.selector_embedded == "only":
        asked: list[list[Finding]] = [[Finding("LLM providers", "off", "SELECTOR_EMBEDDED=only: none is asked")], []]
    else:
        asked = list(await asyncio.gather(_openrouter(settings), _ollama(settings)))
    rest = [await asyncio.to_thread(_cache, settings), await _tracing(settings)]
    return [*asked[0], *asked[1], *rest, *_installed(settings), _who(settings, *asked)]


def _installed(settings: Settings) -> list[Finding]:
    """Extras, the synthesizers' environments, and proxies, none of which a selection needs."""
    findings = []
    for extra, modules in _EXTRAS.items():
        there = all(find_spec(module) for module in modules)
        fix = None if there else f"pip install 'clinical-model-selector[{extra}]'"
        findings.append(Finding(f"extra {extra}", "ok" if there else "off", "installed" if there else "not there", fix))
    root = Path(settings.selector_environments).expanduser()
    made = [name for name in ENVIRONMENTS if is_created(name, root)]
    missing = [name for name in ENVIRONMENTS if name not in made]
    detail = f"made: {', '.join(made) or 'none'}" + (f"; not made: {', '.join(missing)}" if missing else "")
    fix = f"clinical-model-selector environments --create {missing[0]}" if missing else None
    findings.append(Finding("environments", "off" if missing else "ok", detail, fix))
    proxies = {scheme: mask_url(url) for scheme, url in getproxies().items() if scheme in ("http", "https", "all")}
    told = ", ".join(f"{scheme} through {url}" for scheme, url in proxies.items())
    return [*findings, Finding("proxies", "ok" if proxies else "off", told or "none is set")]


async def _openrouter(settings: Settings) -> list[Finding]:
    if settings.openrouter_api_key is None:
        return [Finding("OpenRouter key", "off", "not set: Ollama is asked first", "set OPENROUTER_API_KEY to use it")]
    if problem := settings.openrouter_key_problem:
        return [Finding("OpenRouter key", "failure", problem, "copy the key anew and set OPENROUTER_API_KEY")]
    return [await _key(settings, settings.openrouter_key), *_headers(settings), *await _models(settings)]


def _headers(settings: Settings) -> list[Finding]:
    """Of the headers that cannot be sent as they stand."""
    values = {"OPENROUTER_REFERER": settings.openrouter_referer, "OPENROUTER_TITLE": settings.openrouter_title}
    return [
        Finding(name, "warning", f"is no plain ASCII: sent as {header_value(value)}", f"write {name} in ASCII")
        for name, value in values.items()
        if header_value(value) != value.strip()
    ]


async def _key(settings: Settings, key: str) -> Finding:
    shown, where = mask_key(key), mask_url(settings.openrouter_base)
    headers = {"authorization": f"Bearer {key}"}
    try:
        status, data = await _get(f"{settings.openrouter_base}/key", headers)
    except RequestFailed as failure:
        return Finding(
            "OpenRouter key", "failure", f"{where}: {failure.message}", _connection_fix(failure, "OPENROUTER_BASE")
        )
    if status in (401, 403):
        return Finding(
            "OpenRouter key",
            "failure",
            f"{shown} is rejected (HTTP {status})",
            "make a new key and set OPENROUTER_API_KEY",
        )
    if status != 200:
        return Finding("OpenRouter key", "warning", f"{shown}: HTTP {status} from {where}/key, so it cannot be judged")
    facts = data.get("data") if isinstance(data.get("data"), dict) else {}
    left = facts.get("limit_remaining") if isinstance(facts, dict) else None
    if isinstance(left, (int, float)) and left <= 0:
        return Finding(
            "OpenRouter key", "failure", f"{shown} is valid, no credit left", "add credit or raise its limit"
        )
    credit = f"{left:.2f} USD left" if isinstance(left, (int, float)) else "no limit on the key"
    return Finding("OpenRouter key", "ok", f"{shown} is valid, {credit}")


def _connection_fix(failure: RequestFailed, setting: str) -> str:
    if "SSL_CERT" in failure.message or "proxy" in failure.message.lower():
        return "correct that variable of the environment, or unset it"
    return f"check the network, or {setting}"


async def _models(settings: Settings) -> list[Finding]:
    models = ModelList(settings)
    try:
        models.take(await models.fetch(time.monotonic() + _WAIT_S))
    except RequestFailed as failure:
        detail = f"the model list cannot be read ({failure.message}): function_calling is used"
        return [Finding("OpenRouter models", "warning", detail, "set OPENROUTER_METHOD if your models need another")]
    return [_model(name, models, settings) for name in settings.openrouter_models]


def _model(name: str, models: ModelList, settings: Settings) -> Finding:
    subject, listed = f"model {name}", models.find(name)
    if listed is None:
        successor = nearest_successor(name, models.models) if settings.openrouter_follow_retired else None
        if successor is None:
            fix = "choose one that `clinical-model-selector models` lists and set OPENROUTER_MODEL"
            return Finding(subject, "failure", "is not in the model list", fix)
        told = describe_retired(name, successor, settings.openrouter_models)
        detail, _, line = told.removeprefix(f"{name} ").partition("; to settle it, ")
        return Finding(subject, "warning", detail, line)
    method = settings.openrouter_method
    chosen = method if method != "auto" else pick_structured_output([listed])
    if chosen not in listed.structured_outputs:
        able = ", ".join(listed.structured_outputs) or "no structured output"
        fix = "set OPENROUTER_METHOD=auto" if listed.structured_outputs else "choose another OPENROUTER_MODEL"
        return Finding(subject, "failure", f"supports {able}, not {chosen}", fix)
    return Finding(subject, "ok", f"asked by {chosen}; {_price(listed, settings)}")


def _price(listed: ListedModel, settings: Settings) -> str:
    if listed.prompt_usd is None or listed.completion_usd is None:
        return "its price is not listed"
    tokens = count_tokens(typical_messages(settings))
    price = tokens * listed.prompt_usd + ANSWER_TOKENS * listed.completion_usd
    return f"a typical selection costs about {price:.4f} USD"


async def _ollama(settings: Settings) -> list[Finding]:
    failures = []
    for base in settings.ollama_bases:
        try:
            status, data = await _get(f"{base}/api/version", {})
        except RequestFailed as failure:
            failures.append(f"{mask_url(base)}: {failure.message}")
            continue
        if status != 200:
            failures.append(f"{mask_url(base)}: HTTP {status}")
            continue
        version = mask_text(str(data.get("version", "unknown")))[:40]
        reached = Finding("Ollama", "ok", f"version {version} at {mask_url(base)}")
        return [reached, await _ollama_model(base, settings)]
    return [Finding("Ollama", "failure", "; ".join(failures), "start it with `ollama serve`, or set OLLAMA_BASE")]


async def _ollama_model(base: str, settings: Settings) -> Finding:
    name = settings.ollama_model
    subject = f"model {name}"
    if runs_in_the_cloud(name):
        fix = "set OLLAMA_MODEL to one that runs here"
        return Finding(subject, "warning", describe_cloud(name).removeprefix(f"{name} "), fix)
    try:
        request = httpx.Request("POST", f"{base}/api/show", json={"model": name})
        response = await send(request, time.monotonic() + _WAIT_S)
    except RequestFailed as failure:
        return Finding(subject, "failure", failure.message, "look at Ollama's log")
    if response.status_code == 404:
        return Finding(subject, "failure", "is not pulled", f"ollama pull {name}")
    facts = _as_object(response)
    if response.status_code != 200 or facts is None:
        return Finding(subject, "failure", f"HTTP {response.status_code} from /api/show", "look at Ollama's log")
    needed = count_tokens(longest_messages(settings)) + settings.selector_max_tokens
    if needed > settings.ollama_num_ctx:
        detail = f"our longest prompt and its answer take up to {needed} tokens, num_ctx is {settings.ollama_num_ctx}"
        return Finding(subject, "warning", detail, f"set OLLAMA_NUM_CTX={-(-needed // 1024) * 1024}")
    length = _context_length(facts)
    if length is not None and length < settings.ollama_num_ctx:
        detail = f"knows {length} tokens of context, num_ctx is {settings.ollama_num_ctx}"
        return Finding(subject, "warning", detail, "choose an OLLAMA_MODEL with a longer context")
    return Finding(subject, "ok", f"pulled; our longest prompt fits in num_ctx ({settings.ollama_num_ctx})")


def _context_length(facts: dict[str, Any]) -> int | None:
    info = facts.get("model_info")
    lengths = [v for k, v in info.items() if k.endswith(".context_length")] if isinstance(info, dict) else []
    return lengths[0] if lengths and isinstance(lengths[0], int) else None


def _cache(settings: Settings) -> Finding:
    fix = "set SELECTOR_CACHE to off, memory, a file's path or a redis:// URL that works"
    try:
        cache = open_cache(settings)
    except (SettingsError, MissingExtra) as error:
        return Finding("cache", "failure", str(error), fix)
    if cache is None:
        return Finding("cache", "off", "every selection asks anew")
    wrong = cache.ping()
    if wrong is not None:
        return Finding("cache", "warning", f"cannot be used ({wrong}): selections go on without it", fix)
    return Finding("cache", "ok", "written and read")


async def _tracing(settings: Settings) -> Finding:
    # LangSmith's own variables, read by LangSmith's own code.
    from langsmith.utils import get_env_var, tracing_is_enabled

    if not tracing_is_enabled():
        return Finding("tracing", "off", "LANGSMITH_TRACING is not set")
    endpoint = str(get_env_var("ENDPOINT", default="https://api.smith.langchain.com")).rstrip("/")
    key = str(get_env_var("API_KEY", default="") or "")
    try:
        status, _ = await _get(f"{endpoint}/info", {"x-api-key": key} if key else {})
    except RequestFailed as failure:
        return Finding("tracing", "warning", f"{mask_url(endpoint)}: {failure.message}", "check LANGSMITH_ENDPOINT")
    if status >= 400:
        return Finding(
            "tracing",
            "warning",
            f"{mask_url(endpoint)}: {outcome_of(status)} (HTTP {status})",
            "check LANGSMITH_API_KEY",
        )
    detail = f"on: runs go to {mask_url(endpoint)}; a table that another runnable is given is sent with its run"
    return Finding("tracing", "warning", detail, "hand runnables open_table(...) instead of a table, or switch it off")


def _who(settings: Settings, openrouter: list[Finding], ollama: list[Finding]) -> Finding:
    asked = (("openrouter", openrouter), ("ollama", ollama))
    able = [name for name, items in asked if items and all(item.state in ("ok", "warning") for item in items)]
    if settings.selector_embedded != "never":
        able.append("embedded")
    if not able:
        return Finding(_WHO, "failure", "nobody", "mend one of the providers above, or set SELECTOR_EMBEDDED=auto")
    return Finding(_WHO, "ok", ", then ".join(able))


async def _get(url: str, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    response = await send(httpx.Request("GET", url, headers=headers), time.monotonic() + _WAIT_S)
    return response.status_code, _as_object(response) or {}


def _as_object(response: httpx.Response) -> dict[str, Any] | None:
    try:
        data = json.loads(response.content)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None
