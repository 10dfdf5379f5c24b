"""End-to-end tests: containers, browser and a fresh clone."""
