import numpy as np

from dlflask.inference.saliency import saliency


def test_saliency_of_used_and_unused_stroke():
    tensor = np.zeros((28, 28), np.float32)
    tensor[4:24, 6:9] = 1  # used
    tensor[4:24, 18:21] = 1  # not used

    found = saliency(lambda batch: batch[:, :, 6:9].mean(axis=(1, 2)), tensor)

    assert found.shape == (28, 28)
    assert found.max() == 1
    assert found[4:24, 6:9].min() > 0.2
    assert found[:, 18:21].max() == 0
    assert found[tensor == 0].max() == 0


def test_saliency_of_constant_probability():
    tensor = np.ones((28, 28), np.float32)

    assert saliency(lambda batch: np.full(len(batch), 0.1, np.float32), tensor).max() == 0


def test_saliency_does_not_change_the_tensor():
    tensor = np.ones((28, 28), np.float32)

    saliency(lambda batch: batch.mean(axis=(1, 2)), tensor)

    assert tensor.min() == 1
