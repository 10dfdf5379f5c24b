"""Build the application that Gunicorn loads as `server:app`, from the settings and the models."""

import logging
import sys

from dlflask.config import ROOT, Config
from dlflask.digits.classifier import SAMPLES
from dlflask.errors import DlflaskError
from dlflask.metrics.slots import shared_metrics
from dlflask.models import load_recognisers
from dlflask.web.app import create_app

#: Exit status of a worker after which Gunicorn stops. After any other status Gunicorn restarts the
#: worker again and again.
APP_LOAD_ERROR = 4

is_configured = hasattr(sys.modules.get("__config__"), "post_worker_init")
if "gunicorn.arbiter" in sys.modules and not is_configured:
    # Only gunicorn.conf.py makes the workers test the model. Without the test, the service would
    # stay in the state "starting".
    sys.stderr.write(
        "dlflask cannot start: gunicorn.conf.py was not read. Start the service with "
        f"`python -m dlflask serve`, or with `gunicorn --config {ROOT}/gunicorn.conf.py "
        "server:app`.\n"
    )
    sys.exit(APP_LOAD_ERROR)

try:
    config = Config.from_environment()
    digits, numbers = load_recognisers(config, SAMPLES)
    recognisers = (digits, numbers) if numbers else (digits,)
    if numbers is None:
        logging.getLogger("gunicorn.error").warning(
            "%s does not exist: the service reads single digits only.", config.number_model_path
        )
    app = create_app(config, *recognisers, metrics=shared_metrics())
except DlflaskError as error:
    # The operator must correct a setting or the model, so show one line without a traceback.
    sys.exit(f"dlflask cannot start: {error}")
