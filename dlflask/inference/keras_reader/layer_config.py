"""Configuration of one layer, translated from the notation of any Keras version to Keras 3.

Only layers in `LAYERS` are accepted. Initialisers, regularisers and constraints are left out,
because they do not change a prediction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dlflask.errors import ModelError

#: Accepted layers. Lambda and the wrappers of other frameworks are missing on purpose, because they
#: run code from the file.
LAYERS = (
    "Activation Add AlphaDropout Average AveragePooling1D AveragePooling2D BatchNormalization "
    "Bidirectional CenterCrop Concatenate Conv1D Conv2D Conv2DTranspose Cropping1D Cropping2D "
    "Dense DepthwiseConv2D Dot Dropout ELU Flatten GRU GaussianDropout GaussianNoise "
    "GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D "
    "GroupNormalization Identity LSTM LayerNormalization LeakyReLU Masking MaxPooling1D "
    "MaxPooling2D Maximum Minimum Multiply Normalization PReLU Permute ReLU RepeatVector Rescaling "
    "Reshape Resizing SeparableConv1D SeparableConv2D SimpleRNN Softmax SpatialDropout1D "
    "SpatialDropout2D Subtract TimeDistributed UnitNormalization UpSampling1D UpSampling2D "
    "ZeroPadding1D ZeroPadding2D"
)
#: Layers that contain another layer.
_WRAPPERS = ("Bidirectional", "TimeDistributed")

#: Old and alternative names of layers, with the names in Keras 3.
_RENAMED = {
    "AtrousConvolution2D": "Conv2D",
    "AvgPool2D": "AveragePooling2D",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution2DTranspose": "Conv2DTranspose",
    "Deconvolution2D": "Conv2DTranspose",
    "GRUV1": "GRU",
    "GRUV2": "GRU",
    "GlobalAvgPool2D": "GlobalAveragePooling2D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D",
    "LSTMV1": "LSTM",
    "LSTMV2": "LSTM",
    "MaxPool2D": "MaxPooling2D",
    "SeparableConvolution2D": "SeparableConv2D",
}

#: Layers that have an effect only in training, so they are replaced by the layer Identity.
_TRAINING_LAYERS = (
    "ActivityRegularization RandomBrightness RandomContrast RandomFlip RandomRotation "
    "RandomTranslation RandomZoom"
)

#: Names of options in Keras 1, with the names in Keras 3.
_KERAS_1_OPTIONS = {
    "atrous_rate": "dilation_rate",
    "bias": "use_bias",
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "filter_length": "kernel_size",
    "inner_activation": "recurrent_activation",
    "length": "size",
    "nb_filter": "filters",
    "output_dim": "units",
    "p": "rate",
    "pool_length": "pool_size",
    "sigma": "stddev",
    "stride": "strides",
    "subsample": "strides",
    "subsample_length": "strides",
}

#: Modes of the layer Merge in Keras 1, with the layers of Keras 3 that do the same.
_KERAS_1_MERGES = {
    "ave": "Average",
    "concat": "Concatenate",
    "max": "Maximum",
    "mul": "Multiply",
    "sum": "Add",
}

#: Values of `data_format` in Keras 1 (TensorFlow, Theano), with the values in Keras 3.
_DATA_FORMATS = {"tf": "channels_last", "th": "channels_first"}

#: Endings of the names of options that have an effect only in training.
_TRAINING_ENDINGS = ("_initializer", "_regularizer", "_constraint")


@dataclass(frozen=True)
class LayerConfig:
    """Configuration of a layer in the notation of Keras 3.

    Attributes:
        name: Name of the layer, by which the file stores the weights.
        kind: Class of the layer, one of `LAYERS`.
        options: Options of the layer. `Builder` ignores options that the class does not have.
        trainable: False if training does not change the weights.
        inner: Layer inside this layer, None if this layer is not a wrapper.
    """

    name: str
    kind: str
    options: dict[str, Any]
    trainable: bool = True
    inner: LayerConfig | None = None


def read_layer(layer: dict[str, Any], version: str) -> LayerConfig:
    """Read the configuration of a layer that Keras `version` saved.

    Raises:
        ModelError: The layer is not supported.
    """
    kind = str(layer["class_name"]).rpartition(">")[2]
    given: dict[str, Any] = dict(layer["config"])
    name = str(given.pop("name", None) or layer.get("name") or "")
    options = {_KERAS_1_OPTIONS.get(key, key): value for key, value in given.items()}
    if kind == "Merge":
        kind = _KERAS_1_MERGES.get(str(given.get("mode")), kind)
        options["axis"] = given.get("concat_axis", -1)
    kind = "Identity" if kind in _TRAINING_LAYERS.split() else _RENAMED.get(kind, kind)
    _check(kind, name, layer, given)
    if "nb_row" in given:
        options["kernel_size"] = [given["nb_row"], given["nb_col"]]
    if options.get("data_format") in _DATA_FORMATS:
        options["data_format"] = _DATA_FORMATS[options["data_format"]]
    elif options.get("data_format") == "default" or kind == "Flatten":
        options.setdefault("data_format", "channels_last")
    if kind == "GRU":
        options.setdefault("reset_after", False)
    if kind == "BatchNormalization" and isinstance(options.get("axis"), list):
        options["axis"] = options["axis"][0]
    if kind in ("LeakyReLU", "ReLU") and "alpha" in options:
        options["negative_slope"] = options["alpha"]
    options = {
        key: _read_number(value)
        for key, value in options.items()
        if not key.endswith(_TRAINING_ENDINGS)
    }
    inner = read_layer(given["layer"], version) if kind in _WRAPPERS else None
    return LayerConfig(name, kind, options, given.get("trainable", True) is not False, inner)


def _check(kind: str, name: str, layer: dict[str, Any], given: dict[str, Any]) -> None:
    registered = layer.get("registered_name") or kind
    is_custom = ">" in str(layer["class_name"]) + str(registered)
    module = str(layer.get("module") or "keras.layers")
    if kind == "Lambda":
        raise ModelError(
            f"The network has a Lambda layer, {name[:80]!r}, which runs custom code. Replace this "
            "layer with a layer such as Rescaling or Activation, and save the model again."
        )
    if (
        kind not in LAYERS.split()
        or is_custom
        or module.partition(".")[0] not in ("keras", "tf_keras")
    ):
        raise ModelError(
            f"The network has a layer {name[:80]!r} of the class "
            f"{str(layer['class_name'])[:80]!r}, a class that this service does not know. Replace "
            "the layer with a layer of Keras and save the model again."
        )
    if kind == "BatchNormalization" and given.get("mode", 0) != 0:
        raise ModelError(
            f"The network has a layer BatchNormalization, {name[:80]!r}, of mode {given['mode']}, "
            "a mode that exists only in Keras 1. Train the network again with a later version of "
            "Keras."
        )


def _read_number(value: Any) -> Any:
    """Return the number in `value` if `value` is an array, otherwise `value` itself.

    Keras 2 writes some numbers as arrays, such as the slope of LeakyReLU:
    `{"type": "ndarray", "value": 0.3}`.
    """
    if isinstance(value, dict):
        if value.get("type") == "ndarray":
            return value.get("value")
        if value.get("class_name") == "__numpy__":
            return value["config"]["value"]
    return value
