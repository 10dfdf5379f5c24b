"""Cost of requests: `python -m tests.model.request_costs` prints CPU seconds and MB (Linux).

It runs in a separate process, because Linux records the peak of memory of a whole process.
"""

import base64
import ctypes
import gzip
import io
import json
import re
import sys
import time
from functools import partial
from pathlib import Path

from werkzeug.test import EnvironBuilder, run_wsgi_app

from dlflask.config import Config
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.numbers.recogniser import NumberRecogniser
from dlflask.web.app import create_app
from tests.conftest import FakeClassifier, FakeNetwork
from tests.infer_requests import INFER

JSON, MULTIPART = "application/json", "multipart/form-data; boundary=x"
URLENCODED = "application/x-www-form-urlencoded"
MEGA = 1_000_000


def infer(data, shape=(256, 28, 28), datatype="FP32", **more):
    tensor = {"name": "image", "shape": shape, "datatype": datatype, "data": data}
    body = json.dumps({"inputs": [tensor], **more}, ensure_ascii=False)
    return INFER, gzip.compress(body.encode(), 1), JSON


def image(text, path="/predictlabel"):
    return path, b'{"image":"' + text + b'"}', JSON


def form(parts, headers, content=b"not an image", path="/predictlabels"):
    one = b'--x\r\nContent-Disposition: form-data; name="image"; filename="4"' + headers
    return path, (one + b"\r\n\r\n" + content + b"\r\n") * parts + b"--x--\r\n"


def number(text):
    path, body, kind = infer([0])
    return path, gzip.compress(gzip.decompress(body).replace(b"[0]", b"[%s]" % text), 1), kind


CASES = {
    "tensor": lambda: infer([0.123456789] * 200_704),
    "strings, one longer": lambda: infer(["a"] * 199_999 + ["b" * 750]),
    "strings, one much longer": lambda: infer(["a"] * 199_999 + ["b" * 15 * MEGA]),
    "integers of 4299 digits": lambda: number(b",".join([b"9" * 4299] * 3_800)),
    "lists in lists": lambda: number(b",".join([b"[" * 100 + b"]" * 100] * 2_000)),
    "a long id": lambda: infer([0.5] * 784, [1, 28, 28], id="\N{ROCKET}" + "a" * 15 * MEGA),
    "gzip bomb": lambda: (INFER, gzip.compress(bytes(100 * MEGA)), JSON),
    "BYTES of blanks": lambda: infer(["ab " * 5 * MEGA], [1], "BYTES"),
    "base64": lambda: image(base64.b64encode(bytes(12 * MEGA))),
    "base64, URL-safe, without padding": lambda: image(b"-_" * 8 * MEGA + b"aa"),
    "other keys": lambda: (
        "/predictlabel",
        ('{"a":["\N{ROCKET}"' + ',""' * 4_000 + '],"image":"' + "a" * 15 * MEGA + '"}').encode(),
        JSON,
    ),
    "base64 of blanks": lambda: image(b"ab " * 5 * MEGA),
    "base64 of line breaks": lambda: image(b"ab\\n" * 4 * MEGA),
    "base64 of emoji": lambda: image(("\N{ROCKET}" + "a" * 15 * MEGA).encode()),
    "parameters of a data: URL": lambda: image(b"data:image/png" + b";a=b" * 4 * MEGA),
    "urlencoded form": lambda: ("/", b"a=b&" * 4 * MEGA, URLENCODED),
    "100,000 parts": lambda: (*form(100_000, b""), MULTIPART),
    "headers, many": lambda: (*form(500, b"\r\nA: b" * 5_000), MULTIPART),
    "headers, long": lambda: (*form(400, b';a="\\"' * 6_000), MULTIPART),
    "number: base64": lambda: image(base64.b64encode(bytes(12 * MEGA)), "/predictnumber"),
    "numbers: headers, long": lambda: (
        *form(400, b';a="\\"' * 6_000, path="/predictnumbers?length=4-6"),
        MULTIPART,
    ),
    "numbers: digits of the length": lambda: (
        "/predictnumber?length=" + "9" * 60_000,
        b"x",
        "image/png",
    ),
    "line breaks": lambda: (*form(1, b"", b"\r\n" * 8 * MEGA), MULTIPART),
}


def _peak_bytes():
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024


def _ask(application, path, body, kind):
    encoding = "gzip" if body.startswith(b"\x1f\x8b") else ""
    environ = EnvironBuilder(path, method="POST", headers={"Content-Encoding": encoding})
    asked = {"CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body))}
    asked |= {"wsgi.input": io.BytesIO(body)}
    chunks, status, _ = run_wsgi_app(application, environ.get_environ() | asked, buffered=True)
    return status[:3], b"".join(chunks)


def main():
    """Print name, status, CPU seconds and megabytes of each case."""
    digits = DigitRecogniser(FakeClassifier())
    numbers = NumberRecogniser(FakeNetwork(), FakeClassifier())
    application = create_app(Config(), digits, numbers).wsgi_app
    for warm_up in (infer([0.5] * 784, [1, 28, 28]), image(b"AAAA")):
        _ask(application, *warm_up)
    # Memory freed by earlier requests would hide the memory of this one.
    trim = partial(getattr(ctypes.CDLL(None), "malloc_trim", int), 0)
    for name, make in CASES.items():
        request = make()
        trim()
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # resets the peak
        before, started = _peak_bytes(), time.process_time()
        status, _ = _ask(application, *request)
        seconds = time.process_time() - started
        megabytes = (_peak_bytes() - before) / MEGA
        sys.stdout.write(f"{name}\t{status}\t{seconds:.3f}\t{megabytes:.1f}\n")


if __name__ == "__main__":
    main()
