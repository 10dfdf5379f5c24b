"""The page behind NGINX, as in production."""

import pytest

from tests.e2e.handwriting import write
from tests.e2e.page import marked, visit, wait_for_status
from tests.serving import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.compose]


@pytest.fixture
def page(browser, stack):
    with visit(browser, f"http://127.0.0.1:{stack.port}/") as page:
        yield page


def test_draw_a_digit(page):
    write(page, 7)

    wait_for_status(page, "This looks like a 7")


def test_choose_a_file_and_a_sample(page):
    page.set_input_files("#image", ROOT / "static" / "4.jpg")
    wait_for_status(page, "This looks like a 4")

    page.get_by_role("button", name="Sample 3").click()
    wait_for_status(page, "This looks like a 3")


def test_problem_of_nginx_is_shown(page):
    picture = {"name": "4.png", "mimeType": "image/png", "buffer": b"\x89PNG" * 5_000_000}
    page.set_input_files("#image", picture)

    page.locator("#picture-error", has_text="larger than the limit").wait_for()


def test_page_waits_for_a_restart(page, stack):
    stack.run("stop", "api")
    write(page, 7)
    wait_for_status(page, "The service is busy. Trying again")

    stack.run("start", "api")

    page.locator("#sentence", has_text="This looks like a 7").wait_for(timeout=60_000)


def test_form_without_javascript(browser, stack):
    address = f"http://127.0.0.1:{stack.port}/"
    with visit(browser, address, java_script_enabled=False) as page:
        page.get_by_role("button", name="Sample 3").click()

        assert marked(page) == {3: "answer"}
