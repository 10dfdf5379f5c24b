"""The costliest pictures that are accepted: what they take in a fresh process."""

import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.conftest import encode
from tests.drawing import draw_digit
from tests.serving import ROOT

#: Promised in the README: one picture takes at most so much beside what the process has.
MAX_MEGABYTES = 320

#: Prints, for each file, its seconds of CPU and how far the peak of memory rose over the start's.
#: Linux hands ru_maxrss of a parent down to its child; VmHWM is the process's own.
MEASURE = """
import re, resource, sys, time
from pathlib import Path
from dlflask.digits.normalization import read_tensor
from dlflask.errors import ImageError
from dlflask.imaging.decode import read_ink
from dlflask.digits.normalization import normalize

def peak():
    status = Path("/proc/self/status")
    if status.is_file():
        return int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6

read_tensor(Path(sys.argv[1]).read_bytes())
before = peak()
for path in sys.argv[2:]:
    upload = Path(path).read_bytes()
    started = time.process_time()
    try:
        read_tensor(upload)
        verdict = "accepted"
    except ImageError as error:
        verdict = type(error).__name__
    print(path, verdict, time.process_time() - started, peak() - before, sep="\\t")
"""


def _page(width, height):
    """A large white page with a 4 on it."""
    page = Image.new("RGB", (width, height), "white")
    page.paste(draw_digit(4, 1_000), (width // 3, height // 3))
    return page


def _sixteen_bits(page):
    return Image.fromarray(np.asarray(page.convert("L")).astype(np.uint16) * 257)


def _clear(page):
    page.putalpha(page.convert("L").point(lambda level: 255 - level))
    return page


def _lying_avif():
    """Says 100 x 100 and holds 25 megapixels."""
    upload = bytearray(encode(_page(5_000, 5_000), "AVIF", speed=10, quality=50))
    place = upload.index(b"ispe") + 8
    upload[place : place + 8] = struct.pack(">II", 100, 100)
    return bytes(upload)


#: As large as each kind may be.
ACCEPTED = {
    "rgb.png": lambda: encode(_page(8_000, 8_000), compress_level=1),
    "rgba.png": lambda: encode(_clear(_page(8_000, 8_000)), compress_level=1),
    "16-bit.png": lambda: encode(_sixteen_bits(_page(8_000, 8_000)), compress_level=1),
    "one-scan.jpg": lambda: encode(_page(8_000, 8_000), "JPEG"),
    "progressive.jpg": lambda: encode(_page(5_000, 5_000), "JPEG", progressive=True, subsampling=0),
    "webp.webp": lambda: encode(_page(4_000, 4_000), "WEBP", method=0),
    "avif.avif": lambda: encode(_page(5_200, 5_200), "AVIF", speed=10),
    "lying.avif": _lying_avif,
    "cmyk.tif": lambda: encode(
        _page(4_500, 4_500).convert("CMYK"), "TIFF", compression="tiff_adobe_deflate"
    ),
}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """{file name: (verdict, seconds of CPU, megabytes of the process so far)}."""
    folder = tmp_path_factory.mktemp("costly")
    for name, make in ACCEPTED.items():
        (folder / name).write_bytes(make())
    paths = [str(folder / name) for name in ACCEPTED]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, ROOT / "static" / "4.jpg", *paths],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return {
        path.rpartition("/")[2]: (verdict, float(seconds), float(megabytes))
        for path, verdict, seconds, megabytes in rows
    }


def test_the_largest_pictures_are_accepted(measured):
    assert set(measured) == set(ACCEPTED)
    assert {verdict for verdict, _, _ in measured.values()} <= {"accepted", "BlankImage"}


def test_a_picture_costs_no_more_memory_than_is_promised(measured, figures):
    peak = max(megabytes for _, _, megabytes in measured.values())

    figures.append(f"costliest picture: {peak:.0f} MB of memory")
    assert peak > 200, "the largest PNG alone holds 256 MB"
    assert peak <= MAX_MEGABYTES


def test_no_kind_takes_many_times_the_time_of_another(measured, figures):
    seconds = {name: seconds for name, (_, seconds, _) in measured.items()}
    slowest = max(seconds, key=seconds.get)

    figures.append(f"costliest picture: {slowest}, {seconds[slowest]:.2f} s of CPU")
    assert seconds[slowest] <= 6 * seconds["rgb.png"]
