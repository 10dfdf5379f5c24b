"""The reference of the API: without JavaScript, at any width, one click from the page."""

from itertools import pairwise

import pytest

from tests.e2e.visiting import visit

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [320, 1280])
def test_the_reference_is_read_without_javascript_and_without_scrolling_sideways(
    browser, address, width
):
    options = {"java_script_enabled": False, "viewport": {"width": width, "height": 900}}
    with visit(browser, address, loads_script=False, **options) as page:
        page.click("text=The whole API")
        page.click("text=POST /predictlabels")
        article = page.locator("#predictLabels")
        rows = article.locator("tr").all()
        boxes = [row.bounding_box() for row in rows if row.is_visible()]

        assert page.url.endswith("/reference#predictLabels")
        assert "Read the digits of up to 256 pictures" in article.inner_text()
        assert all(box["x"] + box["width"] <= width for box in boxes)
        assert all(one["y"] + one["height"] <= other["y"] + 1 for one, other in pairwise(boxes))
