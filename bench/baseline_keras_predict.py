"""Baseline as in many tutorials of Keras and Flask: each request calls `model.predict`.

It serves the same model file on TensorFlow, and decodes the whole image with Pillow. This file is
also Gunicorn's configuration.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from flask import Flask, Response, jsonify, request
from PIL import Image, ImageOps

from dlflask.config import ROOT

# Gunicorn's settings: one worker that handles one request at a time.
workers = 1
worker_class = "sync"
# Gunicorn's default timeout is 30 s. On a busy CPU, the import of TensorFlow takes longer.
timeout = 120
control_socket_disable = True

NUM_DIGITS = 10


def create_app() -> Flask:
    """Load the model and return the application."""
    # This import takes seconds. Gunicorn's main process reads this file too, but needs no model.
    import keras  # noqa: PLC0415

    app = Flask(__name__)
    model: Any = keras.models.load_model(ROOT / "mnist_model.h5", compile=False)
    shape = (1, *model.input_shape[1:])
    model.predict(np.zeros(shape, np.float32), verbose=0)

    @app.post("/predictlabel")
    def predict_label() -> Response:
        """Invert the image, resize it to 28 x 28 and predict."""
        image = Image.open(io.BytesIO(request.files["image"].read())).convert("L")
        small = ImageOps.invert(image).resize((28, 28))
        batch = np.asarray(small, np.float32).reshape(shape) / 255
        outputs = model.predict(batch, verbose=0)[0][:NUM_DIGITS]
        predictions = [
            {"label": str(label), "probability": str(probability)}
            for label, probability in enumerate(outputs)
        ]
        best = str(outputs.argmax())
        return jsonify(most_probable_label=best, predictions=predictions, success=True)

    return app
