"""The floor: this Gunicorn and this Flask, which read the picture and do nothing with it.

Its distance to the service is what recognition costs.
"""

from __future__ import annotations

from contextlib import closing

import numpy as np
from flask import Flask, Response, json, request

from dlflask.prediction import Prediction

_ONE_PREDICTION = Prediction(np.array([0.987654] + [0.00123456] * 9, np.float32))

app = Flask(__name__)
#: As long as an answer of the service, to a few bytes.
ANSWER = json.dumps(_ONE_PREDICTION.to_wire(), separators=(",", ":")) + "\n"


@app.post("/predictlabel")
def predict_label() -> Response:
    """Read the file part; answer the same every time."""
    with closing(request.files["image"]) as part:
        part.read()
    return Response(ANSWER, mimetype="application/json")
