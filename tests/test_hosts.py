import pytest

from dlflask.app import create_app
from dlflask.config import Config

HOSTS = ("digits.example.org", ".example.net")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        pytest.param("digits.example.org", 200, id="named"),
        pytest.param("digits.example.org:8443", 200, id="with-a-port"),
        pytest.param("a.b.example.net", 200, id="under-a-domain"),
        pytest.param("evil.example", 400, id="another"),
        pytest.param("example.org.evil.example", 400, id="one-that-contains-it"),
        pytest.param("10.0.0.7:8000", 400, id="an-address"),
    ],
)
def test_only_the_named_hosts_are_answered(classifier, host, status):
    client = create_app(Config(allowed_hosts=HOSTS), classifier).test_client()

    answer = client.get("/", headers={"Host": host})

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        pytest.param("127.0.0.1:8518", "'127.0.0.1:8518'", id="address"),
        pytest.param("a" * 5000, "'" + "a" * 260 + "'", id="long"),
        pytest.param("{evil}", "'{evil}'", id="braces"),
    ],
)
def test_refused_host_says_what_to_do(classifier, host, shown):
    client = create_app(Config(allowed_hosts=HOSTS), classifier).test_client()

    problem = client.get("/", headers={"Host": host}).get_json()

    assert problem["status"] == 400
    assert problem["detail"].startswith(
        f"The host name {shown} is not one of DLFLASK_ALLOWED_HOSTS. "
    )
    assert "add it to that setting" in problem["detail"]
    assert "digits.example.org" not in problem["detail"]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_machines_may_ask_by_address(classifier, path):
    client = create_app(Config(allowed_hosts=HOSTS), classifier).test_client()

    assert client.get(path, headers={"Host": "10.0.0.7:8000"}).status_code == 200


def test_any_name_works_by_default(client):
    assert client.get("/", headers={"Host": "whatever.example"}).status_code == 200


def test_names_are_read_from_one_variable():
    config = Config.from_environment({"DLFLASK_ALLOWED_HOSTS": "a.example, .b.example,,"})

    assert config.allowed_hosts == ("a.example", ".b.example")
    assert Config.from_environment({"DLFLASK_ALLOWED_HOSTS": ""}).allowed_hosts == ()
