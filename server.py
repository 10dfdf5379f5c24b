"""Application that gunicorn loads as `server:app`, built from the settings and the model."""

import sys

from dlflask.config import Config
from dlflask.digits.classifier import SAMPLES, Classifier
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.errors import DlflaskError
from dlflask.metrics.slots import shared_metrics
from dlflask.web.app import create_app

try:
    config = Config.from_environment()
    digits = DigitRecogniser(Classifier(config.model_path, config.graph_folder), SAMPLES)
    app = create_app(config, digits, metrics=shared_metrics())
except DlflaskError as error:
    # The operator must correct a setting or the model, so show one line without a traceback.
    sys.exit(f"dlflask cannot start: {error}")
