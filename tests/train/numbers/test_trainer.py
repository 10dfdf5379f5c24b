"""Short training runs of the number network, interrupted and resumed, and the whole command."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")
pytest.importorskip("tensorflow", reason="TensorFlow trains; it is not installed")

from dlflask.inference.model_file import read_number_network  # noqa: E402
from dlflask.numbers.characters import ALPHABET, NUM_CLASSES, NumberNetwork, encode  # noqa: E402
from dlflask.numbers.normalization import STRIP_PREPROCESSING  # noqa: E402
from dlflask.train.numbers.export import save  # noqa: E402
from dlflask.train.numbers.model_card import NumberCard  # noqa: E402
from dlflask.train.numbers.network import build_network, count_multiply_adds  # noqa: E402
from dlflask.train.numbers.recipe import NumberRecipe  # noqa: E402
from dlflask.train.numbers.shards import ShardMaker  # noqa: E402
from dlflask.train.numbers.trainer import augment, ctc_loss, fit, load_weights  # noqa: E402

pytestmark = pytest.mark.train

ROOT = Path(__file__).resolve().parents[3]
RECIPE = NumberRecipe(shards=2, epochs=2, batch_size=1)


class PowerCut(Exception):
    """Interrupts the first run."""


class FragileMaker(ShardMaker):
    """Maker that raises in the middle of the second epoch."""

    def load(self, index):
        self.loads = getattr(self, "loads", 0) + 1
        if self.loads == 4:
            raise PowerCut
        return super().load(index)


def test_network():
    model = build_network()

    assert 300_000 < model.count_params() < 1_000_000
    assert 15e6 < count_multiply_adds(model, 176) < 65e6
    for width in (4, 32, 100):
        outputs = model.predict(np.zeros((1, 32, width, 1), np.float32), verbose=0)
        assert outputs.shape == (1, width // 4, NUM_CLASSES)


def test_ctc_loss():
    labels = np.zeros((2, 5), np.int32)
    labels[0, :3] = encode("121")
    logits = np.full((2, 8, NUM_CLASSES), -20, np.float32)
    for column, index in enumerate([2, 0, 3, 3, 2, 0, 0, 0]):
        logits[0, column, index] = 20
    logits[1, :, 0] = 20

    right = keras.ops.convert_to_numpy(ctc_loss(labels, logits))
    wrong = keras.ops.convert_to_numpy(ctc_loss(labels[::-1], logits))

    assert np.all(right < 0.01)
    assert np.all(wrong > 10)


def test_augment_of_one_seed():
    strips = np.random.default_rng(0).integers(0, 256, (4, 32, 96), np.uint8)

    first, second = (augment(strips, np.random.default_rng(1)) for _ in range(2))

    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.float32
    assert 0 <= first.min() < first.max() <= 1


def test_fit_resumes_interrupted_run(executor, material_folder, tmp_path):
    def maker(kind=ShardMaker):
        return kind(executor, material_folder, RECIPE.plan(), tmp_path / "shards")

    uninterrupted = fit(maker(), RECIPE, tmp_path / "uninterrupted", verbose=0)
    with pytest.raises(Exception, match="PowerCut"):
        fit(maker(FragileMaker), RECIPE, tmp_path / "interrupted", verbose=0)

    resumed = fit(maker(), RECIPE, tmp_path / "interrupted", verbose=0)

    for ours, theirs in zip(resumed.get_weights(), uninterrupted.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_fit_continues_from_weights(executor, material_folder, tmp_path):
    recipe = replace(RECIPE, shards=1, epochs=1, learning_rate=1e-9, weight_decay=0.0)
    maker = ShardMaker(executor, material_folder, recipe.plan(), tmp_path / "shards")
    keras.utils.set_random_seed(9)
    start = save(build_network(), tmp_path / "start.h5")

    continued = fit(maker, recipe, tmp_path, weights=load_weights(tmp_path / "start.h5"), verbose=0)

    is_trained = [variable.trainable for variable in continued.weights]
    for trained, ours, theirs in zip(
        is_trained, continued.get_weights(), start.get_weights(), strict=True
    ):
        if trained:
            np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_load_weights_of_another_network(tmp_path):
    save(build_network((8, 16, 24), 40), tmp_path / "small.h5")

    with pytest.raises(ValueError, match="differ from the layers of the number network"):
        load_weights(tmp_path / "small.h5")


@pytest.mark.parametrize(
    ("content", "message"), [(None, "No such file"), (b"text", "is not a Keras model")]
)
def test_start_cannot_be_read(mnist_file, tmp_path, content, message):
    if content:
        (tmp_path / "none.h5").write_bytes(content)

    done = train("--fast", "--from", "none.h5", cwd=tmp_path, MNIST_NPZ=str(mnist_file))

    assert done.returncode == 1
    assert message in done.stderr.splitlines()[-1]


def train(*arguments, cwd, **environment):
    return subprocess.run(
        [sys.executable, "-m", "dlflask.train", "numbers", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT), "KERAS_BACKEND": "tensorflow"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_fast_run_writes_model_and_card(mnist_file, tmp_path):
    done = train("--fast", "--workers", "2", cwd=tmp_path, MNIST_NPZ=str(mnist_file))

    assert done.returncode == 0, done.stderr
    model = tmp_path / "build" / "fast_numbers.h5"
    card = NumberCard.read(model.with_suffix(".json"))
    assert card.to_markdown() in done.stdout
    assert model.stat().st_size == card.file_bytes < 4_000_000
    network = NumberNetwork.from_json(read_number_network(model))
    assert network == NumberNetwork(ALPHABET, 0, 32, 4, STRIP_PREPROCESSING)
    assert not list((tmp_path / "build" / "train_numbers").iterdir()), "fields are removed"


def test_data_file_missing(tmp_path):
    done = train("--data", "none.npz", cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("The MNIST file none.npz does not exist.")


def test_help_names_parts(tmp_path):
    done = train("--help", cwd=tmp_path)

    assert "hands, fonts, writers, bends, spacing" in " ".join(done.stdout.split())
