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
        verdict: One of `digits.thresholds.VERDICTS`, or `REFUSED`, `UNREAD`, `UNKNOWN`.
        probabilities: Probabilities of the digits 0 to 9, (10,) float32. None after an error.
        reason: Text of the error. Empty if there is a prediction.
    """

    verdict: str
    probabilities: NDArray[np.float32] | None = None
    reason: str = ""


@dataclass(frozen=True)
class NumberOutcome:
    """Number or error for one image.

    Attributes:
        verdict: One of `numbers.thresholds.VERDICTS`, or `REFUSED` or `UNREAD`.
        number: The number as text, empty for the verdict `no_number`. None after an error.
        confidence: Probability that `number` is correct, 0..1.
        lines: The lines of writing, as in the response of `POST /predictnumber`.
        reason: Text of the error. Empty if there is a result.
    """

    verdict: str
    number: str | None = None
    confidence: float = 0.0
    lines: Sequence[Mapping[str, Any]] = ()
    reason: str = ""


class _Connection:
    """Sends images to one path of a service over one kept-alive connection."""

    #: Path of the request, with its query.
    address = ""

    def __init__(self, url: str, key: str = "", query: str = "") -> None:
        """Connect to the service at `url`.

        Args:
            url: Address of the page, such as http://127.0.0.1:8000.
            key: API key, if the service needs one.
            query: Text that is appended to `address`, such as `?length=4`.

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
        self._path = f"{parts.path.rstrip('/')}{self.address}{query}"
        self._connection = connection_class(host, port, timeout=TIMEOUT_SECONDS)
        try:
            self._connection.connect()
        except OSError as error:
            raise ConnectionError(
                f"The service at {url} cannot be reached ({error}). Start the service with "
                "`make run`, or leave out --url to use the model file."
            ) from error

    def ask(self, upload: bytes) -> tuple[int, bytes]:
        """Send one image and return the status and the body of the response.

        Raises:
            OSError, http.client.HTTPException: The service did not respond.
        """
        try:
            return self._post(_FORM_START + upload + _FORM_END)
        except (OSError, http.client.HTTPException):
            self.close()
            raise

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
            # The server may have closed the connection after the last request. Try a new one.
            self.close()
            return self._exchange(form)

    def _exchange(self, form: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        self._connection.request("POST", self._path, form, self._headers)
        response = self._connection.getresponse()
        return response, response.read()


class DlflaskClient(_Connection):
    """Sends images to `POST /predictlabel` over one kept-alive connection."""

    # With `details` the response includes the verdict. Older versions of the service ignore it.
    address = "/predictlabel?details=1"

    def __call__(self, upload: bytes) -> Outcome:
        """Send one image and return its prediction or error."""
        try:
            return _parse(*self.ask(upload))
        except (OSError, http.client.HTTPException) as error:
            return Outcome(UNREAD, reason=f"{type(error).__name__}: {error}")


class NumberClient(_Connection):
    """Sends images to `POST /predictnumber` over one kept-alive connection."""

    address = "/predictnumber"

    def __call__(self, upload: bytes) -> NumberOutcome:
        """Send one image and return its number or error."""
        try:
            return _parse_number(*self.ask(upload))
        except (OSError, http.client.HTTPException) as error:
            return NumberOutcome(UNREAD, reason=f"{type(error).__name__}: {error}")


def _parse_number(status: int, body: bytes) -> NumberOutcome:
    try:
        content = json.loads(body)
        if status == http.client.OK:
            number, verdict = content["number"], content["verdict"]
            return NumberOutcome(verdict, number, float(content["confidence"]), content["lines"])
        reason = f"{status} {content['title']}: {content['detail']}"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return NumberOutcome(UNREAD, reason=f"unexpected response with status {status} ({error!r})")
    return NumberOutcome(REFUSED if status in _REJECTED else UNREAD, reason=reason)


def _parse(status: int, body: bytes) -> Outcome:
    try:
        content = json.loads(body)
        if status == http.client.OK:
            rows = {row["label"]: float(row["probability"]) for row in content["predictions"]}
            probabilities = [rows[str(label)] for label in range(NOT_A_DIGIT)]
            verdict = content.get("details", {}).get("verdict", UNKNOWN)
            return Outcome(verdict, np.array(probabilities, np.float32))
        reason = f"{status} {content['title']}: {content['detail']}"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return Outcome(UNREAD, reason=f"unexpected response with status {status} ({error!r})")
    return Outcome(REFUSED if status in _REJECTED else UNREAD, reason=reason)
