"""Baseline of many Keras and Flask tutorials: `model.predict` on TensorFlow for each request.

It serves the same model file and decodes the whole image with Pillow.
"""

from __future__ import annotations

import io
from typing import Any

import keras
import numpy as np
from flask import Flask, Response, jsonify, request
from PIL import Image, ImageOps

from dlflask.config import ROOT

NUM_DIGITS = 10

app = Flask(__name__)
model: Any = keras.models.load_model(ROOT / "mnist_model.h5", compile=False)
model.predict(np.zeros((1, *model.input_shape[1:]), np.float32), verbose=0)


@app.post("/predictlabel")
def predict_label() -> Response:
    """Invert the image, resize it to 28 x 28 and predict."""
    image = Image.open(io.BytesIO(request.files["image"].read())).convert("L")
    small = ImageOps.invert(image).resize((28, 28))
    batch = np.asarray(small, np.float32).reshape(1, *model.input_shape[1:]) / 255
    outputs = model.predict(batch, verbose=0)[0][:NUM_DIGITS]
    predictions = [
        {"label": str(label), "probability": str(probability)}
        for label, probability in enumerate(outputs)
    ]
    best = str(outputs.argmax())
    return jsonify(most_probable_label=best, predictions=predictions, success=True)
