"""One log on standard error, one record per line, with the request and the run that it belongs to."""

from __future__ import annotations

import logging
import os
import sys
import time
from types import TracebackType
from typing import Literal

import msgspec

from backboard_server.domain import tracing


def configure_logging(process: str, log_format: Literal["text", "json"]) -> None:
    """Send every record of this process to standard error; `process` says which kind of process it is."""
    output = logging.StreamHandler(sys.stderr)
    source = f"{process}[{os.getpid()}]"
    output.setFormatter(JsonLines(source) if log_format == "json" else TextLines(source))
    logging.basicConfig(level=logging.INFO, handlers=[output], force=True)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught


class TextLines(logging.Formatter):
    """`2026-11-23T10:00:00.123Z INFO web[71] request=… run=… message`; a traceback follows, indented."""

    def __init__(self, source: str) -> None:
        """`source` names the process."""
        super().__init__()
        self._source = source

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, and more only for a traceback."""
        ids = "".join(f" {name}={value}" for name, value in _ids().items())
        message = record.getMessage().replace("\n", "\n  ")  # nobody else's text can pose as a record
        traceback = _traceback(self, record).replace("\n", "\n  ")
        line = f"{_time(record)} {record.levelname} {self._source}{ids} {message}"
        return f"{line}\n  {traceback}" if traceback else line


class JsonLines(logging.Formatter):
    """One JSON object per line: time, level, process, logger, request, run, message, traceback."""

    def __init__(self, source: str) -> None:
        """`source` names the process."""
        super().__init__()
        self._source = source

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        fields = {
            "time": _time(record),
            "level": record.levelname,
            "process": self._source,
            "logger": record.name,
            **_ids(),
            "message": record.getMessage(),
        }
        traceback = _traceback(self, record)
        return msgspec.json.encode(fields | {"traceback": traceback} if traceback else fields).decode()


def _ids() -> dict[str, str]:
    ids = {"request": tracing.request_id.get(), "run": tracing.run_id.get()}
    return {name: value for name, value in ids.items() if value}


def _time(record: logging.LogRecord) -> str:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03d}Z"


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""


def _log_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    logging.getLogger("backboard_server").critical("uncaught", exc_info=(kind, error, traceback))
