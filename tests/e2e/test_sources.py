"""Other image sources: file, drag and drop, clipboard and camera."""

import base64
import json
import re
import subprocess

import numpy as np
import pytest
from PIL import Image

from tests.conftest import encode
from tests.drawing import STROKES, draw_digit
from tests.e2e.handwriting import count_strokes, inked, write
from tests.e2e.page import marked, status, visit, wait_for_status
from tests.serving import ROOT

pytestmark = pytest.mark.browser

FOUR = str(ROOT / "static" / "4.jpg")

#: Creates a DataTransfer with a file for each [name, type, base64].
TRANSFER = """(files) => {
  const transfer = new DataTransfer();
  for (const [name, type, content] of files) {
    const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type }));
  }
  return transfer;
}"""
PASTE = """(transfer) => document.body.dispatchEvent(
  new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }))"""


def transfer(page, *pictures):
    files = [
        [f"{i}.png", "image/png", base64.b64encode(one).decode()] for i, one in enumerate(pictures)
    ]
    return page.evaluate_handle(TRANSFER, files)


def drop(page, *pictures):
    data = transfer(page, *pictures)
    page.dispatch_event("footer", "dragover", {"dataTransfer": data})
    page.dispatch_event("footer", "drop", {"dataTransfer": data})


@pytest.fixture(scope="module")
def five():
    return encode(draw_digit(5, ink=(240, 240, 240), paper=(20, 60, 40)))


def test_chosen_file_is_read_and_shown(page):
    page.set_input_files("#image", FOUR)

    wait_for_status(page, "This looks like a 4")
    assert marked(page) == {4: "answer"}
    assert page.locator("#preview").is_visible()
    assert page.locator("#read-as").inner_text() == "4"


def test_same_file_can_be_chosen_again(page):
    for _ in range(2):
        page.set_input_files("#image", FOUR)
        wait_for_status(page, "This looks like a 4")
        page.click("#clear")
        wait_for_status(page, "Nothing to read yet.")


def test_drop_a_file_anywhere(page, five):
    drop(page, five)

    wait_for_status(page, "This looks like a 5")


def test_paste_with_the_keyboard(page, five):
    page.evaluate(PASTE, transfer(page, five))

    wait_for_status(page, "This looks like a 5")


def test_paste_with_the_button(page, five):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(
        """async (content) => {
          const blob = await (await fetch("/static/samples/5.png")).blob();
          await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
        }"""
    )

    page.click("#paste")

    wait_for_status(page, "This looks like a 5")


def test_camera_button_on_a_phone(browser, address):
    with visit(browser, address, has_touch=True, is_mobile=True) as phone:
        assert phone.locator("label[for=camera]").is_visible()
        assert phone.get_attribute("#camera", "capture") == "environment"

        phone.set_input_files("#camera", FOUR)

        wait_for_status(phone, "This looks like a 4")


def test_file_replaces_ink_and_undo_restores_it(page):
    write(page, 7)
    wait_for_status(page, "This looks like a 7")
    page.set_input_files("#image", FOUR)
    wait_for_status(page, "This looks like a 4")
    assert inked(page) == 0

    page.click("#undo")

    wait_for_status(page, "This looks like a 7")
    assert page.locator("#preview").is_hidden()


def test_undo_restores_the_picture(page):
    page.set_input_files("#image", FOUR)
    wait_for_status(page, "This looks like a 4")
    write(page, 7)
    wait_for_status(page, "This looks like a 7")
    for _ in STROKES[7]:
        page.click("#undo")

    wait_for_status(page, "This looks like a 4")
    assert page.locator("#preview").is_visible()


def test_large_photo_is_reduced_before_it_is_sent(page):
    noise = np.random.default_rng(0).integers(0, 60, (2_400, 3_200), np.uint8)
    photo = Image.fromarray(255 - noise)
    photo.paste(Image.open(FOUR).convert("L").resize((1_600, 1_600)), (800, 400))
    original = encode(photo, "JPEG", quality=95)

    file = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": original}

    with page.expect_request("**/predictlabel*") as request:
        page.set_input_files("#image", file)

    wait_for_status(page, "This looks like a 4")
    # The page shows what it has sent.
    assert page.evaluate("[preview.naturalWidth, preview.naturalHeight]") == [1_600, 1_200]
    assert request.value.sizes()["requestBodySize"] < len(original) / 2


def test_progress_of_a_slow_upload(page):
    slow = {"offline": False, "latency": 50, "downloadThroughput": -1, "uploadThroughput": 200_000}
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", slow)
    noise = np.random.default_rng(0).integers(0, 255, (700, 700), np.uint8)
    file = {"name": "n.png", "mimeType": "image/png", "buffer": encode(Image.fromarray(noise))}

    page.set_input_files("#image", file)

    page.locator("#sentence", has_text=re.compile(r"Sending… [1-9]\d?%")).wait_for()
    page.click("#clear")
    wait_for_status(page, "Nothing to read yet.")


def test_drawing_replaces_the_file(page):
    page.set_input_files("#image", FOUR)
    wait_for_status(page, "This looks like a 4")

    write(page, 7)

    wait_for_status(page, "This looks like a 7")
    assert page.locator("#preview").is_hidden()
    assert count_strokes(page) == len(["the picture", "the 7"])


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        pytest.param(
            lambda page, _: drop(page, b"I am a 4"), "not a supported image format", id="no-picture"
        ),
        pytest.param(lambda page, five: drop(page, five[:90]), "damaged", id="damaged"),
        pytest.param(
            lambda page, five: drop(page, five, five), "You chose 2 files", id="two-files"
        ),
        pytest.param(lambda page, _: drop(page), "The dropped item is not a file", id="no-file"),
        pytest.param(
            lambda page, _: page.evaluate(PASTE, transfer(page)),
            "The clipboard does not contain a picture",
            id="nothing-to-paste",
        ),
    ],
)
def test_error_is_shown_next_to_the_control(page, five, cause, words):
    cause(page, five)

    fault = page.locator("#picture-error", has_text=words)
    fault.wait_for()
    assert status(page) == "No answer."
    assert fault.get_attribute("role") == "status"
    page.set_input_files("#image", FOUR)
    wait_for_status(page, "This looks like a 4")
    assert page.locator("#picture-error").inner_text() == ""


#: Lets a file be chosen without the page reading it yet.
DELAY_CHANGE = """document.addEventListener(
  "change", (event) => event.stopImmediatePropagation(), { capture: true, once: true })"""


def test_file_that_browser_cannot_read_shows_error_once(page, five, tmp_path):
    path = tmp_path / "5.png"
    path.write_bytes(five)
    page.evaluate(DELAY_CHANGE)
    page.set_input_files("#image", path)
    path.unlink()
    requests = []
    page.on("request", lambda request: requests.append(request.url))

    page.dispatch_event("#image", "change")

    page.locator("#picture-error", has_text="The browser cannot read the picture.").wait_for()
    assert status(page) == "No answer."
    assert len(requests) <= 1
    page.set_input_files("#image", FOUR)
    wait_for_status(page, "This looks like a 4")


def test_curl_command_of_the_page_works(page, tmp_path):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("#copy")
    page.get_by_role("button", name="Copied").wait_for()
    line = page.evaluate("navigator.clipboard.readText()")

    done = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, check=True, capture_output=True, timeout=30
    )

    assert json.loads(done.stdout)["most_probable_label"] == "4"
    assert line == page.inner_text("#curl")


def test_raw_response_is_shown(page):
    with page.expect_response("**/predictlabel*") as response:
        page.set_input_files("#image", FOUR)
    wait_for_status(page, "This looks like a 4")
    page.click("summary")

    assert json.loads(page.inner_text("#raw")) == response.value.json()
