import keras
import numpy as np
import pytest
from keras import layers

from dlflask.inference.keras_reader.build import Builder
from dlflask.inference.keras_reader.channels_first import with_channels_first
from dlflask.inference.keras_reader.network_config import read_network
from dlflask.inference.keras_reader.saved_model import open_saved_model
from dlflask.inference.keras_reader.weights import load_weights

SIZE = (28, 28, 1)


def residual():
    inputs = keras.Input(SIZE)
    x = layers.Conv2D(4, 3, strides=2, use_bias=False)(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Add()([layers.Conv2D(4, 3, padding="same", activation="relu")(x), x])
    x = layers.Dropout(0.5)(layers.MaxPooling2D()(x))
    return keras.Model(inputs, layers.Dense(10, "softmax")(layers.Flatten()(x)))


def pooled():
    return keras.Sequential(
        [
            keras.Input(SIZE),
            layers.Conv2D(4, 5, activation="relu"),
            layers.AveragePooling2D(2),
            layers.GlobalAveragePooling2D(),
            layers.BatchNormalization(),
            layers.Dense(10),
            layers.Activation("softmax"),
        ]
    )


def dense_along_channels():
    return keras.Sequential(
        [keras.Input(SIZE), layers.Conv2D(4, 5), layers.Dense(3), layers.Flatten()]
    )


def padded():
    return keras.Sequential(
        [keras.Input(SIZE), layers.ZeroPadding2D(((1, 2), (3, 0))), layers.Flatten()]
    )


def cropped():
    return keras.Sequential([keras.Input(SIZE), layers.Cropping2D(), layers.Flatten()])


def other_shape():
    return keras.Sequential([keras.Input((28, 28)), layers.Flatten(), layers.Dense(10)])


def randomise(model):
    """Set random weights, because an untrained batch normalisation is the identity."""
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 1, w.shape) for w in model.get_weights()])
    return model


def read(path):
    with path.open("rb") as file:
        saved = open_saved_model(file, [].append)
        config = read_network(saved.config, saved.version)
        builder = Builder(saved.version, saved.num_values)
        network = builder.build(config, config.input_shapes)
        load_weights(network, saved.weights, saved.version, is_flipped=False)
    return network.model, with_channels_first(config, network, builder)


@pytest.mark.parametrize("build", [residual, pooled, padded], ids=lambda build: build.__name__)
def test_with_channels_first_computes_the_same(tmp_path, build):
    randomise(build()).save(tmp_path / "model.h5")
    batch = np.random.default_rng(1).random((3, *SIZE), np.float32)

    model, converted = read(tmp_path / "model.h5")

    assert converted.input_shape == (None, 1, 28, 28)
    found = converted.predict(batch.transpose(0, 3, 1, 2), verbose=0)
    assert np.allclose(found, model.predict(batch, verbose=0), atol=1e-5)


@pytest.mark.parametrize(
    "build", [dense_along_channels, cropped, other_shape], ids=lambda build: build.__name__
)
def test_with_channels_first_unsupported_model(tmp_path, build):
    build().save(tmp_path / "model.h5")

    model, converted = read(tmp_path / "model.h5")

    assert converted is model
