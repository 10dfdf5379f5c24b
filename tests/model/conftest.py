import pytest

from tests.serving import running_server


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/model/" in str(item.path):
            item.add_marker(pytest.mark.model)


@pytest.fixture(scope="session")
def server():
    """Start the real service on its default backend and return its port."""
    with running_server() as port:
        yield port
