"""The parts of Gunicorn that dlflask/server relies on, by name and signature.

After an upgrade that fails here, read the changes of the gthread worker, adapt dlflask/server to
them, and update the tables below and the upper bound in pyproject.toml.
"""

import inspect

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import Unreader
from gunicorn.workers import gthread
from gunicorn.workers.gthread import PollableMethodQueue, TConn, ThreadWorker

from dlflask.server.connections.connection import Connection, ReceivedBytes
from dlflask.server.gunicorn_worker import Worker

#: Overridden methods and Gunicorn's parameters, without `self`.
OVERRIDDEN = {
    Worker: {
        "__init__": "args, kwargs",
        "accept": "listener",
        "enqueue_req": "conn",
        "finish_request": "conn, fs",
        "get_thread_pool": "",
        "handle_error": "req, client, addr, exc",
        "handle_request": "req, conn",
        "murder_pending": "",
        "notify": "",
        "on_client_socket_readable": "conn, client",
    },
    Connection: {"__init__": "cfg, sock, client, server", "init": ""},
    ReceivedBytes: {"__init__": "", "chunk": "size_hint"},
}

#: Methods that dlflask/server calls, with the same notation.
CALLED = {
    ThreadWorker: {"handle": "conn"},
    TConn: {"close": "graceful"},
    PollableMethodQueue: {"defer": "callback, args"},
    RequestParser: {"__init__": "cfg, source, source_addr"},
    Unreader: {"take_buffered": ""},
}


def parameters(function):
    """Return the names of a function's parameters without `self`."""
    return ", ".join(list(inspect.signature(function).parameters)[1:])


def gunicorns(cls, name):
    """Return Gunicorn's definition of the method `name` of `cls`; None if this project added it."""
    for base in cls.__mro__:
        if base.__module__.startswith("gunicorn.") and name in vars(base):
            return vars(base)[name]
    return None


@pytest.mark.parametrize("cls", OVERRIDDEN, ids=lambda cls: cls.__name__)
def test_overridden_methods_have_gunicorns_parameters(cls):
    ours = {
        name
        for base in cls.__mro__
        if base.__module__.startswith("dlflask.")
        for name, value in vars(base).items()
        if inspect.isfunction(value) and gunicorns(cls, name)
    }

    assert {name: parameters(gunicorns(cls, name)) for name in ours} == OVERRIDDEN[cls]


@pytest.mark.parametrize("name", sorted(OVERRIDDEN[Worker].keys() - {"__init__"}))
def test_overriding_methods_accept_gunicorns_parameters(name):
    assert parameters(getattr(Worker, name)) == OVERRIDDEN[Worker][name]


@pytest.mark.parametrize("cls", CALLED, ids=lambda cls: cls.__name__)
def test_called_methods_have_the_expected_parameters(cls):
    assert {name: parameters(getattr(cls, name)) for name in CALLED[cls]} == CALLED[cls]


def test_thread_worker_has_the_expected_attributes():
    config = Config()
    worker = ThreadWorker(1, 1, [], None, 30, config, Logger(config))
    worker.tmp.close()

    expected = {"alive", "cfg", "keepalived_conns", "log", "method_queue", "nr_conns", "poller"}
    assert expected | {"tpool", "worker_connections"} <= vars(worker).keys()
    assert gthread.STOP_KEEPALIVE_LINGER > 0


def test_main_loops_call_murder_pending_and_notify():
    # Deadlines and the check for dead threads depend on both calls in both loops.
    code = inspect.getsource(ThreadWorker.run)

    assert code.count("self.murder_pending()") == 2
    assert code.count("self.notify()") == 2


def test_request_has_the_flag_for_100_continue():
    data = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n"

    request = next(RequestParser(Config(), (data,), ("127.0.0.1", 1)))

    assert request._expected_100_continue is True
