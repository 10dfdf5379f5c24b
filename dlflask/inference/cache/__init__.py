"""Cache: a folder that keeps converted and compiled networks for later starts of the service."""
