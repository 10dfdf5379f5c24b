"""Pytest plugin that compiles routes and templates once, not for each of a thousand applications.

Each test has an application of its own, and creating it would take three times as long.
"""

from typing import ClassVar

from flask import Flask
from jinja2 import BytecodeCache
from werkzeug.routing import Rule


class _Rule(Rule):
    """Route whose functions that build URLs are compiled once for all equal routes."""

    _builders: ClassVar = {}

    def _compile_builder(self, append_unknown=True):  # noqa: FBT002  Werkzeug's signature
        key = (self.rule, tuple(self._trace), repr(self.defaults), append_unknown)
        if key not in self._builders:
            self._builders[key] = super()._compile_builder(append_unknown)
        return self._builders[key]


class _Templates(BytecodeCache):
    """Compiled templates, by the name and the checksum of their source."""

    def __init__(self):
        self._code = {}

    def load_bytecode(self, bucket):
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket):
        self._code[bucket.key, bucket.checksum] = bucket.code


Flask.url_rule_class = _Rule
Flask.jinja_options = {"bytecode_cache": _Templates()}
