"""Open the page in a browser, and hear whatever it complains of."""

from contextlib import contextmanager

#: The browser itself writes this for every answer of 400 and above; the tests of faults cause them.
_STATUS_NOTICE = "Failed to load resource: the server responded with a status of"
_OFFLINE_NOTICE = "Failed to load resource: net::ERR_INTERNET_DISCONNECTED"


@contextmanager
def visit(browser, address, *, loads_script=True, **options):
    """The page at `address`; fails at the end if it threw, complained or asked another host.

    A violated Content-Security-Policy is a complaint: Chromium writes it to the console.
    `loads_script=False` is a browser that runs JavaScript, where the page's own did not arrive.
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
    page.goto(address)
    if loads_script and options.get("java_script_enabled", True):
        page.wait_for_selector("html.live")
    yield page
    cookies = context.cookies()
    context.close()
    assert complaints == []
    assert foreign == []
    assert cookies == []


def status(page):
    """The one sentence that says the answer."""
    return page.inner_text("#status")


def wait_for_status(page, words):
    page.locator("#status", has_text=words).wait_for(timeout=20_000)


def wait_for_answer(page):
    """Until the newest of what was drawn or sent is answered."""
    page.locator("#probabilities[aria-busy=false]").wait_for(timeout=20_000)


def marked(page):
    """{digit: mark} of the rows of the table that carry one."""
    rows = page.locator("#probabilities tbody tr").all_inner_texts()
    cells = [row.split() for row in rows]
    return {int(row[0]): row[1] for row in cells if len(row) == 3}
