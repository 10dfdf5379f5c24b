"""Gunicorn's and the application's log records in; lines of text for a terminal, else JSON, out."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from datetime import timedelta
from typing import Any

from gunicorn import glogging


class Logger(glogging.Logger):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn's logger, whose lines are JSON wherever stderr is no terminal.

    What the application logs goes the same way. Whole requests, with `--access-logfile`, are JSON
    always, with the fields of NGINX's log; neither log holds a query or a picture.
    """

    def setup(self, cfg: Any) -> None:
        """Take gunicorn's handlers, and write JSON through them."""
        super().setup(cfg)
        if not sys.stderr.isatty():
            for handler in self.error_log.handlers:
                handler.setFormatter(JsonFormatter())
        application = logging.getLogger("dlflask")
        application.handlers = self.error_log.handlers
        application.propagate = False
        # Libraries, and what Python itself would print of an error that nothing caught.
        logging.getLogger().handlers = self.error_log.handlers
        sys.excepthook = self._log_uncaught
        threading.excepthook = lambda hook: self._log_uncaught(
            hook.exc_type, hook.exc_value, hook.exc_traceback
        )

    def _log_uncaught(self, kind: type[BaseException], error: Any, traceback: Any) -> None:
        if not issubclass(kind, (KeyboardInterrupt, SystemExit)):
            self.error_log.critical("Uncaught error", exc_info=(kind, error, traceback))

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """Write one request."""
        if not self.access_log_enabled:
            return
        line = {
            "time": _now(),
            "request_id": dict(resp.headers).get("X-Request-ID"),
            "client": environ.get("HTTP_X_FORWARDED_FOR", environ.get("REMOTE_ADDR")),
            "request": f"{req.method} {environ.get('PATH_INFO')}",
            "status": resp.status_code,
            "bytes": resp.sent,
            "seconds": round(request_time.total_seconds(), 6),
        }
        self.access_log.info("%s", json.dumps(line))


class JsonFormatter(logging.Formatter):
    """One line of JSON for one record, with the request id where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return everything known of `record`, a traceback included, on one line."""
        try:
            return self._format(record)
        except MemoryError:
            return '{"level": "error", "message": "There was no memory for a line of this log."}'

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
    """ISO 8601 in UTC, to the second, as NGINX writes it in a container."""
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(seconds))
