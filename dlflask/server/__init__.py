"""The Gunicorn adapter: worker class, settings and logging. Start with `gunicorn_worker`."""
