"""Application that gunicorn loads as `server:app`, built from the settings and the models."""

import logging
import sys

from dlflask.config import ROOT, Config
from dlflask.errors import DlflaskError
from dlflask.metrics.slots import shared_metrics
from dlflask.models import load_recognisers
from dlflask.web.app import create_app

try:
    config = Config.from_environment()
    samples = sorted((ROOT / "static" / "samples").glob("*.png"))
    digits, numbers = load_recognisers(config, samples)
    recognisers = (digits, numbers) if numbers else (digits,)
    if numbers is None:
        logging.getLogger("gunicorn.error").warning(
            "%s does not exist: the service reads single digits only.", config.number_model_path
        )
    app = create_app(config, *recognisers, metrics=shared_metrics())
except DlflaskError as error:
    # The operator must correct a setting or the model, so show one line without a traceback.
    sys.exit(f"dlflask cannot start: {error}")
