"""Decoding of image files, and separation of the ink from its background."""
