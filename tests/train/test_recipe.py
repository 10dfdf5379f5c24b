from dataclasses import replace

import pytest

from dlflask.train.recipe import Recipe
from dlflask.train.training_pool import CONTINUE, FINE_TUNE, LEARN, SETTLE

RECIPE = Recipe(epochs=60, seed=7, fine_tunings=3)


@pytest.mark.parametrize(("epoch", "mixture"), [(0, LEARN), (39, LEARN), (40, SETTLE)])
def test_mixture_of_last_third(epoch, mixture):
    assert RECIPE.mixture(epoch) is mixture


def test_fine_tunings_differ_in_seed_only():
    tunings = RECIPE.to_fine_tunings()

    assert [once.epochs for once in tunings] == [16, 16, 16]
    assert {once.mixture(0) for once in tunings} == {FINE_TUNE}
    assert len({once.seed for once in tunings}) == len(tunings)
    assert {replace(once, seed=0) for once in tunings} == {replace(tunings[0], seed=0)}


def test_further_cycle_learning_rate_and_seed():
    first, second = replace(RECIPE, cycles=2).to_cycles()

    assert first == replace(RECIPE, cycles=1)
    assert second == replace(first, seed=8, learning_rate=first.learning_rate * 2 / 3)


def test_fine_tuning_names_of_two_seeds():
    names = [once.name for seed in (1, 2) for once in replace(RECIPE, seed=seed).to_fine_tunings()]

    assert len(set(names)) == len(names)


def test_fine_tunings_of_trained_model():
    recipe = replace(RECIPE, epochs=4, cycles=0, start="0" * 64)

    tunings = recipe.to_fine_tunings()

    assert recipe.to_cycles() == []
    assert [(once.epochs, once.learning_rate) for once in tunings] == [(4, 3e-3)] * 3
    assert {once.mixture(0) for once in tunings} == {CONTINUE}
    assert recipe.to_parts() == tunings


def test_parts_of_two_cycles():
    parts = replace(RECIPE, cycles=2).to_parts()

    assert [part.is_fine_tuning for part in parts] == [False] * 2 + [True] * 6
    assert len({part.name for part in parts}) == len(parts)


def test_mixture_count_chosen():
    for mixture in (LEARN, SETTLE, FINE_TUNE, CONTINUE):
        chosen = mixture.count_chosen(256)
        assert chosen == 256 - round(256 * (mixture.drawn + mixture.negative + mixture.cut))
        assert chosen > 256 * mixture.redrawn
