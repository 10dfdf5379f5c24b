"""The lesson and its support code."""
