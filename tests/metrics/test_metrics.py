import os
import shutil
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.wsgi import ClosingIterator

from dlflask.digits.prediction import Prediction
from dlflask.digits.recogniser import DigitRecogniser, DigitResult
from dlflask.metrics.slots import MAX_WORKERS, Metrics
from dlflask.web.middleware.instrumentation import instrument
from dlflask.web.state import get_state
from tests.invalid_requests import BAD_REQUESTS, encode_request


def scrape(client):
    """Return {(name, labels): value} of /metrics."""
    response = client.get("/metrics")
    assert response.status_code == 200
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def post(client, image):
    # `buffered` reads and closes the response, as a server does.
    return client.post("/predictlabel", data=image, content_type="image/png", buffered=True)


def test_metrics_of_predictions(client, classifier, four_png):
    for _ in range(3):
        assert post(client, four_png).status_code == 200

    found = scrape(client)

    assert found["dlflask_requests_total", "/predictlabel", "200"] == 3
    assert found["dlflask_digits_total", "4", "mnist"] == 3
    assert found["dlflask_digits_total", "5", "mnist"] == 0
    assert found["dlflask_verdicts_total", "mnist", "digit"] == 3
    assert found["dlflask_confidence_ratio_count", "mnist"] == 3
    assert found["dlflask_confidence_ratio_sum", "mnist"] == pytest.approx(3 * 0.91)
    assert found["dlflask_confidence_ratio_bucket", "0.9", "mnist"] == 0
    assert found["dlflask_confidence_ratio_bucket", "0.95", "mnist"] == 3
    for stage in (("mnist", "decode"), ("mnist", "place"), ("mnist", "predict"), ("", "total")):
        assert found["dlflask_stage_seconds_count", *stage] == 3
        assert found["dlflask_stage_seconds_bucket", "+Inf", *stage] == 3
        assert found["dlflask_stage_seconds_sum", *stage] > 0
    assert found["dlflask_model_info", "mnist", classifier.sha256, "0.1.0"] == 1
    assert found["dlflask_requests_in_flight",] == 1, "the scrape itself"


def test_metrics_of_numbers(client, network, four_png):
    for path in ("/predictnumber", "/predictnumber?details=1", "/predictnumbers?length=1"):
        client.post(path, data=four_png, content_type="image/png", buffered=True)

    found = scrape(client)

    assert found["dlflask_requests_total", "/predictnumber", "200"] == 2
    assert found["dlflask_requests_total", "/predictnumbers", "200"] == 1
    assert found["dlflask_verdicts_total", "number", "number"] == 3
    assert found["dlflask_confidence_ratio_count", "number"] == 3
    for stage in ("decode", "place", "predict"):
        assert found["dlflask_stage_seconds_count", "number", stage] == 3
    assert found["dlflask_model_info", "number", network.sha256, "0.1.0"] == 1


@pytest.mark.parametrize("path", ["/predictlabel", "/predictnumber"])
def test_metrics_of_problems(client, path):
    for bad in BAD_REQUESTS:
        body, content_type = encode_request(bad)
        address = bad.path.replace("/predictlabel", path)
        client.open(address, method=bad.method, data=body, content_type=content_type)

    found = scrape(client)

    problems = sum(value for key, value in found.items() if key[0] == "dlflask_problems_total")
    rejected = sum(
        value
        for key, value in found.items()
        if key[0] == "dlflask_requests_total" and int(key[2]) >= 400
    )
    assert problems == rejected == len(BAD_REQUESTS)
    assert found["dlflask_problems_total", "urn:dlflask:problem:empty-upload"] >= 1


def test_metrics_of_unknown_paths_share_a_series(client):
    for path in ("/nowhere", "/wp-login.php", "/" + "x" * 300):
        client.get(path)

    assert scrape(client)["dlflask_requests_total", "none", "404"] == 3


def test_metrics_register_every_route(app):
    assert {rule.rule for rule in app.url_map.iter_rules()} < set(get_state(app).metrics.routes)


@pytest.mark.parametrize(
    ("status", "counted"), [(299, "200"), (499, "400"), (599, "500"), (999, "500"), (0, "100")]
)
def test_count_request_unknown_route_status_or_type(client, app, status, counted):
    get_state(app).metrics.count_request("/new", status, "urn:unknown:problem", 0.1)

    found = scrape(client)
    assert found["dlflask_requests_total", "none", counted] == 1
    assert found["dlflask_problems_total", "about:blank"] == 1


def test_in_flight_until_response_is_closed(classifier):
    metrics = Metrics()
    closed = []

    def application(_, start_response):
        start_response("200 OK", [])
        return ClosingIterator(iter([b"one", b"two"]), lambda: closed.append(True))

    response = instrument(application, metrics, {})({}, lambda *_: None)
    assert list(response) == [b"one", b"two"]
    assert metrics.in_flight == 1

    response.close()

    assert metrics.in_flight == 0
    assert closed == [True]


def test_in_flight_after_application_error():
    metrics = Metrics()

    with pytest.raises(ZeroDivisionError):
        instrument(lambda *_: [1 / 0], metrics, {})({}, lambda *_: None)

    assert metrics.in_flight == 0


def test_in_flight_after_internal_server_error(client, classifier, monkeypatch, four_png):
    def fail(tensor):
        raise ZeroDivisionError

    monkeypatch.setattr(classifier, "predict_many", fail)
    assert post(client, four_png).status_code == 500

    assert scrape(client)["dlflask_requests_in_flight",] == 1, "the scrape itself"


def in_a_fork(work):
    """Run `work` in a process that ends without cleanup, as after kill -9."""
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(9)
    os.waitpid(pid, 0)


def test_counts_of_exited_worker_are_kept(classifier, four_png):
    metrics = Metrics()
    metrics.register_model(DigitRecogniser(classifier).info)
    stages = {"decode": 1.0, "place": 1.0, "predict": 1.0}
    result = DigitResult(Prediction(classifier.outputs), classifier.outputs, b"", stages)

    def work(slot):
        metrics.use_slot(slot)
        metrics.count_worker()
        metrics.enter()
        metrics.count_result("mnist", result)

    first, second = metrics.take_slot(), metrics.take_slot()
    in_a_fork(lambda: work(first))
    in_a_fork(lambda: work(second))
    assert (first, second) == (0, 1)
    assert metrics.total("in_flight") == metrics.total("workers") == 2

    metrics.free_slot(first)

    assert metrics.total("in_flight") == metrics.total("workers") == 1
    assert metrics.model_total("mnist", "labels")[4] == 2
    assert metrics.take_slot() == first
    in_a_fork(lambda: work(first))
    assert metrics.model_total("mnist", "labels")[4] == 3


def test_take_slot_more_workers_than_slots(classifier):
    metrics = Metrics(max_workers=2)

    assert [metrics.take_slot() for _ in range(4)] == [0, 1, 1, 1]
    assert 2 * (os.cpu_count() or 1) < MAX_WORKERS


def test_promtool_check_metrics(client, four_png):
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed: Debian's package is called prometheus")
    post(client, four_png)
    post(client, b"not an image")

    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=client.get("/metrics").text,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
