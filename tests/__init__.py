"""Tests. The folders mirror the packages; `model` and `e2e` need the real service."""
