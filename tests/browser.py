"""A headless Chromium for tests and for the README's picture."""

import shutil
from contextlib import contextmanager

from playwright.sync_api import sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_browser():
    """The path of an installed Chromium or Chrome, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def running_browser():
    """Headless Chromium, driven by Playwright."""
    with sync_playwright() as playwright:
        # Containers and CI run as root, where Chromium's own sandbox cannot start.
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        yield chromium
        chromium.close()
