"""Images that are added to the pool."""

from dataclasses import replace

import numpy as np
import pytest

from dlflask.train.synthesis.stroke_drawing import parse
from dlflask.train.synthesis.unipen import Writer
from dlflask.train.training_pool import CONTINUE, LEARN, add_written, make_training_pool

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def pool(digits):
    images, labels = digits
    return make_training_pool(images[:120], labels[:120])


def test_add_written(pool):
    writers = [Writer([parse("50,0 50,100")], [1]), Writer([parse("0,0 80,0 30,100")], [7])]

    added = add_written(pool, writers, [parse("0,0 0,100 60,100")])

    assert added.drawn_labels[-2:].tolist() == [1, 7]
    assert len(added.drawn) == len(added.drawn_labels) == len(pool.drawn) + 2
    # The 1 is a vertical line in the middle: every row of its ink is at the same columns.
    rows, columns = np.nonzero(added.drawn[-2] == 0)
    assert len(set(columns)) == 1
    assert np.ptp(rows) == 40
    assert len(added.negatives) == len(pool.negatives) + 1
    assert (added.num_written, added.num_letters) == (2, 1)


def test_batch_with_cut_digits(pool, digits):
    images, labels = digits
    threes = images[labels == 3]
    added = replace(pool, cut=threes, cut_labels=np.full(len(threes), 3, np.uint8))
    rng = np.random.default_rng(0)
    chosen = np.arange(CONTINUE.count_chosen(256)) % 120

    tensors, targets = added.draw_batch(chosen, 256, rng, CONTINUE)

    assert tensors.shape == (256, 28, 28)
    assert targets[-32:].tolist() == [3] * 32
    assert (targets == 10).sum() == 128


def test_batch_without_cut_digits(pool):
    chosen = np.arange(LEARN.count_chosen(64))

    tensors, targets = pool.draw_batch(chosen, 64, np.random.default_rng(0), LEARN)

    assert len(tensors) == len(targets) == 64
