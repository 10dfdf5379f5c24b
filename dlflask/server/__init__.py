"""The Gunicorn adapter: worker class, settings and logging. Read `gunicorn_worker` first."""
