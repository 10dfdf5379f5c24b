"""Networks that are refused, and how the others are adapted to digits."""

import json

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from dlflask.errors import ModelError
from dlflask.inference.keras_reader import trace
from dlflask.inference.keras_reader.read import read_digits
from dlflask.inference.keras_reader.saved_model import open_saved_model
from tests.inference import old_models
from tests.inference.old_models import dense, functional, input_layer, layer, sequential, write

FIRST = {"batch_input_shape": [None, 784]}


def run(model):
    if keras.backend.backend() == "openvino":
        # Keras's own function rounds to 8 bits on processors with bfloat16.
        return trace.run(model)
    return lambda batch: np.asarray(model.predict_on_batch(batch))


def read(path, samples=None):
    samples = np.zeros((10, 28, 28), np.float32) if samples is None else samples
    with path.open("rb") as file:
        return read_digits(open_saved_model(file, [].append), samples, run)


def saved(*network, name="model.h5"):
    def make(folder):
        keras.Sequential(network).save(folder / name)
        return folder / name

    return make


def written(config, arrays):
    return lambda folder: write(folder / "model.h5", config, arrays)


def two_outputs(folder):
    inputs = keras.Input((784,))
    outputs = [layers.Dense(10)(inputs), layers.Dense(2)(inputs)]
    keras.Model(inputs, outputs).save(folder / "model.h5")
    return folder / "model.h5"


def two_inputs(folder):
    inputs = [keras.Input((784,)), keras.Input((784,))]
    keras.Model(inputs, layers.Dense(10)(layers.Add()(inputs))).save(folder / "model.h5")
    return folder / "model.h5"


def with_config(**changes):
    """Write a good model of `.keras` with texts of its configuration replaced."""

    def make(folder):
        path = old_models.keras_2_2(folder / "model.h5")
        with h5py.File(path, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            config["config"]["layers"][-1] |= changes
            file.attrs["model_config"] = json.dumps(config)
        return path

    return make


def nan_weights(folder):
    arrays = {"dense": [np.full((784, 10), np.nan, np.float32), np.zeros(10, np.float32)]}
    return write(folder / "model.h5", sequential(dense(**FIRST)), arrays)


def many_units(folder):
    config = sequential(dense("wide", 2**31, **FIRST), dense())
    return write(folder / "model.h5", config, {"wide": old_models.FLAT, "dense": old_models.FLAT})


def text_weights(folder):
    path = old_models.keras_2_0(folder / "model.h5")
    with h5py.File(path, "r+") as file:
        group = file["model_weights/dense/dense"]
        del group["array_1:0"]
        group["array_1:0"] = np.array([b"x"] * 10)
    return path


FLAT = {"dense": old_models.FLAT}
UP = layer("UpSampling2D", "up", size=[10_000, 10_000])
LAMBDA = layer("Lambda", "code", function=["4wEAAAA=", None, None], function_type="lambda")

REFUSED = {
    "lambda": (written(sequential(dense(**FIRST), LAMBDA), FLAT), "Lambda layer, 'code'"),
    "custom-layer": (with_config(class_name="Mine"), "'Mine'"),
    "custom-package": (with_config(registered_name="Custom>Dense"), "does not know"),
    "custom-module": (with_config(module="os.path"), "does not know"),
    "custom-network": (
        written({"class_name": "MyModel", "config": {}}, FLAT),
        "'MyModel', which is a single layer or a custom class",
    ),
    "custom-activation": (
        written(sequential(dense(activation="os.system", **FIRST)), FLAT),
        "custom activation, 'os.system'",
    ),
    "many-units": (many_units, "units 2,147,483,648, but the file has only"),
    "large-outputs": (
        written(
            functional(
                (input_layer(28, 28, 1), []),
                (UP, ["input_1"]),
                (layer("Flatten", "flat"), ["up"]),
                (dense(), ["flat"]),
                output="dense",
            ),
            FLAT,
        ),
        "layer 'up' has outputs of shape",
    ),
    "other-weights": (
        written(sequential(dense(**FIRST)), {"dense": old_models.TO_CLASSES}),
        "expected the shapes",
    ),
    "no-weights": (written(sequential(dense(**FIRST)), {}), "has only 0 weights"),
    "no-input": (written(sequential(dense()), FLAT), "input of unknown size"),
    "two-inputs": (two_inputs, "has 2 inputs"),
    "two-outputs": (two_outputs, "has 2 outputs"),
    "3-classes": (saved(keras.Input((784,)), layers.Dense(3)), "has 3 outputs"),
    "autoencoder": (
        saved(keras.Input((28, 28, 1)), layers.Conv2D(1, 3, padding="same")),
        "may be an autoencoder",
    ),
    "large-images": (
        saved(keras.Input((224, 224, 3)), layers.Flatten(), layers.Dense(10)),
        "input of shape 224 x 224 x 3",
    ),
    "text-weights": (text_weights, "are not numbers"),
    "nan-weights": (nan_weights, "infinite values or NaN"),
}


@pytest.mark.parametrize(("make", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_network(tmp_path, make, says):
    path = make(tmp_path)

    with pytest.raises(ModelError, match=says) as caught:
        read(path)

    assert len(str(caught.value).splitlines()) == 1
    assert "make train" not in str(caught.value)


def blocks():
    """Return ten samples, each with a block of ink in a place of its own."""
    samples = np.zeros((10, 28, 28), np.float32)
    for label, sample in enumerate(samples):
        top, left = 3 + 11 * (label // 5), 2 + 5 * (label % 5)
        sample[top : top + 10, left : left + 4] = 1
    return samples


def reader_of_blocks(scale, offset, activation="softmax"):
    """Return configuration and weights of a network that reads `blocks` in scale * x + offset.

    A class has three units, which make a peak where its block is ink and the rest is paper.
    """
    ink = blocks().reshape(10, 784).T / 40 + 2 / 784
    peak, width = 1 + 2 * 40 / 784, 0.02
    kernel = np.repeat(ink / scale, 3, axis=1)
    steps = np.tile([peak - width, peak, peak + width], 10)
    bias = -kernel.sum(axis=0) * offset - steps
    output = np.kron(np.eye(10), [[1], [-2], [1]]) * 500
    config = sequential(dense("hidden", 30, "relu", **FIRST), dense(activation=activation))
    arrays = {"hidden": [kernel, bias], "dense": [output, np.zeros(10)]}
    return config, {
        name: [each.astype(np.float32) for each in values] for name, values in arrays.items()
    }


@pytest.mark.parametrize(
    ("convention", "scale", "offset"),
    [
        ("0..1", 1, 0),
        ("0..255", 255, 0),
        ("-1..1", 2, -1),
        ("inverted 0..1", -1, 1),
        ("inverted 0..255", -255, 255),
        ("inverted -1..1", -2, 1),
    ],
)
def test_convention_is_found(tmp_path, convention, scale, offset):
    path = write(tmp_path / "model.h5", *reader_of_blocks(scale, offset))

    description = read(path, blocks()).description

    assert description.convention == convention
    assert description.samples_read == 10
    assert not description.is_doubtful


@pytest.mark.parametrize(
    ("activation", "outputs"),
    [("softmax", "softmax"), ("linear", "logits"), ("relu", "logits"), ("sigmoid", "sigmoids")],
)
def test_kind_of_outputs(tmp_path, activation, outputs):
    path = write(tmp_path / "model.h5", *reader_of_blocks(1, 0, activation))

    description = read(path, blocks()).description

    assert description.outputs == outputs
    assert description.num_classes == 10
    assert description.layers == (
        ("hidden", "Dense", (None, 30)),
        ("dense", "Dense", (None, 10)),
    )
    assert description.num_parameters == 784 * 30 + 30 + 300 + 10
    assert description.keras_version == "2.2.4"


@pytest.mark.parametrize("samples", [np.zeros((10, 28, 28), np.float32), blocks()[::-1]])
def test_network_that_reads_few_samples_is_doubtful(tmp_path, samples):
    path = write(tmp_path / "model.h5", *reader_of_blocks(1, 0))

    assert read(path, samples).description.is_doubtful


def test_kernels_of_theano_are_turned(tmp_path):
    """Theano's convolutions turn their kernels; the samples tell which way is right."""
    kernel = np.zeros((10, 1, 28, 28), np.float32)
    kernel[:, 0] = blocks()[:, ::-1, ::-1] / 4
    config = {
        "class_name": "Sequential",
        "config": [
            layer(
                "Convolution2D",
                "conv",
                nb_filter=10,
                nb_row=28,
                nb_col=28,
                border_mode="valid",
                dim_ordering="th",
                batch_input_shape=[None, 1, 28, 28],
            ),
            layer("Permute", "permute", dims=[2, 3, 1]),
            layer("Flatten", "flatten"),
            layer("Activation", "softmax", activation="softmax"),
        ],
    }
    arrays = {"conv": [kernel, np.zeros(10, np.float32)]}
    path = write(tmp_path / "model.h5", config, arrays, version="1.0.8", backend=None)

    assert read(path, blocks()).description.samples_read == 10


@pytest.mark.parametrize("shape", [(None, None, 1), (28, 28, 1)], ids=str)
def test_archive(tmp_path, shape):
    network = [
        keras.Input(shape),
        layers.Conv2D(4, 3, activation="relu"),
        keras.Sequential([layers.GlobalAveragePooling2D(), layers.BatchNormalization()]),
        layers.Dense(10, activation="softmax"),
    ]
    model = keras.Sequential(network)
    model.save(tmp_path / "model.keras")
    found = read(tmp_path / "model.keras")

    images = old_models.images()[..., None]
    expected = run(model)(images)
    assert np.allclose(run(found.model)(images.reshape(-1, *found.adaptation.shape)), expected)
    assert found.description.keras_version == keras.__version__
    assert found.description.input_shape == (28, 28, 1)
