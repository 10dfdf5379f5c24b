"""Confidence that means what it says: one temperature, fitted on held-back digits, folded in."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from dlflask.verdict import NOT_A_DIGIT

Probabilities = NDArray[np.float32]
Labels = NDArray[np.integer]

#: A network that never errs on the held-back digits would ask for 0.
_MIN_TEMPERATURE, _MAX_TEMPERATURE = 0.2, 5.0
#: Log-probabilities below this are rounding.
_MIN_PROBABILITY = 1e-30


def fit_temperature(probabilities: Probabilities, labels: Labels) -> float:
    """Find the temperature at which the ten digits' probabilities explain the labels best.

    Args:
        probabilities: (N, 11) float32 of digits the network was not trained on. What is shown to
            people is the ten of them that are digits, normalised, so that is what is calibrated.
        labels: (N,) in 0..9.

    Returns:
        A divisor of the logits; above 1 the network was too sure of itself.

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


def fold_temperature(model: keras.Model, temperature: float) -> None:
    """Divide the logits of `model` by `temperature` for good, in the weights of its last layer."""
    last = model.layers[-1]
    last.set_weights([weights / np.float32(temperature) for weights in last.get_weights()])


def digit_probabilities(probabilities: Probabilities) -> Probabilities:
    """The ten columns of the digits, normalised to sum to 1: (N, 10)."""
    digits = probabilities[:, :NOT_A_DIGIT]
    normalised: Probabilities = digits / digits.sum(axis=1, keepdims=True)
    return normalised
