"""Read images from a multipart form, from JSON or from the body itself, within limits."""
