"""Gunicorn settings of the `model.predict` baseline: one synchronous worker."""

workers = 1
worker_class = "sync"
# Importing TensorFlow on a busy core blocks the worker for longer than Gunicorn's default.
timeout = 120
control_socket_disable = True
