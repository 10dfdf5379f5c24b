"""What gunicorn loads as `server:app`: the settings, the model and the application, joined."""

import sys

from dlflask.config import Config
from dlflask.digits.classifier import Classifier
from dlflask.errors import DlflaskError
from dlflask.metrics.slots import SHARED
from dlflask.web.app import create_app

try:
    config = Config.from_environment()
    app = create_app(config, Classifier(config.model_path), SHARED)
except DlflaskError as error:
    # A wrong setting or model is the operator's to mend: one line, and no traceback.
    sys.exit(f"dlflask cannot start: {error}")
