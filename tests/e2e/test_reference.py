"""The API reference: without JavaScript, at any width, linked from the page."""

from itertools import pairwise

import pytest

from tests.e2e.page import visit

pytestmark = pytest.mark.browser


#: Largest height by width of the window, in pixels for each operation: less than a laptop's screen,
#: and less than two of a phone.
MAX_HEIGHT = {320: 1_175, 1280: 563}


@pytest.mark.parametrize("width", MAX_HEIGHT)
def test_reference_without_javascript_fits_the_screen(browser, address, width):
    options = {"java_script_enabled": False, "viewport": {"width": width, "height": 900}}
    with visit(browser, address, loads_script=False, **options) as page:
        page.click("text=The whole API")
        page.click("text=POST /predictlabels")
        article = page.locator("#predictLabels")
        rows = article.locator("h3, pre, li").all()
        boxes = [row.bounding_box() for row in rows if row.is_visible()]

        assert page.url.endswith("/reference#predictLabels")
        assert "Recognise the digits in up to 256 images" in article.inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        height = page.evaluate("document.documentElement.scrollHeight")
        assert height <= MAX_HEIGHT[width] * page.locator("article").count()
        assert all(box["x"] + box["width"] <= width for box in boxes)
        # Example and response are side by side if the window is wide enough.
        if width == 320:
            assert all(one["y"] + one["height"] <= two["y"] + 1 for one, two in pairwise(boxes))
