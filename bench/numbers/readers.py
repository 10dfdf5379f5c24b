"""The readers to compare, each as its users call it, with one thread.

Each runs in a process of its own, those of other projects in another environment. Therefore this
module imports what it needs only where it is used.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

from bench.numbers.installed import ROOT, size_of_distributions, size_of_program, size_of_project

#: Characters that PP-OCRv6 and Tesseract may return here.
ALLOWED_CHARACTERS = "0123456789"

#: Installs the peers that are Python packages; the option that names their environment follows.
INSTALL_PEERS = (
    "python3 -m venv .venv-peers && .venv-peers/bin/pip install --no-deps "
    "-r bench/requirements-peers.txt && python -m bench numbers ... "
    "--peers-python .venv-peers/bin/python"
)

#: A start of the service on a busy machine takes less.
START_SECONDS = 180


class MissingReaderError(Exception):
    """A reader cannot run here; the message says what to install."""


@dataclass(frozen=True)
class OpenReader:
    """A reader that is ready.

    Attributes:
        read: Returns the text in an image file.
        version: Versions of the program and its model.
        installed: Bytes on disk, with all that it needs except Python and the C library.
        process: The process that reads, if it is another one than this.
    """

    read: Callable[[Path], str]
    version: str
    installed: int
    process: int | None = None


@contextmanager
def dlflask() -> Iterator[OpenReader]:
    """Open this project's reader in this process."""
    from dlflask import __version__  # noqa: PLC0415
    from dlflask.cli.predict import load_number_recogniser  # noqa: PLC0415
    from dlflask.config import Config  # noqa: PLC0415
    from dlflask.evaluate.numbers.outcomes import read_by_recogniser  # noqa: PLC0415

    recogniser = load_number_recogniser(Config.from_environment())
    read = read_by_recogniser(recogniser)
    about = f"{__version__}, model {recogniser.network.sha256[:8]}"
    yield OpenReader(lambda path: read(path.read_bytes()).number or "", about, size_of_project())


@contextmanager
def dlflask_http() -> Iterator[OpenReader]:
    """Start this project's service with one worker; images are sent over one connection."""
    from dlflask import __version__  # noqa: PLC0415
    from dlflask.client import NumberClient  # noqa: PLC0415

    if sys.platform != "linux":
        raise MissingReaderError("the CPU time of another process can be read on Linux only")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    options = ["--bind", address, "--log-level", "warning"]
    command = [sys.executable, "-m", "gunicorn", *options, "server:app"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        _wait(f"http://{address}/readyz", server)
        client = NumberClient(f"http://{address}")
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text("ascii")
        worker = int(children.split()[0])
        yield OpenReader(
            lambda path: client(path.read_bytes()).number or "",
            f"{__version__}, Gunicorn {version('gunicorn')}",
            size_of_project(),
            worker,
        )
        client.close()
    finally:
        server.terminate()
        server.wait(timeout=60)


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310  http
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


@contextmanager
def ppocr_digits() -> Iterator[OpenReader]:
    """Open PP-OCRv6's recogniser: the whole image is the line, only digits are decoded."""
    try:
        import cv2  # noqa: PLC0415
        import numpy as np  # noqa: PLC0415
        import onnxruntime  # noqa: PLC0415
        import rapidocr  # noqa: PLC0415
    except ImportError as error:
        raise MissingReaderError(INSTALL_PEERS) from error
    model = Path(rapidocr.__file__).parent / "models" / "PP-OCRv6_rec_small.onnx"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    alphabet = session.get_modelmeta().custom_metadata_map["character"].splitlines()
    # Output 0 is blank.
    columns = [0, *(1 + alphabet.index(digit) for digit in ALLOWED_CHARACTERS)]
    name = session.get_inputs()[0].name

    def read(path: Path) -> str:
        image = cv2.imread(str(path))
        height, width = image.shape[:2]
        scaled = cv2.resize(image, (max(1, -(-48 * width // height)), 48)).transpose(2, 0, 1)
        line = np.zeros((1, 3, 48, max(320, scaled.shape[2])), np.float32)
        line[0, :, :, : scaled.shape[2]] = (scaled / 255 - 0.5) / 0.5
        path_of_best = session.run(None, {name: line})[0][0][:, columns].argmax(axis=1)
        changes = np.flatnonzero(np.diff(path_of_best, prepend=0))
        return "".join(ALLOWED_CHARACTERS[at - 1] for at in path_of_best[changes] if at)

    installed = size_of_distributions("onnxruntime", "opencv-python-headless", "numpy")
    about = f"ONNX Runtime {version('onnxruntime')}"
    yield OpenReader(read, about, installed + model.stat().st_size)


@contextmanager
def rapidocr(**chosen: str | int) -> Iterator[OpenReader]:
    """Open PP-OCRv6 as RapidOCR runs it: detector, classifier of orientation, recogniser.

    Args:
        chosen: Settings of the detector that differ from RapidOCR's.
    """
    try:
        from rapidocr import RapidOCR  # noqa: PLC0415
    except ImportError as error:
        raise MissingReaderError(INSTALL_PEERS) from error
    threads = dict.fromkeys(("intra_op_num_threads", "inter_op_num_threads"), 1)
    settings: dict[str, str | int] = {
        f"EngineConfig.onnxruntime.{name}": count for name, count in threads.items()
    }
    settings |= {"Global.log_level": "critical"}
    settings |= {f"Det.{name}": value for name, value in chosen.items()}
    engine = RapidOCR(params=settings)
    installed = size_of_distributions("rapidocr", "onnxruntime", "opencv-python-headless")
    yield OpenReader(
        lambda path: "\n".join(engine(path).txts or ()),
        f"RapidOCR {version('rapidocr')}, ONNX Runtime {version('onnxruntime')}",
        installed,
    )


@contextmanager
def tesseract() -> Iterator[OpenReader]:
    """Use the program `tesseract` for one line of digits; each image starts a process."""
    program = shutil.which("tesseract")
    if program is None:
        raise MissingReaderError("Debian and Ubuntu: apt install tesseract-ocr")

    def run(*arguments: str) -> str:
        command = [program, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
        return done.stdout

    allowed = f"tessedit_char_whitelist={ALLOWED_CHARACTERS}"
    yield OpenReader(
        lambda path: run(str(path), "stdout", "--psm", "7", "-c", allowed).strip(),
        run("--version").splitlines()[0],
        size_of_program(program, run("--list-langs")),
    )


#: RapidOCR enlarges images until their shorter side has 736 pixels, and then its detector often
#: finds no text in the image of a number. These settings only reduce images.
IMAGES_NOT_ENLARGED = partial(rapidocr, limit_type="max", limit_side_len=960)

#: By the name on the command line, in the order of the table: title, and how to open it.
READERS: dict[str, tuple[str, Callable[[], AbstractContextManager[OpenReader]]]] = {
    "dlflask": ("dlflask, called from Python without HTTP", dlflask),
    "http": ("dlflask, `POST /predictnumber`", dlflask_http),
    "ppocr": ("PP-OCRv6 text recogniser alone, restricted to digits", ppocr_digits),
    "rapidocr": ("RapidOCR (PP-OCRv6), default settings", rapidocr),
    "rapidocr-960": ("RapidOCR (PP-OCRv6), images not enlarged", IMAGES_NOT_ENLARGED),
    "tesseract": ("Tesseract, restricted to digits", tesseract),
}

#: Readers that run in the environment of the peers.
OF_PEERS = ("ppocr", "rapidocr", "rapidocr-960")

#: Readers that take up to seconds for an image.
SLOW = ("rapidocr", "rapidocr-960")
