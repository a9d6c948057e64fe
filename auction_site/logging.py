"""Sets up structured logging: readable lines in development, one JSON object a line in production."""

import logging.config
from typing import Any

import structlog

_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


class ExpectedRefusals(logging.Filter):
    """A refused request is one line; only what broke on our side keeps its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, those of 4xx answers without their exception."""
        if getattr(record, "status_code", 500) < 500:
            record.exc_info = None
        return True


def configure(options: dict[str, Any]) -> None:
    """Apply `{"format": "text" | "json", "level": …}` to the standard library's loggers and to structlog."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if options["format"] == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "structured": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        structlog.processors.format_exc_info,
                        renderer,
                    ],
                    "foreign_pre_chain": _SHARED,
                }
            },
            "filters": {"expected_refusals": {"()": ExpectedRefusals}},
            "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "structured"}},
            "root": {"handlers": ["console"], "level": options["level"]},
            "loggers": {
                # Every socket and every request would be a line at INFO.
                "uvicorn.access": {"level": "WARNING"},
                "uvicorn.error": {"level": "WARNING"},
                "daphne": {"level": "WARNING"},
                "django.request": {"filters": ["expected_refusals"]},
            },
        }
    )
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
