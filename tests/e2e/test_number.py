"""Numbers on the page: reading, selection of a digit, and frames in the picture."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.conftest import encode
from tests.drawing import STORED_AS, draw_digit, draw_number, photograph
from tests.e2e.fake_responses import OUTPUTS_BY_VERDICT, answer, answer_of
from tests.e2e.handwriting import draw, write, write_number
from tests.e2e.page import marked, status, visit, wait_for_answer, wait_for_status
from tests.serving import ROOT

pytestmark = pytest.mark.browser

FOUR = str(ROOT / "static" / "4.jpg")
PAPER = (236, 232, 220)
ORIENTATION = 0x0112
WIDE_GAP = 0.5


def photo_of(text, size=(900, 700), corner=(200, 250)):
    """Return a photo of a number on a larger sheet of paper."""
    sheet = Image.new("RGB", size, PAPER)
    sheet.paste(draw_number(text, 160, paper=PAPER), corner)
    return photograph(sheet)


def in_printed_boxes(text):
    """Return digits in the boxes of a form."""
    form = Image.new("RGB", (60 + 110 * len(text), 200), "white")
    for i, digit in enumerate(text):
        left = 26 + 110 * i
        form.paste(draw_digit(int(digit), 96), (left + 6, 50))
        ImageDraw.Draw(form).rectangle((left, 44, left + 108, 154), outline="black", width=3)
    return form


def without_half_a_digit(text):
    """Return digits in the boxes of a form. The lower half of the first digit is missing."""
    form = in_printed_boxes(text)
    ImageDraw.Draw(form).rectangle((34, 100, 126, 150), fill="white")
    return form


def below_each_other(text):
    column = Image.new("RGB", (200, 240 * len(text)), "white")
    for i, digit in enumerate(text):
        column.paste(draw_digit(int(digit), 180), (10, 20 + 240 * i))
    return column


def send(page, image, **options):
    content = encode(image, "JPEG", quality=95, **options)
    file = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": content}
    page.set_input_files("#image", file)


def frames(page):
    """Return the (left, top, right, bottom) of each frame on the screen."""
    boxes = [one.bounding_box() for one in page.locator("#boxes rect[width]").all()]
    return [(b["x"], b["y"], b["x"] + b["width"], b["y"] + b["height"]) for b in boxes]


def digits(page):
    return page.locator("#digits label").all_inner_texts()


def test_drawn_number_with_a_wide_gap_is_read(page):
    write_number(page, "42", gap=WIDE_GAP)

    wait_for_status(page, "42")
    assert digits(page) == ["4", "2"]
    sheet = page.locator("#pad").bounding_box()
    middle = sheet["x"] + sheet["width"] / 2
    (_, _, end_of_four, _), (start_of_two, _, _, _) = frames(page)
    assert end_of_four < middle < start_of_two


def test_post_code_fits_the_pad(page):
    write_number(page, "90210", side=0.55, gap=-0.13)

    wait_for_status(page, "90210")
    assert len(frames(page)) == 5


def test_selected_digit_shows_its_rows_and_input(page):
    with page.expect_response("**/predictnumber*") as response:
        send(page, photo_of("2026"))
    wait_for_status(page, "This looks like 2026")
    details = response.value.json()["details"]["lines"][0]["digits"]
    assert marked(page) == {2: "answer"}

    page.locator("#digits label", has_text="6").click()

    assert marked(page) == {6: "answer"}
    assert page.inner_text("#read-as") == "6"
    assert page.locator("#boxes .selected").count() == 1
    inks = page.evaluate(
        """() => {
          const copy = new OffscreenCanvas(28, 28).getContext("2d", { willReadFrequently: true });
          copy.drawImage(document.getElementById("seen"), 0, 0);
          return [...copy.getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 0);
        }"""
    )
    assert np.array_equal(np.reshape(inks, (28, 28)), details[3]["input"])


def test_digit_is_selected_with_the_keyboard(page):
    write_number(page, "42")
    wait_for_status(page, "42")
    page.locator("#digits input").first.focus()
    page.keyboard.press("ArrowRight")

    assert page.evaluate("document.activeElement.ariaLabel")[0] == "2"
    assert 2 in marked(page)
    assert page.get_by_role("group", name="Digits of the number").is_visible()


def test_digit_is_selected_by_touch(browser, address):
    with visit(browser, address, has_touch=True, viewport={"width": 320, "height": 640}) as phone:
        phone.get_by_role("button", name="Sample number 2026").tap()
        wait_for_status(phone, "2026")
        phone.locator("#digits label", has_text="6").tap()

        assert 6 in marked(phone)


@pytest.mark.parametrize("orientation", [1, 6])
def test_frames_lie_on_the_digits_of_a_photo(page, orientation):
    photo = photo_of("47", corner=(500, 100))
    exif = photo.getexif()
    exif[ORIENTATION] = orientation
    stored = photo.transpose(STORED_AS[orientation]) if orientation > 1 else photo
    send(page, stored, exif=exif)
    wait_for_status(page, "47")
    assert len(frames(page)) == 2

    shown = page.locator("#preview").bounding_box()
    scale = shown["height"] / 700
    left = shown["x"] + (shown["width"] - 900 * scale) / 2
    for start, top, end, bottom in frames(page):
        assert left + 500 * scale < start < end < left + 900 * scale
        assert shown["y"] + 60 * scale < top < bottom < shown["y"] + 320 * scale


def test_frame_shows_which_part_of_a_photo_is_the_digit(page):
    send(page, photo_of("5"))

    wait_for_status(page, "This looks like a 5")
    page.locator("#boxes rect[width]").wait_for()
    assert len(frames(page)) == 1
    assert page.locator("#digits").is_hidden()


def test_drawn_digit_is_read_by_one_request(page):
    page.route("**/predictlabel*", lambda route: route.fulfill(json=answer(7)))
    addresses = []
    page.on("request", lambda request: addresses.append(request.url))
    write(page, 7)

    wait_for_status(page, "This looks like a 7")
    wait_for_answer(page)
    assert [one for one in addresses if "predictnumber" in one] == []
    assert page.locator("#boxes rect[width]").count() == 0


def test_digit_is_shown_before_its_picture_is_read_as_a_number(page):
    page.route("**/predictnumber*", lambda _: None)
    page.set_input_files("#image", FOUR)

    wait_for_status(page, "This looks like a 4")


@pytest.mark.parametrize(
    ("image", "words", "reason"),
    [
        pytest.param(
            photograph(Image.new("RGB", (400, 300), PAPER)),
            "No writing was found.",
            "The image shows no",
            id="paper",
        ),
        pytest.param(in_printed_boxes("2026"), "This looks like 2026", "", id="boxes"),
        pytest.param(without_half_a_digit("2026"), "Not sure: 2026.", "Please check: 2", id="half"),
        pytest.param(
            in_printed_boxes("4"),
            "This does not look like a digit.",
            "Read as a number, it may be 4.",
            id="box",
        ),
        pytest.param(below_each_other("42"), "This looks like 4 / 2", "", id="two-lines"),
    ],
)
def test_script_says_the_same_as_the_server(page, plain_page, image, words, reason):
    send(page, image)
    wait_for_status(page, words)
    send(plain_page, image)
    plain_page.click("#read")

    assert status(plain_page) == status(page)
    assert status(page).startswith(words)
    told = plain_page.inner_text("#note") + plain_page.inner_text("#picture-error")
    assert reason in told
    assert page.inner_text("#note") in told


def test_unsure_number_names_the_digits_to_check(page):
    with page.expect_response("**/predictnumber*") as response:
        send(page, photo_of("2026"))
    number = response.value.json()
    number["verdict"] = number["lines"][0]["verdict"] = "unsure"
    number["details"]["lines"][0]["digits"][1]["candidates"] = ["0", "6"]
    page.route("**/predictnumber*", lambda route: route.fulfill(json=number))

    send(page, photo_of("2026"))

    wait_for_status(page, "Not sure: 2026.")
    assert page.inner_text("#note") == "Please check: 0 or 6."
    assert marked(page) == {0: "maybe", 6: "maybe"}
    choice = page.locator("#digits input:checked")
    assert choice.get_attribute("aria-label") == "0, not sure: 0 or 6"


def test_service_without_number_model_reads_digits(page):
    page.route("**/predictnumber*", lambda route: route.fulfill(status=404, json={"detail": "x"}))
    outputs = OUTPUTS_BY_VERDICT["unsure"]
    page.route("**/predictlabel*", lambda route: route.fulfill(json=answer_of(outputs)))

    draw(page, [(0.5, 0.2), (0.5, 0.8)])

    wait_for_status(page, "Not sure: 9 or 4.")


@pytest.mark.parametrize(
    "change",
    [
        lambda number: number.pop("lines"),
        lambda number: number["details"]["lines"].clear(),
        lambda number: number["lines"][0]["digits"][0].update(box=["x"] * 4),
        lambda number: number["details"]["lines"][0]["digits"][0]["predictions"].pop(),
    ],
    ids=["no-lines", "no-details", "box", "predictions"],
)
def test_number_of_an_unexpected_form_shows_error(page, change):
    with page.expect_response("**/predictnumber*") as response:
        send(page, photo_of("26"))
    number = response.value.json()
    change(number)
    page.route("**/predictnumber*", lambda route: route.fulfill(json=number))

    send(page, photo_of("26"))

    page.locator("#picture-error", has_text="could not be understood").wait_for()


def test_clear_removes_digits_and_frames(page):
    write_number(page, "42")
    wait_for_status(page, "42")

    page.click("#clear")

    wait_for_status(page, "Nothing to read yet.")
    assert frames(page) == []
    assert page.locator("#digits").is_hidden()
