import numpy as np

from tests.digits.snapshot import PICTURES, RECORD, read_all

#: Processors round differently in the last digits of a float32; the smallest step of a picture's
#: grey is forty times as much.
TOLERANCE = 1e-4


def test_the_preprocessing_is_the_version_that_it_says_it_is():
    assert RECORD.is_file(), "a new PREPROCESSING: run `python -m tests.digits.snapshot`"

    with np.load(RECORD) as recorded:
        found = read_all()
        assert set(recorded) == set(found) == set(PICTURES)
        changed = [
            name
            for name, tensor in found.items()
            if np.abs(tensor - recorded[name]).max() > TOLERANCE
        ]

    assert not changed, "pictures give other tensors than before: count PREPROCESSING up"


def test_there_is_one_recording():
    assert list(RECORD.parent.glob("preprocessing-*.npz")) == [RECORD]
