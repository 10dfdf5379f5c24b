"""Shards: the same for the same plan, complete, and made once."""

import numpy as np
import pytest

from dlflask.numbers.characters import ALPHABET, BLANK
from dlflask.train.numbers.fields.field import is_readable
from dlflask.train.numbers.shards import MAX_LABEL, WIDTHS, Plan, Shard, ShardMaker, draw_shard

PLAN = Plan(seed=3, count=2, size=16)


@pytest.fixture(scope="module")
def shard(material):
    return draw_shard(material, PLAN, 0)


def test_draw_shard(shard):
    assert [len(strips) for strips in shard.strips] == PLAN.quotas()
    assert sum(PLAN.quotas()) == PLAN.size
    for strips, labels, width in zip(shard.strips, shard.labels, WIDTHS, strict=True):
        assert strips.shape[1:] == (32, width)
        assert labels.shape[1:] == (MAX_LABEL,)
        for label in labels:
            spelled = "".join(ALPHABET[index - 1] for index in label if index != BLANK)
            assert is_readable(spelled, width)


def test_draw_shard_of_one_seed(material, shard):
    again = draw_shard(material, PLAN, 0)
    other = draw_shard(material, PLAN, 1)

    for ours, theirs, others in zip(shard.strips, again.strips, other.strips, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert np.any(ours != others)


def test_shard_round_trip(shard, tmp_path):
    shard.save(tmp_path / "shard.npz")

    loaded = Shard.load(tmp_path / "shard.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["shard.npz"]
    for ours, theirs in zip(loaded.labels, shard.labels, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_shard_maker_keeps_finished_shards(executor, material_folder, shard, tmp_path):
    blank = Shard([0 * strips for strips in shard.strips], shard.labels)
    blank.save(tmp_path / "00000.npz")

    maker = ShardMaker(executor, material_folder, PLAN, tmp_path)

    assert maker.load(0).strips[0].max() == 0
    assert maker.load(1).strips[0].max() > 0
