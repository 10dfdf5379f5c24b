"""Folder in which converted and compiled networks are kept for later starts."""
