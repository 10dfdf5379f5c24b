"""The Gunicorn adapter: worker class and logging."""
