"""Tests; the folders mirror the tiers that `make test` and `make e2e` run."""
