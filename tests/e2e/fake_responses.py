"""Answers that no server gave, in the form of POST /predictlabel?details=1."""

import numpy as np
from dlflask.digits.reading import Reading

from dlflask.digits.prediction import Prediction
from tests.conftest import FakeClassifier

#: What a model with an eleventh output says: a 4, a 9 or a 4, no digit.
OUTPUTS = {
    "digit": [0.01] * 4 + [0.9] + [0.01] * 6,
    "unsure": [0.02] * 4 + [0.41] + [0.02] * 4 + [0.43, 0],
    "not_a_digit": [0.01] * 10 + [0.9],
}


def answer(label):
    """The answer that `label` is 91 % probable."""
    outputs = np.full(10, 0.01, np.float32)
    outputs[label] = 0.91
    return answer_of(outputs)


def answer_of(outputs):
    """The answer of a model that gave `outputs` to a bar in the middle."""
    tensor = np.zeros((28, 28), np.float32)
    tensor[4:24, 12:16] = 1
    prediction = Prediction(np.array(outputs, np.float32))
    reading = Reading(prediction, b"a picture", tensor, {"predict": 1.0})
    return reading.prediction.to_wire() | {"details": reading.details(FakeClassifier())}
