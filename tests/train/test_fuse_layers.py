"""Fusion of layers keeps the function of the network."""

from importlib.util import find_spec

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="Keras is not installed")

from dlflask.train.fuse_layers import fuse_layers  # noqa: E402
from dlflask.train.network import build_network, count_multiply_adds  # noqa: E402

pytestmark = [
    pytest.mark.train,
    pytest.mark.skipif(
        find_spec("tensorflow") is None,
        reason="TensorFlow is not installed; predictions of Keras on OpenVINO differ by 0.002",
    ),
]


@pytest.fixture
def trained():
    """Return a network with other weights than the initial ones."""
    keras.utils.set_random_seed(3)
    model = build_network()
    rng = np.random.default_rng(3)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights(
                [rng.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()]
            )
    return model


def test_fuse_layers_keeps_outputs(trained):
    tensors = np.random.default_rng(0).random((64, 28, 28, 1), np.float32)

    fused = fuse_layers(trained)

    kinds = [type(layer).__name__ for layer in fused.layers]
    assert kinds == ["InputLayer", *["Conv2D"] * 6, "Flatten", "Dense"]
    assert count_multiply_adds(fused) == count_multiply_adds(trained)
    expected = trained.predict(tensors, verbose=0)
    assert np.ptp(expected, axis=0).max() > 0.01, "the outputs differ between inputs"
    np.testing.assert_allclose(fused.predict(tensors, verbose=0), expected, atol=1e-5)


def test_fuse_layers_with_unknown_layer():
    inputs = keras.Input((28, 28, 1))
    other = keras.Model(inputs, keras.layers.LeakyReLU()(inputs))

    with pytest.raises(TypeError, match="LeakyReLU"):
        fuse_layers(other)
