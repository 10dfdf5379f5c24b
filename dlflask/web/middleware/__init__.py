"""WSGI middleware around the Flask application, and the keys by which it passes data on."""
