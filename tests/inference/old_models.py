"""Small model files in the notations of old versions of Keras, written by h5py.

`MAKERS` holds a function for each kind of file. The weights are values of a sine, so that the files
are the same everywhere. `old_models.json` holds the outputs of TensorFlow 2.15 (Keras 2.15) for
`images()`, from files of these functions. TensorFlow 2.15 does not load `keras_1_theano`,
`keras_1_tensorflow` and `tf_keras_1`, nor run `channels_first`; their outputs are those of the same
network in `keras_2_2` and `keras_2_0`.
"""

import json

import h5py
import numpy as np

ZEROS = {"class_name": "Zeros", "config": {}}
UNIFORM = {
    "class_name": "VarianceScaling",
    "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None},
}


def images():
    """Return three images, (3, 28, 28) float32 in 0..1."""
    return (np.sin(np.arange(3 * 784) * 0.37).reshape(3, 28, 28) / 2 + 0.5).astype(np.float32)


def weights(*shape, phase=0.0, scale=None):
    size = int(np.prod(shape))
    scale = scale or 2 / np.sqrt(np.prod(shape[:-1]))
    return (np.sin(np.arange(size) * 1.7 + phase).reshape(shape) * scale).astype(np.float32)


def write(path, config, layers, version="2.2.4", backend="tensorflow"):
    """Write an `.h5` file; `layers` holds the arrays of each layer."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config).encode()
        group = file.create_group("model_weights")
        for target in (file, group):
            if version:
                target.attrs["keras_version"] = version.encode()
            if backend:
                target.attrs["backend"] = backend.encode()
        group.attrs["layer_names"] = [name.encode() for name in layers]
        for name, arrays in layers.items():
            names = [f"{name}/array_{number}:0" for number in range(len(arrays))]
            inner = group.create_group(name)
            inner.attrs["weight_names"] = [each.encode() for each in names]
            for each, array in zip(names, arrays, strict=True):
                inner[each] = array
    return path


def layer(kind, name, **options):
    return {"class_name": kind, "config": {"name": name, "trainable": True, **options}}


def sequential(*layers, **options):
    return {"class_name": "Sequential", "config": {"name": "net", "layers": [*layers], **options}}


def conv(name="conv", filters=3, **options):
    return layer(
        "Conv2D",
        name,
        filters=filters,
        kernel_size=[3, 3],
        strides=[2, 2],
        padding="valid",
        data_format="channels_last",
        dilation_rate=[1, 1],
        activation="relu",
        use_bias=True,
        kernel_initializer=UNIFORM,
        bias_initializer=ZEROS,
        **options,
    )


def dense(name="dense", units=10, activation="softmax", **options):
    return layer(
        "Dense",
        name,
        units=units,
        activation=activation,
        use_bias=True,
        kernel_initializer=UNIFORM,
        bias_initializer=ZEROS,
        kernel_regularizer=None,
        **options,
    )


CONV = [weights(3, 3, 1, 3), weights(3, phase=1)]
TO_CLASSES = [weights(13 * 13 * 3, 10, scale=0.5), weights(10, phase=2, scale=0.1)]
FLAT = [weights(784, 10, scale=0.2), weights(10, phase=2, scale=0.1)]


def keras_1_theano(path):
    first = {"batch_input_shape": [None, 1, 28, 28], "input_dtype": "float32"}
    layers = [
        layer(
            "Convolution2D",
            "convolution2d_1",
            nb_filter=3,
            nb_row=3,
            nb_col=3,
            border_mode="valid",
            subsample=[2, 2],
            dim_ordering="th",
            init="glorot_uniform",
            bias=True,
            **{"activation": "relu", "W_regularizer": None, "b_constraint": None, **first},
        ),
        layer("Permute", "permute_1", dims=[2, 3, 1]),
        layer("Dropout", "dropout_1", p=0.25),
        layer("Flatten", "flatten_1"),
        layer("Dense", "dense_1", output_dim=10, init="uniform", activation="softmax", bias=True),
    ]
    arrays = {"convolution2d_1": [CONV[0].transpose(3, 2, 0, 1), CONV[1]]}
    arrays |= {"permute_1": [], "dropout_1": [], "flatten_1": [], "dense_1": TO_CLASSES}
    config = {"class_name": "Sequential", "config": layers}
    return write(path, config, arrays, version="1.2.2", backend=None)


def keras_1_tensorflow(path):
    layers = [
        layer(
            "Convolution2D",
            "convolution2d_1",
            nb_filter=3,
            nb_row=3,
            nb_col=3,
            border_mode="valid",
            subsample=[2, 2],
            dim_ordering="tf",
            init="glorot_uniform",
            bias=True,
            activation="relu",
            batch_input_shape=[None, 28, 28, 1],
        ),
        layer("Flatten", "flatten_1"),
        layer("Dense", "dense_1", output_dim=10, input_dim=None, activation="softmax"),
    ]
    arrays = {"convolution2d_1": CONV, "flatten_1": [], "dense_1": TO_CLASSES}
    config = {"class_name": "Sequential", "config": layers}
    return write(path, config, arrays, version="1.1.0", backend=None)


def keras_2_0(path):
    config = {
        "class_name": "Sequential",
        "config": [dense(batch_input_shape=[None, 784], dtype="float32")],
    }
    return write(path, config, {"dense": FLAT}, version="2.0.4")


def keras_2_2(path):
    config = sequential(
        conv(batch_input_shape=[None, 28, 28, 1], dtype="float32"),
        layer("Flatten", "flatten", data_format="channels_last"),
        # tf.keras repeats the shape in later layers.
        dense(batch_input_shape=[None, 28, 28, 1]),
    )
    return write(path, config, {"conv": CONV, "flatten": [], "dense": TO_CLASSES})


def tf_keras_1(path):
    typed = {**UNIFORM, "config": UNIFORM["config"] | {"dtype": "float32"}}
    output = dense(dtype="float32", activation="softmax_v2")
    output["config"]["kernel_initializer"] = typed
    flatten = layer("Flatten", "flatten", batch_input_shape=[None, 28, 28], dtype="float32")
    config = sequential(flatten, output)
    return write(path, config, {"flatten": [], "dense": FLAT}, version="2.1.6-tf")


def functional(*layers, output):
    """Return a functional model of pairs of a layer and the names of its inputs."""
    saved = []
    for each, inputs in layers:
        calls = [[[name, 0, 0, {}] for name in inputs]] if inputs else []
        saved.append({**each, "name": each["config"]["name"], "inbound_nodes": calls})
    body = {"name": "model_1", "layers": saved, "input_layers": [["input_1", 0, 0]]}
    return {"class_name": "Model", "config": body | {"output_layers": [[output, 0, 0]]}}


def input_layer(*shape):
    options = {"batch_input_shape": [None, *shape], "dtype": "float32", "sparse": False}
    return {"class_name": "InputLayer", "config": {"name": "input_1", **options}}


def branches(path):
    """Return a functional model with two branches, a batch normalisation and a leaky slope."""
    normalise = layer("BatchNormalization", "bn", axis=[3], momentum=0.99, epsilon=0.001)
    config = functional(
        (input_layer(28, 28, 1), []),
        (conv(), ["input_1"]),
        (normalise, ["conv"]),
        (conv("conv_2"), ["input_1"]),
        (layer("LeakyReLU", "leaky", alpha=0.30000001192092896), ["bn"]),
        (layer("Concatenate", "join", axis=-1), ["leaky", "conv_2"]),
        (layer("GlobalAveragePooling2D", "pool", data_format="channels_last"), ["join"]),
        (dense(), ["pool"]),
        output="dense",
    )
    bn = [weights(3, phase=each, scale=0.5) + 1 for each in range(4)]
    arrays = {"input_1": [], "conv": CONV, "bn": bn, "conv_2": [-CONV[0], CONV[1]], "leaky": []}
    arrays |= {"join": [], "pool": [], "dense": [weights(6, 10), weights(10, scale=0.1)]}
    return write(path, config, arrays, version="2.3.1")


def nested(path):
    """Return a model in a model, as in transfer learning, from Keras 2.4."""
    inner = sequential(conv(batch_input_shape=[None, 28, 28, 1]), layer("Flatten", "flatten"))
    inner["config"]["name"] = "base"
    first = {"class_name": "InputLayer", "config": {"name": "in", "batch_input_shape": [None]}}
    first["config"]["batch_input_shape"] = [None, 28, 28, 1]
    config = sequential(first, inner, layer("Dropout", "dropout", rate=0.5), dense())
    return write(path, config, {"base": CONV, "dropout": [], "dense": TO_CLASSES}, version="2.4.0")


def recurrent(path):
    """Return an LSTM over the rows, whose gates are the hard sigmoid of Keras 2."""
    lstm = layer(
        "LSTM",
        "lstm_1",
        batch_input_shape=[None, 28, 28],
        units=5,
        activation="tanh",
        recurrent_activation="hard_sigmoid",
        use_bias=True,
        unit_forget_bias=True,
        return_sequences=False,
        go_backwards=False,
        implementation=1,
    )
    arrays = {"lstm_1": [weights(28, 20), weights(5, 20, phase=1), weights(20, phase=2)]}
    arrays["dense"] = [weights(5, 10), weights(10, scale=0.1)]
    return write(path, sequential(lstm, dense()), arrays, version="2.1.5")


def colours(path):
    """Return a network for three channels, as made from an example for photographs."""
    config = sequential(
        conv(batch_input_shape=[None, 28, 28, 3]), layer("Flatten", "flatten"), dense()
    )
    arrays = {"conv": [weights(3, 3, 3, 3), CONV[1]], "flatten": [], "dense": TO_CLASSES}
    return write(path, config, arrays)


def padded(path):
    """Return LeNet's input of 32 x 32."""
    config = sequential(
        conv(batch_input_shape=[None, 32, 32, 1]), layer("Flatten", "flatten"), dense()
    )
    output = [weights(15 * 15 * 3, 10, scale=0.5), TO_CLASSES[1]]
    return write(path, config, {"conv": CONV, "flatten": [], "dense": output})


def channels_first(path):
    """Return a network of Keras 2 with the channel first, as trained with Theano's layout."""
    first = conv(batch_input_shape=[None, 1, 28, 28])
    first["config"]["data_format"] = "channels_first"
    config = sequential(
        first,
        layer("Permute", "permute", dims=[2, 3, 1]),
        layer("Flatten", "flatten", data_format="channels_last"),
        dense(),
    )
    arrays = {"conv": CONV, "permute": [], "flatten": [], "dense": TO_CLASSES}
    return write(path, config, arrays, version="2.0.8")


MAKERS = {
    make.__name__: make
    for make in (
        *(keras_1_theano, keras_1_tensorflow, keras_2_0, keras_2_2, tf_keras_1, branches, nested),
        *(recurrent, colours, padded, channels_first),
    )
}
