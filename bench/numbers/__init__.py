"""Comparison of readers of whole numbers: this project's reader and readers of other projects."""
