"""The service with faults that a request can trigger in its worker."""

import threading

from flask import request

from server import app

_held = []
_barrier = threading.Barrier(3)


class DeathError(BaseException):
    """Not caught by Flask or Gunicorn, so that the thread ends."""


def run_out():
    raise MemoryError


def eat_memory():
    """Allocate all memory that the kernel grants, and keep it."""
    while True:
        _held.append(bytearray(1024 * 1024))


def die():
    raise DeathError


def die_together():
    _barrier.wait(30)
    raise DeathError


def fail():
    raise ValueError("of a test:\ntwo lines")


FAULTS = {one.__name__: one for one in (run_out, eat_memory, die, die_together, fail)}


@app.before_request
def fail_inside_flask():
    if fault := FAULTS.get(request.args.get("inside")):
        fault()


inner = app.wsgi_app


def fail_outside_flask(environ, start_response):
    if fault := FAULTS.get(environ["QUERY_STRING"].removeprefix("outside=")):
        fault()
    return inner(environ, start_response)


app.wsgi_app = fail_outside_flask
