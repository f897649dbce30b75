"""Structured logs on standard error; secrets never reach them.

What libraries write through :mod:`logging` leaves through the same processors, so that a log has one form.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

SECRET_WORDS = ("password", "passwd", "secret", "token", "authorization", "cookie", "api_key", "private_key")
"""Parts of key names."""
URL_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@/\s]+@")
HIDDEN = "[hidden]"


def _is_secret(key: object) -> bool:
    name = str(key).lower().replace("-", "_")
    return any(word in name for word in SECRET_WORDS)


def _blanked(value: Any) -> Any:
    if isinstance(value, str):
        return URL_PASSWORD.sub(rf"\1{HIDDEN}@", value) if "://" in value else value
    if isinstance(value, Mapping):
        return {key: HIDDEN if _is_secret(key) else _blanked(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_blanked(inner) for inner in value]
    return value


def hide_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank every value whose key speaks of a secret, at any depth, and the password of every URL."""
    for key, value in event.items():
        # what the logging bridge carries for itself is no part of the message
        if key not in {"_record", "_from_structlog", "exc_info"}:
            event[key] = HIDDEN if _is_secret(key) else _blanked(value)
    return event


def _renderers(style: str) -> list[Any]:
    if style == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]


class _OurHandler(logging.StreamHandler[Any]):
    """The handler that :func:`configure_logging` put in place, told from anybody else's."""


def configure_logging(style: str, level: str) -> None:
    """Write JSON lines or console lines to standard error, from ``level`` on (libraries: from warning on)."""
    number = logging.getLevelNamesMapping()[level.upper()]
    common: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    structlog.configure(
        processors=[*common, *_renderers(style)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = _OurHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*common, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(style)],
        )
    )
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h, _OurHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(max(number, logging.WARNING))


def get_logger(name: str) -> Any:
    """A logger that carries its module's name."""
    return structlog.get_logger().bind(logger=name)
