"""Programs that read numbers (readers), called as their users call them, but with one thread.

The readers of other projects (peers) run in a virtual environment of their own, which lacks this
project's packages. Therefore each function imports the packages that it needs.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

from bench.numbers.installed import ROOT, size_of_distributions, size_of_program, size_of_project

#: Characters that PP-OCRv6 and Tesseract may return, because only digits are compared.
ALLOWED_CHARACTERS = "0123456789"

#: Commands that install PP-OCRv6 and RapidOCR, and run the benchmark with them.
INSTALL_PEERS = (
    "python3 -m venv .venv-peers && .venv-peers/bin/pip install --no-deps "
    "-r bench/requirements-peers.txt && python -m bench numbers ... "
    "--peers-python .venv-peers/bin/python"
)


class MissingReaderError(Exception):
    """A reader cannot run here. The message says how to install or run it."""


@dataclass(frozen=True)
class OpenReader:
    """A reader that is ready to read images.

    Attributes:
        read: Function that returns the text in an image file.
        version: Versions of the program and its model.
        disk_bytes: Size on disk of the reader and everything that it needs, except Python and the C
            library.
        process: Id of the process whose CPU time and memory are measured; None for this process.
    """

    read: Callable[[Path], str]
    version: str
    disk_bytes: int
    process: int | None = None


@contextmanager
def dlflask() -> Iterator[OpenReader]:
    """Open this project's reader in this process."""
    from dlflask import __version__  # noqa: PLC0415
    from dlflask.cli.predict import load_number_recogniser  # noqa: PLC0415
    from dlflask.config import Config  # noqa: PLC0415
    from dlflask.evaluate.outcomes import read_by_recogniser  # noqa: PLC0415

    recogniser = load_number_recogniser(Config.from_environment())
    read = read_by_recogniser(recogniser)
    versions = f"{__version__}, model {recogniser.network.sha256[:8]}"
    yield OpenReader(lambda path: read(path.read_bytes()).label or "", versions, size_of_project())


@contextmanager
def dlflask_http() -> Iterator[OpenReader]:
    """Start this project's service with one worker, and send all images over one connection."""
    from dlflask import __version__  # noqa: PLC0415
    from dlflask.client import NUMBER_PATH, DlflaskClient  # noqa: PLC0415

    if sys.platform != "linux":
        raise MissingReaderError(
            "run it on Linux: the CPU time of another process can be read on Linux only"
        )
    # Gunicorn inherits the open socket. Requests wait until Gunicorn accepts connections.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        number = listener.fileno()
        options = ["--bind", f"fd://{number}", "--log-level", "warning"]
        server = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "gunicorn", *options, "server:app"],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            pass_fds=[number],
        )
    try:
        with closing(DlflaskClient(url, path=NUMBER_PATH)) as client:
            # Gunicorn's main process starts one worker, which reads the images. After the first
            # response, the worker exists.
            client((ROOT / "static" / "4.jpg").read_bytes())
            children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text("ascii")
            yield OpenReader(
                lambda path: client(path.read_bytes()).label or "",
                f"{__version__}, Gunicorn {version('gunicorn')}",
                size_of_project(),
                int(children.split()[0]),
            )
    finally:
        server.terminate()
        server.wait(timeout=60)


@contextmanager
def ppocr_digits() -> Iterator[OpenReader]:
    """Open the text recogniser of PP-OCRv6 without its detector.

    The recogniser receives the whole image as one line. Only digits are decoded.
    """
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
    # Keep only output 0 (blank, which separates characters) and the outputs of the ten digits.
    outputs = [0, *(1 + alphabet.index(digit) for digit in ALLOWED_CHARACTERS)]
    name = session.get_inputs()[0].name

    def read(path: Path) -> str:
        image = cv2.imread(str(path))
        height, width = image.shape[:2]
        scaled = cv2.resize(image, (max(1, -(-48 * width // height)), 48)).transpose(2, 0, 1)
        line = np.zeros((1, 3, 48, max(320, scaled.shape[2])), np.float32)
        line[0, :, :, : scaled.shape[2]] = (scaled / 255 - 0.5) / 0.5
        best = session.run(None, {name: line})[0][0][:, outputs].argmax(axis=1)
        changes = np.flatnonzero(np.diff(best, prepend=0))
        return "".join(ALLOWED_CHARACTERS[index - 1] for index in best[changes] if index)

    disk_bytes = size_of_distributions("onnxruntime", "opencv-python-headless", "numpy")
    versions = f"ONNX Runtime {version('onnxruntime')}"
    yield OpenReader(read, versions, disk_bytes + model.stat().st_size)


@contextmanager
def rapidocr(**chosen: str | int) -> Iterator[OpenReader]:
    """Open PP-OCRv6 as RapidOCR runs it, with detector, orientation classifier and recogniser.

    Args:
        chosen: Settings of the detector that differ from RapidOCR's default settings.
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
    disk_bytes = size_of_distributions("rapidocr", "onnxruntime", "opencv-python-headless")
    yield OpenReader(
        lambda path: "\n".join(engine(path).txts or ()),
        f"RapidOCR {version('rapidocr')}, ONNX Runtime {version('onnxruntime')}",
        disk_bytes,
    )


@contextmanager
def tesseract() -> Iterator[OpenReader]:
    """Use the program `tesseract`, which is started for each image and reads one line of digits."""
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


#: RapidOCR's default settings enlarge an image until its shorter side has 736 pixels. In an
#: enlarged image of a number, the detector often finds no text. The settings below never enlarge an
#: image, and reduce an image whose longer side exceeds 960 pixels.
IMAGES_NOT_ENLARGED = partial(rapidocr, limit_type="max", limit_side_len=960)

#: Readers, in the order of the rows in the result table. The key is the name on the command line.
#: The value is the title in the table, and the function that opens the reader.
READERS: dict[str, tuple[str, Callable[[], AbstractContextManager[OpenReader]]]] = {
    "dlflask": ("dlflask, called from Python without HTTP", dlflask),
    "http": ("dlflask, `POST /predictnumber`", dlflask_http),
    "ppocr": ("PP-OCRv6 text recogniser alone, restricted to digits", ppocr_digits),
    "rapidocr": ("RapidOCR (PP-OCRv6), default settings", rapidocr),
    "rapidocr-960": ("RapidOCR (PP-OCRv6), images not enlarged", IMAGES_NOT_ENLARGED),
    "tesseract": ("Tesseract, restricted to digits", tesseract),
}

#: Names of the readers that run in the virtual environment of the peers.
OF_PEERS = ("ppocr", "rapidocr", "rapidocr-960")

#: Names of the readers that read fewer images, because some images take several seconds.
SLOW = ("rapidocr", "rapidocr-960")
