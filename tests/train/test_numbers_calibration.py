import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlflask.inference.model_file import read_thresholds
from dlflask.numbers.thresholds import Features, Thresholds
from dlflask.train.numbers.calibration import (
    TARGET,
    Example,
    choose_thresholds,
    fit_logistic,
    fit_rising,
    main,
)

MODEL = Path(__file__).resolve().parent.parent.parent / "number_model.h5"


def test_fit_logistic_finds_the_weights():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(20_000, 2))
    chance = 1 / (1 + np.exp(-(0.5 + 2 * values[:, 0] - values[:, 1])))

    weights = fit_logistic(values, rng.random(20_000) < chance)

    assert weights == pytest.approx([0.5, 2, -1], abs=0.1)


def test_fit_rising_drops_a_feature_that_only_corrects_another():
    rng = np.random.default_rng(0)
    quality = rng.normal(size=20_000)
    values = np.column_stack([quality, quality + rng.normal(size=20_000), rng.normal(size=20_000)])
    chance = 1 / (1 + np.exp(-(0.5 + 2 * values[:, 0] - 0.5 * values[:, 1])))

    bias, first, second, third = fit_rising(values, rng.random(20_000) < chance)

    assert (bias, first) == pytest.approx((0.5, 1.5), abs=0.15)
    assert second == 0
    assert 0 <= third < 0.1


def test_choose_thresholds_gives_number_to_the_right_ones():
    rng = np.random.default_rng(0)
    examples = []
    for _ in range(2_000):
        quality = rng.normal()
        is_right = bool(rng.random() < 1 / (1 + np.exp(-4 * quality - 2)))
        examples.append(Example(Features(quality, 0.0), is_right, may_be_number=True))

    found = choose_thresholds(examples, "this test")

    sure = [one for one in examples if found.probability(one.features) >= found.number_from]
    assert 0.3 < len(sure) / len(examples) < 1
    assert np.mean([one.is_right for one in sure]) >= TARGET
    assert found.chosen_on == "this test"


def test_main_draws_fields_from_images_of_digits(digits, tmp_path, capsys):
    for index, (image, label) in enumerate(zip(*digits, strict=True)):
        if index == 100:
            break
        file = tmp_path / "images" / str(label) / f"{index}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    model = shutil.copy(MODEL, tmp_path)

    assert main([str(model), "--images", str(tmp_path / "images"), "--fields", "4"]) == 0

    text = read_thresholds(model)
    assert text == capsys.readouterr().out.strip()
    found = Thresholds.from_json(text)
    assert found.chosen_on == "4 fields drawn from 100 development images of digits"
    assert found.number_from == 1, "four fields are too few for a threshold"


def test_main_names_a_missing_folder(tmp_path, capsys):
    model = shutil.copy(MODEL, tmp_path)

    assert main([str(model), "--images", str(tmp_path / "none")]) == 1

    assert "none" in capsys.readouterr().err
