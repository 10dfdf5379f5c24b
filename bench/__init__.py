"""Benchmark of the service, direct and behind NGINX, next to two baselines.

Compare figures only within one run: they change with the machine.
"""
