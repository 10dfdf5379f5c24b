"""Memory and CPU time of the costliest images, accepted or not, in a fresh process."""

import subprocess
import sys

import pytest

from tests.conftest import encode
from tests.costly import avif, gif_bmp, heic, jpeg, png, tiff, webp
from tests.drawing import draw_specks
from tests.serving import ROOT

#: Memory that one image may add to its process, in MB; the README states it.
MAX_MEGABYTES = 320

#: CPU time of one image, in seconds: `CPU_SECONDS`, and some more for a decoder in mid-piece.
MAX_SECONDS = 2.5

#: Prints the CPU time in seconds and the rise of the peak of memory in MB for each file, each in a
#: process of its own that has decoded another image before. On Linux, a child inherits ru_maxrss
#: from its parent, so VmHWM is read there.
MEASURE = """
import os, re, resource, sys, time
from pathlib import Path
from dlflask.digits.normalization import read_tensor
from dlflask.errors import ImageError
from dlflask.numbers.recogniser import NumberRecogniser
from dlflask.recogniser import read
from tests.conftest import FakeClassifier, FakeNetwork

def read_number(upload):
    return read(NumberRecogniser(FakeNetwork(), FakeClassifier()), upload)

read_image = {"digit": read_tensor, "number": read_number}[sys.argv[1]]

def peak():
    status = Path("/proc/self/status")
    if status.is_file():
        return int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6

def measure(path):
    before, upload = peak(), Path(path).read_bytes()
    started = time.process_time()
    try:
        read_image(upload)
        verdict = "accepted"
    except ImageError as error:
        verdict = type(error).__name__
    seconds = time.process_time() - started
    print(path, verdict, seconds, peak() - before, sep="\\t", flush=True)

read_image(Path(sys.argv[2]).read_bytes())
for path in sys.argv[3:]:
    child = os.fork()
    if child == 0:
        measure(path)
        os._exit(0)
    os.waitpid(child, 0)
"""

#: The largest images of each kind, which must be accepted.
ACCEPTED = {
    *("rgb.png", "small-digit.png", "rgba.png", "16-bit.png"),
    *("rgba-small-digit.png", "16-bit-small-digit.png", "page.gif", "small-digit.gif"),
    *("one-scan.jpg", "one-scan-small-digit.jpg", "progressive.jpg", "progressive-small-digit.jpg"),
    *(
        "lossy.webp",
        "small-digit.webp",
        "lossless.webp",
        "avif.avif",
        "4-4-4.avif",
        "small-digit.avif",
    ),
    *("page.heic", "small-digit-4-4-4.heic", "small-digit-10-bits.heic", "opacity-10-bits.heic"),
    *("rotated.heic", "items.heic", "one-scan-without-end.jpg", "small-digit-without-end.jpg"),
    *("cmyk.tif", "small-digit.tif", "group4.tif", "a4.tif", "a4-grey.tif", "turned-grey.tif"),
    "grey.bmp",
}

KINDS = {
    name: make
    for module in (png, jpeg, gif_bmp, webp, avif, heic, tiff)
    for name, make in module.KINDS.items()
}


#: The costliest images for the reading of numbers, which decodes small writing a second time.
NUMBER_KINDS = {
    name: KINDS[name]
    for name in (
        *("rgb.png", "rgba-small-digit.png", "16-bit-small-digit.png", "small-digit.png"),
        *("progressive-small-digit.jpg", "lossy.webp", "small-digit-4-4-4.heic"),
    )
} | {"specks.png": lambda: encode(draw_specks(5_000, 1_000))}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Return {file name: (verdict, seconds of CPU, megabytes)} of `read_tensor`."""
    return measure("digit", KINDS, tmp_path_factory.mktemp("costly"))


def measure(reading, kinds, folder):
    """Return {file name: (verdict, seconds of CPU, megabytes)} of reading a digit or a number."""
    for name, make in kinds.items():
        (folder / name).write_bytes(make())
    completed = subprocess.run(
        [
            sys.executable,
            "-c",
            MEASURE,
            reading,
            ROOT / "static" / "4.jpg",
            *(folder / name for name in kinds),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split("\t") for line in completed.stdout.splitlines()]
    return {
        path.rpartition("/")[2]: (verdict, float(seconds), float(megabytes))
        for path, verdict, seconds, megabytes in rows
    }


def test_read_tensor_accepts_the_largest_images(measured):
    assert set(measured) == set(KINDS)
    assert {name: measured[name][0] for name in ACCEPTED} == dict.fromkeys(ACCEPTED, "accepted")


def test_read_tensor_stays_below_the_memory_limit(measured, figures):
    costliest = max(measured, key=lambda name: measured[name][2])

    figures.append(
        f"most memory of {len(KINDS)} images: {measured[costliest][2]:.0f} MB, {costliest}"
    )
    assert measured[costliest][2] > 200, "the largest PNG alone holds 256 MB"
    assert measured[costliest][2] <= MAX_MEGABYTES


def test_read_tensor_stays_below_the_time_limit(measured, figures):
    for name, (verdict, seconds, megabytes) in measured.items():
        figures.append(f"{name:32} {seconds:5.2f} s {megabytes:4.0f} MB  {verdict}")
    slowest = max(measured, key=lambda name: measured[name][1])

    figures.append(f"most CPU time of {len(KINDS)} images: {measured[slowest][1]:.2f} s, {slowest}")
    assert measured[slowest][1] <= MAX_SECONDS


def test_numbers_stay_below_the_limits(tmp_path, figures):
    found = measure("number", NUMBER_KINDS, tmp_path)

    for name, (verdict, seconds, megabytes) in found.items():
        figures.append(f"number {name:32} {seconds:5.2f} s {megabytes:4.0f} MB  {verdict}")
        assert verdict == "accepted"
        assert seconds <= MAX_SECONDS
        assert megabytes <= MAX_MEGABYTES
