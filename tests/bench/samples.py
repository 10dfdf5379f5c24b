"""Results made up by hand."""

from bench import plan
from bench.pictures import PICTURES
from bench.results import Results
from bench.servers import FLOOR, OURS

SMALL = {"small": PICTURES["small"](), "middle": PICTURES["middle"]()}
CASE = plan.closed_case(SMALL["small"], plan.CONNECTIONS)


def figures(rate, **others):
    return {"requests_per_second": rate, "p50": 2.0, "p99": 8.0, "errors": 1} | others


def make_results():
    """Three rounds in which ours reaches 0.5, 0.6 and 0.8 of the floor on a machine that slows."""
    results = Results(about={"machine": "made up"})
    for number, floor, share in [(1, 1000.0, 0.5), (2, 500.0, 0.6), (3, 100.0, 0.8)]:
        results.add(plan.CLOSED, OURS, CASE, number, figures(floor * share))
        results.add(plan.CLOSED, FLOOR, CASE, number, figures(floor))
    return results
