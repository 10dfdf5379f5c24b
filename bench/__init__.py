"""Benchmark of the service, with and without NGINX, and of two simpler services as baselines.

Compare figures only within one run, because they change with the machine.
"""
