"""HTTP client of a running service, used by the command line and by the evaluation."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from dlflask.digits.thresholds import NOT_A_DIGIT

#: Maximum time in seconds to wait for a connection, and for the next bytes of a response.
TIMEOUT_SECONDS = 30

#: Paths that read a digit and a number. With `details` the response includes the verdict. Older
#: versions of the service ignore `details`.
DIGIT_PATH, NUMBER_PATH = "/predictlabel?details=1", "/predictnumber"

#: Total time in seconds after which the client stops repeating a request to a busy service.
MAX_WAIT_SECONDS = 30
#: Statuses of a busy service. Its header Retry-After tells when to repeat the request.
_BUSY = (429, 503)
#: Statuses of a rejected image. Other statuses, such as 404, mean that the address is wrong or that
#: the service failed.
_REJECTED = (400, 413, 415, 422)

#: Values of `verdict` if the service did not return a verdict. REFUSED: the service rejected the
#: image. UNREAD: the client could not read the file, or the service failed. UNKNOWN: the service
#: returned probabilities without a verdict.
REFUSED, UNREAD, UNKNOWN = "refused", "unread", "unknown"

_BOUNDARY = "dlflask-client-7f1c0a55"
_HEADERS = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
#: Bytes of the form before the image.
_FORM_START = (
    f"--{_BOUNDARY}\r\n"
    'Content-Disposition: form-data; name="image"; filename="image"\r\n'
    "Content-Type: application/octet-stream\r\n\r\n"
).encode()
#: Bytes of the form after the image.
_FORM_END = f"\r\n--{_BOUNDARY}--\r\n".encode()


@dataclass(frozen=True, eq=False)
class Outcome:
    """Prediction or error for one image.

    Attributes:
        verdict: One of `VERDICTS` in `digits.thresholds` or in `numbers.thresholds`, or one of
            `REFUSED`, `UNREAD` and `UNKNOWN`.
        label: The digit or the number as text, empty for the verdict `no_number`. None after an
            error.
        confidence: Probability that `label` is correct, 0..1.
        probabilities: Probabilities of the digits 0 to 9, (10,) float32. None for a number.
        lines: `lines` of the response of `POST /predictnumber`. Empty for a digit.
        reason: Text of the error. Empty if there is a prediction.
    """

    verdict: str
    label: str | None = None
    confidence: float = 0.0
    probabilities: NDArray[np.float32] | None = None
    lines: Sequence[Mapping[str, Any]] = ()
    reason: str = ""


class DlflaskClient:
    """Sends images to one path of a service over one kept-alive connection."""

    def __init__(self, url: str, key: str = "", path: str = DIGIT_PATH) -> None:
        """Connect to the service at `url`.

        Args:
            url: Address of the service, such as http://127.0.0.1:8000.
            key: API key, if the service needs one.
            path: Path of the requests with its query: `DIGIT_PATH`, or `NUMBER_PATH` with or
                without a length, such as `?length=4`.

        Raises:
            ValueError: `url` is not the address of a service, or `key` has invalid characters.
            ConnectionError: The client cannot connect to the service.
        """
        connections = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        try:
            parts = urlsplit(url)
            connection_class = connections[parts.scheme]
            host, port = parts.hostname or "", parts.port
        except (KeyError, ValueError):
            host = ""
        if not host:
            raise ValueError(
                f"{url!r} is not the address of a service; expected an address such as "
                "http://127.0.0.1:8000."
            )
        if key and not (key.isascii() and key.isalnum() and key == key.lower()):
            raise ValueError(
                "The API key contains characters other than lower-case letters and digits. Copy "
                "the key again."
            )
        self._headers = _HEADERS | ({"X-API-Key": key} if key else {})
        self._path = f"{parts.path.rstrip('/')}{path}"
        self._connection = connection_class(host, port, timeout=TIMEOUT_SECONDS)
        try:
            self._connection.connect()
        except OSError as error:
            raise ConnectionError(
                f"The service at {url} cannot be reached ({error}). Start the service with "
                "`make run`, or leave out --url to use the model file."
            ) from error

    def __call__(self, upload: bytes) -> Outcome:
        """Send one image and return its prediction or error."""
        try:
            return _parse(*self._post(_FORM_START + upload + _FORM_END))
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Outcome(UNREAD, reason=f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _post(self, form: bytes) -> tuple[int, bytes]:
        waited = 0.0
        while True:
            response, body = self._send(form)
            if response.status not in _BUSY or waited >= MAX_WAIT_SECONDS:
                return response.status, body
            retry_after = response.headers.get("Retry-After", "1")
            pause = min(float(retry_after) if retry_after.isdigit() else 1.0, MAX_WAIT_SECONDS)
            time.sleep(pause)
            waited += max(pause, 0.1)

    def _send(self, form: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        try:
            return self._exchange(form)
        except (ConnectionError, http.client.RemoteDisconnected):
            # The server may have closed the connection after the last request, so reconnect.
            self.close()
            return self._exchange(form)

    def _exchange(self, form: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        self._connection.request("POST", self._path, form, self._headers)
        response = self._connection.getresponse()
        return response, response.read()


def _parse(status: int, body: bytes) -> Outcome:
    try:
        content = json.loads(body)
        if status != http.client.OK:
            reason = f"{status} {content['title']}: {content['detail']}"
            return Outcome(REFUSED if status in _REJECTED else UNREAD, reason=reason)
        if "number" in content:
            number, confidence = content["number"], float(content["confidence"])
            return Outcome(content["verdict"], number, confidence, lines=content["lines"])
        rows = {row["label"]: float(row["probability"]) for row in content["predictions"]}
        probabilities = np.array([rows[str(label)] for label in range(NOT_A_DIGIT)], np.float32)
        verdict = content.get("details", {}).get("verdict", UNKNOWN)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return Outcome(UNREAD, reason=f"unexpected response with status {status} ({error!r})")
    label, confidence = str(probabilities.argmax()), float(probabilities.max())
    return Outcome(verdict, label, confidence, probabilities)
