"""Cache in a folder, which keeps graphs and compiled networks for later starts of the service."""
