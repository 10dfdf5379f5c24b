"""`python -m tests.screenshot FILE`: the page with an answer, as the README shows it."""

import sys

from tests.browsing import running_browser
from tests.serving import ROOT, running_server


def main(path):
    with running_server() as port, running_browser() as browser:
        page = browser.new_page(viewport={"width": 960, "height": 640}, device_scale_factor=1)
        page.goto(f"http://127.0.0.1:{port}/")
        page.set_input_files("#image", str(ROOT / "static" / "4.jpg"))
        page.get_by_text("This looks like a 4").wait_for()
        page.screenshot(path=path)


if __name__ == "__main__":
    main(sys.argv[1])
