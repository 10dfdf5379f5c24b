import pytest

from tests.serving import running_server


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/model/" in str(item.path):
            item.add_marker(pytest.mark.model)


@pytest.fixture(scope="session")
def server():
    """The port of the real service on its default backend."""
    with running_server() as port:
        yield port
