"""What gunicorn loads as `server:app`: the settings, the model and the application, joined."""

from dlflask.app import create_app
from dlflask.classifier import Classifier
from dlflask.config import Config

config = Config.from_environment()
app = create_app(config, Classifier(config.model_path))
