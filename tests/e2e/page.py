"""The page in a browser, checked for errors."""

from contextlib import contextmanager

from playwright.sync_api import Error

#: Messages of the browser about expected errors: statuses from 400 and lost connections.
_STATUS_NOTICE = "Failed to load resource: the server responded with a status of"
_OFFLINE_NOTICE = "Failed to load resource: net::ERR_INTERNET_DISCONNECTED"


@contextmanager
def visit(browser, address, *, loads_script=True, **options):
    """Open the page at `address`; fail at the end after errors or requests to other hosts.

    Chromium writes violations of the Content-Security-Policy to the console, so they are errors.
    With `loads_script=False` the browser runs JavaScript, but the page's scripts are empty.
    """
    context = browser.new_context(**options)
    if not loads_script:
        context.route("**/*.js", lambda r: r.fulfill(body="", content_type="text/javascript"))
    page = context.new_page()
    complaints, foreign = [], []

    def hear(message):
        if not message.text.startswith((_STATUS_NOTICE, _OFFLINE_NOTICE)):
            complaints.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda r: r.url.startswith((address, "blob:")) or foreign.append(r.url))
    runs_script = loads_script and options.get("java_script_enabled", True)
    _open(page, address, complaints, "html.live" if runs_script else "html")
    yield page
    cookies = context.cookies()
    context.close()
    assert complaints == [], complaints
    assert foreign == [], foreign
    assert cookies == [], cookies


#: Errors of a request while Docker adds or removes a network interface. The second is caused by the
#: error page of the first.
_NETWORK_CHANGED = ("net::ERR_NETWORK_CHANGED", "interrupted by another navigation")


def _open(page, address, complaints, selector):
    """Open `address` and wait for `selector`, again if a network interface has just changed.

    The change can end the navigation or the request of a script. Then the complaints so far are
    removed.
    """
    failures = []
    page.on("requestfailed", lambda request: failures.append(str(request.failure)))
    for attempt in range(5):
        try:
            page.goto(address)
            page.wait_for_selector(selector)
        except Error as error:
            messages = [error.message, *failures]
            has_changed = any(words in one for one in messages for words in _NETWORK_CHANGED)
            if attempt == 4 or not has_changed:
                raise
            # Several interfaces may change one after the other.
            page.wait_for_timeout(1_000)
            failures.clear()
            complaints.clear()
        else:
            return


def status(page):
    """Return the sentence that gives the prediction."""
    return page.inner_text("#status")


def wait_for_status(page, words):
    page.locator("#status", has_text=words).wait_for(timeout=20_000)


def wait_for_answer(page):
    """Wait for the prediction of the latest drawing or image."""
    page.locator("#probabilities[aria-busy=false]").wait_for(timeout=20_000)


def marked(page):
    """Return {digit: mark} of the marked rows of the table."""
    rows = page.locator("#probabilities tbody tr").all_inner_texts()
    cells = [row.split() for row in rows]
    return {int(row[0]): row[1] for row in cells if len(row) == 3}
