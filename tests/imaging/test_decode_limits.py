"""Limits on CPU time and memory of one image, and on large images at the same time."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack

import pytest
from PIL import Image

from dlflask.digits.recogniser import DigitRecogniser
from dlflask.digits.segmentation import locate_digit
from dlflask.errors import Busy, TooComplex, TooManyPixels
from dlflask.imaging import read_ink as two_steps
from dlflask.imaging.cost import large_images
from dlflask.imaging.cost.limited_file import CpuTimeLimit, LimitedFile
from dlflask.imaging.decode import decode
from dlflask.imaging.decoded_image import WHOLE
from dlflask.imaging.read_ink import read_ink
from dlflask.web.load_shedding import THREADS
from tests.conftest import FakeClassifier, encode
from tests.costly.jpeg import in_scans_of_one_component
from tests.costly.png import bare
from tests.drawing import draw_digit
from tests.serving import ROOT

GIF, PNG = encode(draw_digit(4), "GIF"), encode(draw_digit(4))
SMALL_DIGIT_IMAGE = draw_digit(4, 100).crop((-900, -900, 1_100, 1_100))
LARGE = encode(Image.new("L", (3_000, 3_000), 255))


def test_limited_file_stops_when_the_cpu_time_is_used_up():
    file = LimitedFile(b"abc", CpuTimeLimit(seconds=-1))

    with pytest.raises(TooComplex, match="over 2 s of CPU time"):
        file.read()


def test_decode_beyond_the_deadline_is_too_complex():
    with pytest.raises(TooComplex):
        decode(GIF, CpuTimeLimit(seconds=-1))


def test_read_ink_decodes_again_only_with_as_much_time_left(monkeypatch):
    class HalfUsed(CpuTimeLimit):
        def check(self, times=1):
            super().check()
            if times == 2:
                raise TooComplex("half of the time is used")

    monkeypatch.setattr(two_steps, "CpuTimeLimit", HalfUsed)

    with pytest.raises(TooComplex, match="half"):
        read_ink(encode(SMALL_DIGIT_IMAGE, "JPEG"), locate_digit)


@pytest.mark.parametrize(
    ("kind", "times"), {"PNG": 1, "GIF": 1, "BMP": 1, "TIFF": 1, "WEBP": 1, "JPEG": 2}.items()
)
def test_read_ink_of_a_small_digit_decodes_only_a_jpeg_again(kind, times, monkeypatch):
    regions = []

    def counted(upload, time_limit, region=WHOLE):
        regions.append(region)
        return decode(upload, time_limit, region)

    monkeypatch.setattr(two_steps, "decode", counted)

    ink = read_ink(encode(SMALL_DIGIT_IMAGE, kind), locate_digit)

    assert len(regions) == times
    assert max(ink.shape) > 2 * max(
        locate_digit(read_ink(encode(SMALL_DIGIT_IMAGE, kind)))[0].shape
    )
    assert ink.mean() > 0.03, "the part around the digit"


def test_decoded_image_releases_its_memory_before_its_slot():
    with decode(LARGE, CpuTimeLimit()) as image:
        assert large_images._slot.locked(), "as long as its memory is held"

    assert not hasattr(image, "_image")
    assert not large_images._slot.locked()


def test_limited_file_read_without_size_returns_all():
    assert LimitedFile(b"abc", CpuTimeLimit()).read() == b"abc"


def test_read_ink_rejects_a_third_large_image():
    with ExitStack() as stack:
        stack.enter_context(large_images.decode_slot())
        assert large_images._places.acquire(blocking=False), "one more may wait"
        with pytest.raises(Busy, match="Send this image again in a few seconds"):
            read_ink(LARGE)
        read_ink(PNG)
        read_ink(GIF)
        large_images._places.release()


def test_decode_slot_is_free_after_a_damaged_image():
    for _ in range(3):
        with pytest.raises(Exception, match="cut off"):
            read_ink(LARGE[:-300])

    with large_images.decode_slot():
        pass


def test_read_many_rejects_only_the_large_image():
    with large_images.decode_slot():
        large_images._places.acquire(blocking=False)
        try:
            busy, reading = DigitRecogniser(FakeClassifier()).read_many([LARGE, PNG])
        finally:
            large_images._places.release()

    assert isinstance(busy, Busy)
    assert reading.prediction.label == 4


def test_response_of_a_busy_worker_has_retry_after(client):
    with large_images.decode_slot():
        large_images._places.acquire(blocking=False)
        try:
            response = client.post("/predictlabel", data=LARGE, content_type="image/png")
        finally:
            large_images._places.release()

    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert response.get_json()["type"] == "urn:dlflask:problem:busy"


@pytest.mark.parametrize(
    ("size", "mode"), [((2_480, 3_508), "RGB"), ((3_000, 4_000), "L")], ids=["a4", "grey"]
)
def test_read_ink_of_a_tiff_of_jpeg_strips(size, mode):
    page = Image.new(mode, size, "white")
    page.paste(draw_digit(4, 1_000), (500, 500))

    read_ink(encode(page, "TIFF", compression="jpeg", tiffinfo={278: 8}))


def test_read_ink_limits_a_jpeg_of_a_scan_for_each_component():
    upload = encode(Image.new("RGB", (6_000, 5_000)), "JPEG", subsampling=0)

    with pytest.raises(TooManyPixels, match="limit is 26 for this kind of JPEG"):
        read_ink(in_scans_of_one_component(upload))


def test_read_ink_rejects_too_many_rows():
    with pytest.raises(TooManyPixels, match="1 x 2000000"):
        read_ink(bare(1, 2_000_000, 8, 0, b""))


#: Decodes 64 megapixels in a process with memory for a few.
WITHOUT_MEMORY = """
import resource, sys
from pathlib import Path
from dlflask.errors import TooComplex
from dlflask.imaging.read_ink import read_ink
read_ink(Path("static/4.jpg").read_bytes())
upload = Path(sys.argv[1]).read_bytes()
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + 60_000_000
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    read_ink(upload)
except TooComplex as error:
    print(error, error.__cause__, error.__context__)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel bounds a process on Linux only")
def test_read_ink_without_enough_memory_is_too_complex(tmp_path):
    (tmp_path / "large.png").write_bytes(encode(Image.new("RGB", (8_000, 8_000))))

    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_MEMORY, tmp_path / "large.png"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "takes more memory to decode than the service has" in done.stdout
    assert done.stdout.endswith("None None\n"), "no traceback holds what was decoded"


def test_large_images_leave_one_thread_for_others():
    assert large_images.MAX_ADMITTED < THREADS
