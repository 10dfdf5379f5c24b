import keras
import numpy as np
import openvino
import pytest
from keras import layers
from openvino import opset16

from dlflask.inference.keras_reader.transposes import remove_transposes
from dlflask.inference.load_graph import load_graph
from dlflask.inference.openvino_runtime import OPENVINO_SETTINGS

SIZE = (28, 28, 1)


def residual(inputs):
    x = layers.Conv2D(4, 3, strides=2, use_bias=False)(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Add()([layers.Conv2D(4, 3, padding="same", activation="relu")(x), x])
    x = layers.Dropout(0.5)(layers.MaxPooling2D()(x))
    x = layers.Conv2D(2, 3, activation="tanh")(x)
    return layers.Dense(10, "softmax")(layers.Flatten()(x))


def padded(inputs):
    x = layers.ZeroPadding2D(((1, 2), (3, 0)))(layers.Conv2D(4, 5)(inputs))
    return layers.Conv2D(3, 3, activation="elu")(x)


def branches(inputs):
    x = layers.Conv2D(4, 3, activation="relu")(inputs)
    x = layers.Concatenate()([layers.Conv2D(2, 3, padding="same")(x), x])
    return layers.Conv2D(3, 3, groups=3)(x)


def rows_beside_rows(inputs):
    x = layers.Conv2D(4, 3)(inputs)
    return layers.Conv2D(3, 3)(layers.Concatenate(axis=1)([layers.Conv2D(4, 3)(inputs), x]))


def scaled(inputs):
    x = layers.Conv2D(4, 5)(inputs)
    x = layers.Rescaling(2.0, offset=1.0)(x)
    return layers.Conv2D(3, 3, activation="leaky_relu")(x)


def pooled(inputs):
    x = layers.AveragePooling2D(2)(layers.Conv2D(4, 5, activation="relu")(inputs))
    x = layers.BatchNormalization()(layers.GlobalAveragePooling2D()(x))
    return layers.Activation("softmax")(layers.Dense(10)(x))


def dense_along_channels(inputs):
    x = layers.Dense(3, "relu")(layers.Conv2D(4, 5)(inputs))
    return layers.Conv2D(2, 3)(x)


def permuted(inputs):
    x = layers.Permute((2, 1, 3))(layers.Conv2D(4, 3)(inputs))
    return layers.Conv2D(2, (3, 5), activation="relu")(x)


def cropped(inputs):
    x = layers.Cropping2D(2)(layers.Conv2D(4, 3, activation="relu")(inputs))
    return layers.Conv2D(2, 3)(x)


def weights_for_each_pixel(inputs):
    x = layers.Conv2D(4, 3)(inputs)
    return layers.Multiply()([x, layers.Conv2D(1, 3, activation="sigmoid")(inputs)])


def build_model(build):
    """Build a network with random weights, because the first weights of some layers are simple."""
    inputs = keras.Input(SIZE)
    model = keras.Model(inputs, build(inputs))
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(-0.5, 1, w.shape) ** 2 for w in model.get_weights()])
    return model


def count_transposes(graph):
    """Return the number of transposes of values. Weights are transposed when a graph is loaded."""
    return sum(
        node.get_type_name() == "Transpose" and node.output(0).get_partial_shape().is_dynamic
        for node in graph.get_ops()
    )


@pytest.mark.parametrize(
    ("build", "count"),
    [
        (residual, 2),
        (padded, 2),
        (branches, 2),
        (rows_beside_rows, 3),
        (scaled, 2),
        (pooled, 2),
        (dense_along_channels, 4),
        (permuted, 3),
        (cropped, 4),
        (weights_for_each_pixel, 3),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_graph_computes_the_same_with_few_transposes(build, count, tmp_path):
    model = build_model(build)
    model.save(tmp_path / "model.h5")
    batch = np.random.default_rng(1).random((3, *SIZE), np.float32)

    _, loaded = load_graph(tmp_path / "model.h5", None)

    graph = openvino.Core().read_model(
        loaded.xml, openvino.Tensor(np.frombuffer(loaded.weights, np.uint8))
    )
    assert count_transposes(graph) == count
    found = openvino.compile_model(graph, "CPU", OPENVINO_SETTINGS)(batch)[0]
    np.testing.assert_allclose(found, model.predict(batch, verbose=0), rtol=1e-4, atol=1e-4)


def test_remove_transposes_whose_order_is_computed():
    parameter = opset16.parameter([1, 2, 3], np.float32)
    order = opset16.parameter([3], np.int64)
    output = opset16.relu(opset16.transpose(parameter, order))
    graph = openvino.Model([opset16.result(output)], [parameter, order])
    values = np.arange(6, dtype=np.float32).reshape(1, 2, 3)

    remove_transposes(graph)

    found = openvino.compile_model(graph, "CPU")([values, np.array([2, 0, 1])])[0]
    np.testing.assert_array_equal(found, values.transpose(2, 0, 1))
