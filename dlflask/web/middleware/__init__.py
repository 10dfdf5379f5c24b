"""WSGI middleware around the Flask application, and the keys under which it stores data."""
