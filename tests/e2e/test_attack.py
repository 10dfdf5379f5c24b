"""Ordinary digits beside costly images, through NGINX."""

import pytest

from tests.attack import attack, check_fair_share
from tests.e2e.conftest import Stack

pytestmark = pytest.mark.compose

ATTACK_SECONDS = 30


@pytest.fixture(scope="module")
def stack(any_compose, clone):
    with Stack(any_compose, clone, "attack").up() as stack:
        yield stack


def test_ordinary_digits_beside_costly_images_through_nginx(stack, figures):
    check_fair_share(*attack(stack.port, ATTACK_SECONDS), figures)
