"""Made-up responses of POST /predictlabel?details=1."""

import json

import numpy as np

from dlflask.digits.prediction import Prediction
from dlflask.digits.recogniser import DigitRecogniser, DigitResult
from tests.conftest import FakeClassifier

#: Outputs of a model with an eleventh output for each verdict: a 4, a 9 or a 4, not a digit.
OUTPUTS_BY_VERDICT = {
    "digit": [0.01] * 4 + [0.9] + [0.01] * 6,
    "unsure": [0.02] * 4 + [0.41] + [0.02] * 4 + [0.43, 0],
    "not_a_digit": [0.01] * 10 + [0.9],
}


def answer(label):
    """Return the response in which `label` has a probability of 0.91."""
    outputs = np.full(10, 0.01, np.float32)
    outputs[label] = 0.91
    return answer_of(outputs)


def answer_of(outputs):
    """Return the response for `outputs` of the network and a bar in the middle of the image."""
    return json.loads(DigitRecogniser(FakeClassifier()).encode(result_of(outputs), details=True))


def result_of(outputs):
    """Return the result for `outputs` of the network and a bar in the middle of the image."""
    tensor = np.zeros((28, 28), np.float32)
    tensor[4:24, 12:16] = 1
    prediction = Prediction(np.array(outputs, np.float32))
    return DigitResult(prediction, tensor, b"an image", {"predict": 1.0})
