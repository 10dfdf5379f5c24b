"""Take the README's screenshot of the page: `python -m tests.screenshot FILE`."""

import sys

from tests.browser import running_browser
from tests.e2e.handwriting import write_number
from tests.serving import running_server

#: Window size: wide enough for two columns, high enough for the drawing and its prediction.
SIZE = {"width": 1120, "height": 980}


def main(path):
    with running_server() as port, running_browser() as browser:
        page = browser.new_page(viewport=SIZE, device_scale_factor=1, reduced_motion="reduce")
        page.goto(f"http://127.0.0.1:{port}/")
        page.wait_for_selector("html.live")
        write_number(page, "2026")
        page.locator("#status", has_text="2026").wait_for()
        page.screenshot(path=path)


if __name__ == "__main__":
    main(sys.argv[1])
