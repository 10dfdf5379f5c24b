import pytest

from tests.conftest import encode
from tests.drawing import STROKES, draw_digit
from tests.evaluate.samples import BLANK, Nearest


@pytest.fixture(scope="package")
def nearest():
    return Nearest()


@pytest.fixture(scope="package")
def folder(tmp_path_factory):
    """Two sources of ten digits, one with a wrong label, one blank, one file without a label."""
    root = tmp_path_factory.mktemp("pictures") / "drawn"
    for source, ink, paper in [("pen", (20, 20, 90), "white"), ("chalk", "white", (20, 60, 40))]:
        for label in STROKES:
            file = root / source / str(label) / "a.png"
            file.parent.mkdir(parents=True)
            file.write_bytes(encode(draw_digit(label, 120, ink=ink, paper=paper)))
    (root / "pen" / "9" / "wrong.png").write_bytes(encode(draw_digit(4)))
    (root / "chalk" / "3" / "blank.png").write_bytes(BLANK)
    (root / "README.txt").write_text("Drawn by code.")
    (root / ".DS_Store").write_bytes(b"\0")
    return root
