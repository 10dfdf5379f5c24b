"""Baseline without recognition: Flask reads the uploaded bytes and returns a constant response.

Gunicorn has the same settings as for the service. The difference between the figures of the service
and of this baseline is the cost of recognition.
"""

from __future__ import annotations

from contextlib import closing

import numpy as np
from flask import Flask, Response, json, request

from dlflask.digits.prediction import Prediction

_ONE_PREDICTION = Prediction(np.array([0.987654] + [0.00123456] * 9, np.float32))

app = Flask(__name__)
#: Body of each response. It has about the same length as the service's responses.
RESPONSE = json.dumps(_ONE_PREDICTION.to_wire(), separators=(",", ":")) + "\n"


@app.post("/predictlabel")
def predict_label() -> Response:
    """Read the uploaded file and return a constant response."""
    with closing(request.files["image"]) as part:
        part.read()
    return Response(RESPONSE, mimetype="application/json")
