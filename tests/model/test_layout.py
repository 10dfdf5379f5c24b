import keras
import numpy as np
import pytest
from keras import layers

from dlflask.inference.openvino_runtime import with_channels_first

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


def unknown_layer():
    return keras.Sequential([keras.Input(SIZE), layers.ZeroPadding2D(), layers.Flatten()])


def other_shape():
    return keras.Sequential([keras.Input((28, 28)), layers.Flatten(), layers.Dense(10)])


def randomise(model):
    """Set random weights, because an untrained batch normalisation is the identity."""
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 1, w.shape) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("build", [residual, pooled], ids=lambda build: build.__name__)
def test_with_channels_first_computes_the_same(build):
    model = randomise(build())
    batch = np.random.default_rng(1).random((3, *SIZE), np.float32)

    converted = with_channels_first(model)

    assert converted.input_shape == (None, 1, 28, 28)
    found = converted.predict(batch.transpose(0, 3, 1, 2), verbose=0)
    assert np.allclose(found, model.predict(batch, verbose=0), atol=1e-5)


@pytest.mark.parametrize(
    "build", [dense_along_channels, unknown_layer, other_shape], ids=lambda build: build.__name__
)
def test_with_channels_first_unsupported_model(build):
    model = build()

    assert with_channels_first(model) is model
