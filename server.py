"""Application that gunicorn loads as `server:app`, built from the settings and the model."""

import logging
import sys

from dlflask.config import ROOT, Config
from dlflask.digits.classifier import Classifier
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.errors import DlflaskError
from dlflask.metrics.slots import shared_metrics
from dlflask.models import load_numbers
from dlflask.web.app import create_app

try:
    config = Config.from_environment()
    samples = sorted((ROOT / "static" / "samples").glob("*.png"))
    classifier = Classifier(config.model_path)
    digits = DigitRecogniser(classifier, samples)
    numbers = load_numbers(config.number_model_path, classifier, samples[:1])
    if numbers is None:
        # Single digits do not need this file, so old installations start without it.
        logging.getLogger("gunicorn.error").warning(
            "%s does not exist: the service reads single digits only.", config.number_model_path
        )
    app = create_app(config, digits, *filter(None, [numbers]), metrics=shared_metrics())
except DlflaskError as error:
    # The operator must correct a setting or the model, so show one line without a traceback.
    sys.exit(f"dlflask cannot start: {error}")
