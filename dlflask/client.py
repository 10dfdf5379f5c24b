"""A picture's bytes in, the answer of a running service out, over one kept connection."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from dlflask.digits.thresholds import NOT_A_DIGIT

TIMEOUT_SECONDS = 30

#: A service under load answers 429 or 503 and says when to come back; longer than this in all is
#: an outage.
MAX_WAIT_SECONDS = 30
_BUSY = (429, 503)
#: These speak of the picture; a 404, say, speaks of a wrong address.
_REFUSALS = (400, 413, 415, 422)

_BOUNDARY = "dlflask-evaluate-7f1c0a55"
_HEAD = (
    f"--{_BOUNDARY}\r\n"
    'Content-Disposition: form-data; name="image"; filename="picture"\r\n'
    "Content-Type: application/octet-stream\r\n\r\n"
).encode()
_TAIL = f"\r\n--{_BOUNDARY}--\r\n".encode()


#: What can stand in place of a verdict: the service answered with a problem; the file could not be
#: read or the service failed, which says nothing about the answer; the service gives no verdicts.
REFUSED, UNREAD, UNKNOWN = "refused", "unread", "unknown"


@dataclass(frozen=True, eq=False)
class Outcome:
    """What was said of one picture.

    Attributes:
        verdict: One of `VERDICTS`, or `REFUSED`, `UNREAD`, `UNKNOWN`.
        probabilities: (10,) float32 of the digits; None where there was no answer.
        reason: Why there was none.
    """

    verdict: str
    probabilities: NDArray[np.float32] | None = None
    reason: str = ""


class Service:
    """A reader that sends each picture to `POST /predictlabel` as a browser's form would."""

    def __init__(self, url: str) -> None:
        """Connect to the service at `url`.

        Raises:
            ValueError: `url` is not like http://127.0.0.1:8000.
            ConnectionError: Nothing answers there.
        """
        parts = urlsplit(url)
        kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        if parts.scheme not in kinds or not parts.hostname:
            raise ValueError(f"{url} is no address of a service; write http://127.0.0.1:8000.")
        # Services that know `details` add the verdict; older ones ignore the query.
        self._path = f"{parts.path.rstrip('/')}/predictlabel?details=1"
        self._connection = kinds[parts.scheme](parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)
        try:
            self._connection.connect()
        except OSError as fault:
            raise ConnectionError(
                f"No service answers at {url} ({fault}). Start it with `make run`, or leave --url "
                "out to evaluate the model file."
            ) from fault

    def __call__(self, upload: bytes) -> Outcome:
        """What the service says of `upload`."""
        try:
            status, body = self._post(_HEAD + upload + _TAIL)
        except (OSError, http.client.HTTPException) as fault:
            self._connection.close()
            return Outcome(UNREAD, reason=f"{type(fault).__name__}: {fault}")
        return _read(status, body)

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def _post(self, form: bytes) -> tuple[int, bytes]:
        headers = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
        waited, dropped = 0.0, False
        while True:
            try:
                self._connection.request("POST", self._path, form, headers)
                response = self._connection.getresponse()
                body = response.read()
            except (ConnectionError, http.client.RemoteDisconnected):
                # A server may close a kept connection between two requests; twice is a fault.
                self._connection.close()
                if dropped:
                    raise
                dropped = True
                continue
            if response.status not in _BUSY or waited >= MAX_WAIT_SECONDS:
                return response.status, body
            after = response.headers.get("Retry-After", "1")
            pause = min(float(after) if after.isdigit() else 1.0, MAX_WAIT_SECONDS)
            time.sleep(pause)
            waited += max(pause, 0.1)


def _read(status: int, body: bytes) -> Outcome:
    """An answer with ten rows, or a refusal; anything else is a fault of the service."""
    try:
        answer = json.loads(body)
        if status == http.client.OK:
            rows = {row["label"]: float(row["probability"]) for row in answer["predictions"]}
            probabilities = [rows[str(label)] for label in range(NOT_A_DIGIT)]
            verdict = answer.get("details", {}).get("verdict", UNKNOWN)
            return Outcome(verdict, np.array(probabilities, np.float32))
        says = f"{status} {answer['title']}: {answer['detail']}"
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        return Outcome(UNREAD, reason=f"status {status}, no answer that is understood ({fault!r})")
    return Outcome(REFUSED if status in _REFUSALS else UNREAD, reason=says)
