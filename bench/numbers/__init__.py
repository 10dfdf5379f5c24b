"""Readers of whole numbers, measured side by side: this project's and those that people install."""
