"""Logging of Gunicorn and the application: text on a terminal, otherwise JSON lines."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from datetime import timedelta
from typing import Any

from gunicorn import glogging


class Logger(glogging.Logger):  # type: ignore[misc]  # Gunicorn is untyped
    """Logger of Gunicorn that writes JSON unless stderr is a terminal.

    The application's log records go through the same handlers. `--access-logfile` turns on the
    access log, which is always JSON with the fields of NGINX's log. The error log
    and the access log omit URL queries and images.
    """

    def setup(self, cfg: Any) -> None:
        """Set up Gunicorn's handlers, and use them for all loggers and uncaught exceptions."""
        super().setup(cfg)
        if not sys.stderr.isatty():
            for handler in self.error_log.handlers:
                handler.setFormatter(JsonFormatter())
        application = logging.getLogger("dlflask")
        application.handlers = self.error_log.handlers
        application.propagate = False
        # Use the handlers for libraries, too. Also use them for uncaught exceptions, because Python
        # would print these as plain tracebacks.
        logging.getLogger().handlers = self.error_log.handlers
        sys.excepthook = self._log_uncaught
        threading.excepthook = lambda args: self._log_uncaught(
            args.exc_type, args.exc_value, args.exc_traceback
        )

    def _log_uncaught(self, exc_type: type[BaseException], error: Any, traceback: Any) -> None:
        if not issubclass(exc_type, (KeyboardInterrupt, SystemExit)):
            self.error_log.critical("Uncaught error", exc_info=(exc_type, error, traceback))

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """Write the line of one request to the access log."""
        if not self.access_log_enabled:
            return
        line = {
            "time": _now(),
            "request_id": dict(resp.headers).get("X-Request-ID"),
            "client": environ.get("REMOTE_ADDR"),
            "request": f"{req.method} {environ.get('PATH_INFO')}",
            "status": resp.status_code,
            "bytes": resp.sent,
            "seconds": round(request_time.total_seconds(), 6),
        }
        self.access_log.info("%s", json.dumps(line))


class JsonFormatter(logging.Formatter):
    """Formatter that writes a log record as one line of JSON, with the request id if it has one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. It includes the traceback, if `record` has one."""
        try:
            return self._format(record)
        except MemoryError:
            return '{"level": "error", "message": "Out of memory: a line of this log is missing."}'

    def _format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _now(record.created),
            "level": record.levelname.lower(),
            "pid": record.process,
            "message": record.getMessage(),
        }
        if request_id := getattr(record, "request_id", None):
            line["request_id"] = request_id
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def _now(seconds: float | None = None) -> str:
    """Return a time (default: now) as ISO 8601 in UTC with whole seconds, as NGINX logs it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(seconds))
