"""Ordinary digits beside costly images, sent to the service itself."""

import pytest

from tests.attack import attack, check_fair_share
from tests.serving import running_server

pytestmark = [pytest.mark.model, pytest.mark.alone]

ATTACK_SECONDS = 20


def test_ordinary_digits_beside_costly_images(figures):
    with running_server(WEB_CONCURRENCY="2") as port:
        check_fair_share(*attack(port, ATTACK_SECONDS), figures)
