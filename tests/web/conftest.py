import pytest


@pytest.fixture
def document(client):
    """Return /openapi.json as the service publishes it."""
    return client.get("/openapi.json").get_json()
