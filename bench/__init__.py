"""Benchmark of the service, with and without NGINX, and of two simpler services (baselines).

Compare figures only within one run, because they depend on the machine and on its load.
"""
