"""The service, whose worker comes to harm where a request asks for it; served for a test."""

import threading

from flask import request

from server import app

_held = []
_turns = threading.Barrier(3)


class DeathError(BaseException):
    """Caught neither by Flask nor by gunicorn: the thread ends."""


def run_out():
    raise MemoryError


def eat_memory():
    """Take what the kernel grants, and keep it: from then on nothing can be allocated."""
    while True:
        _held.append(bytearray(1024 * 1024))


def die():
    raise DeathError


def die_together():
    _turns.wait(30)
    raise DeathError


def fail():
    raise ValueError("of a test:\ntwo lines")


HARMS = {one.__name__: one for one in (run_out, eat_memory, die, die_together, fail)}


@app.before_request
def come_to_harm():
    if harm := HARMS.get(request.args.get("harm")):
        harm()


inner = app.wsgi_app


def come_to_harm_outside_flask(environ, start_response):
    if harm := HARMS.get(environ["QUERY_STRING"].removeprefix("outside=")):
        harm()
    return inner(environ, start_response)


app.wsgi_app = come_to_harm_outside_flask
