"""Structured logs: one JSON object a line, with closed fields; no value of a table, no name of a column, no key."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from ...chains.providers.redaction import mask_url
from ...schemas.settings import Settings

__all__ = ["LOGGER", "configure_logging", "describe_settings"]


def configure_logging(level: str) -> None:
    """Send every log of this process to stderr as JSON, uvicorn's too."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *_shared()],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("clinical_model_selector").setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = True
    logging.getLogger("uvicorn.error").setLevel(level.upper())
    # One line a request is written by the service itself, under the route's name and not under what the client sent.
    logging.getLogger("uvicorn.access").setLevel(logging.CRITICAL)


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_error_only,
    ]


def _render(logger: WrappedLogger, method: str, event: EventDict) -> Any:
    """For our own handler as it is; for whatever logging a host has, as one line of text."""
    handlers = logging.getLogger().handlers
    if any(isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter) for handler in handlers):
        return structlog.stdlib.ProcessorFormatter.wrap_for_formatter(logger, method, event)
    fields = {name: value for name, value in event.items() if name not in ("event", "level", "logger", "timestamp")}
    return " ".join([str(event["event"]), *(f"{name}={value}" for name, value in fields.items())])


def describe_settings(settings: Settings) -> dict[str, Any]:
    """Every setting as used, keys and passwords masked."""
    values = settings.model_dump(mode="json")
    masked = {name: _mask(name, value) for name, value in values.items()}
    masked["service_keys"] = sorted(settings.service_key_hashes)
    return masked


def _mask(name: str, value: Any) -> Any:
    if name.endswith("_key"):
        return "set" if value else "unset"
    return mask_url(value) if isinstance(value, str) and "://" in value else value


def _name_error_only(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """An unforeseen error by its type and place: its message or traceback might quote a cell."""
    found = event.pop("exc_info", None)
    record = event.get("_record")
    if found is None and isinstance(record, logging.LogRecord):
        found = record.exc_info
    if isinstance(record, logging.LogRecord):
        record.exc_info, record.exc_text = None, None
    if found is True:
        found = sys.exc_info()
    if isinstance(found, BaseException):
        found = (type(found), found, found.__traceback__)
    if isinstance(found, tuple) and found[0] is not None:
        kind, _, trace = found
        frames = [(frame.f_globals.get("__name__", "?"), line) for frame, line in traceback.walk_tb(trace)]
        ours = [place for place in frames if place[0].startswith("clinical_model_selector.")]
        event["error"] = kind.__name__
        event["at"] = "{}:{}".format(*(ours or frames or [("?", 0)])[-1])
        event["event"] = str(event.get("event", "")).partition("\n")[0]
    return event


# Of its own and not structlog's global configuration: a host that mounts the router has its own, or none.
LOGGER: structlog.stdlib.BoundLogger = structlog.wrap_logger(
    logging.getLogger("clinical_model_selector.service"),
    processors=[structlog.stdlib.filter_by_level, *_shared(), _render],
    wrapper_class=structlog.stdlib.BoundLogger,
)
