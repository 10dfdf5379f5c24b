"""Images in a request: a multipart form, JSON, or the body itself, within limits."""
