import json
import logging
import sys

from dlflask.server.logging import JsonFormatter


def record(message, *arguments, **more):
    created = logging.LogRecord("dlflask", logging.ERROR, "x.py", 1, message, arguments, None)
    vars(created).update(more)
    return created


def test_record_is_one_line_of_json():
    text = JsonFormatter().format(record('a "quoted"\nmessage of %s', "two lines"))

    line = json.loads(text)
    assert "\n" not in text
    assert line["message"] == 'a "quoted"\nmessage of two lines'
    assert line["level"] == "error"
    assert "request_id" not in line


def test_record_of_error_has_request_id_and_traceback():
    try:
        {}["a test key"]
    except KeyError:
        error = record("failed", request_id="0123456789", exc_info=sys.exc_info())

    line = json.loads(JsonFormatter().format(error))

    assert line["request_id"] == "0123456789"
    assert line["exception"].endswith("KeyError: 'a test key'")


def test_record_without_memory_is_one_line_of_json():
    class Huge:
        def __str__(self):
            raise MemoryError

    assert json.loads(JsonFormatter().format(record("%s", Huge())))["level"] == "error"
