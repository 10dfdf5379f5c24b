"""Formats of image files, recognised by their first bytes."""
