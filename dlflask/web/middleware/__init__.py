"""WSGI middleware around the Flask application, and the keys of the data that it stores."""
