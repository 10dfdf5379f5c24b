import numpy as np

from tests.digits.snapshot import RECORD, draw_all, read_all

#: Largest rounding difference between processors. A step of one grey level is forty times as much.
TOLERANCE = 1e-4


def test_tensors_equal_the_recorded_ones():
    assert RECORD.is_file(), "PREPROCESSING changed: run `python -m tests.digits.snapshot`"

    with np.load(RECORD) as recorded:
        found = read_all()
        assert set(recorded) == set(found) == set(draw_all())
        changed = [
            name
            for name, tensor in found.items()
            if np.abs(tensor - recorded[name]).max() > TOLERANCE
        ]

    assert not changed, "tensors differ from the recorded ones: increase PREPROCESSING"


def test_only_the_present_version_is_recorded():
    assert list(RECORD.parent.glob("preprocessing-*.npz")) == [RECORD]
