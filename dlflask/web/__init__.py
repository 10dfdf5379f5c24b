"""The HTTP interface: a Flask application and the middleware around it."""
