"""Temperature scaling: divide all logits by one number, so that confidences match accuracies.

The number, the temperature, is fitted on held-back digits, which are not used for training.
"""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from dlflask.digits.thresholds import NOT_A_DIGIT

Probabilities = NDArray[np.float32]
Labels = NDArray[np.integer]

#: Minimum and maximum of the search. If the network made no error on the held-back digits, the best
#: temperature would be 0, by which logits cannot be divided.
_MIN_TEMPERATURE, _MAX_TEMPERATURE = 0.2, 5.0
#: Smaller probabilities, which are rounding errors, are replaced by this value before their
#: logarithm is taken.
_MIN_PROBABILITY = 1e-30


def fit_temperature(probabilities: Probabilities, labels: Labels) -> float:
    """Fit the temperature that gives the ten digits the smallest log loss.

    Args:
        probabilities: (N, 11) float32 outputs for digits that were not used for training. The
            temperature is fitted to the ten columns of the digits, normalised to sum to 1, because
            users see these values.
        labels: (N,) labels in 0..9.

    Returns:
        The divisor of the logits. If it is above 1, the network was overconfident.

    Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
    """
    logits = np.log(np.maximum(probabilities[:, :NOT_A_DIGIT].astype(np.float64), _MIN_PROBABILITY))
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        scaled -= scaled.max(axis=1, keepdims=True)
        return float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - scaled[rows, labels]))

    bounds = (np.log(_MIN_TEMPERATURE), np.log(_MAX_TEMPERATURE))
    found = optimize.minimize_scalar(loss, bounds=bounds, method="bounded")
    return float(np.exp(found.x))


def scale_logits(model: keras.Model, temperature: float) -> None:
    """Divide the weights of the dense layers by `temperature`, in place, which divides the logits.

    Only the logits are computed by dense layers.
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense):
            layer.set_weights(
                [weights / np.float32(temperature) for weights in layer.get_weights()]
            )


def digit_probabilities(probabilities: Probabilities) -> Probabilities:
    """Return the (N, 10) columns of the digits, normalised to sum to 1."""
    digits = probabilities[:, :NOT_A_DIGIT]
    normalised: Probabilities = digits / digits.sum(axis=1, keepdims=True)
    return normalised
