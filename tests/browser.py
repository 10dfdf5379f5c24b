"""Headless Chromium for tests and for the README's screenshot."""

import shutil
from contextlib import contextmanager

from playwright.sync_api import sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_browser():
    """Return the path of an installed Chromium or Chrome, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def running_browser():
    """Start headless Chromium under Playwright, yield it, and close it."""
    with sync_playwright() as playwright:
        # Chromium's sandbox cannot start as root, as in containers and CI.
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        yield chromium
        chromium.close()
