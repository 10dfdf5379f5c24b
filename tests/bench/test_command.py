import pytest

from bench.__main__ import main


def test_help_teaches_by_example(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    told = capsys.readouterr().out
    assert ended.value.code == 0
    assert "python -m bench --fast" in told
    assert "where the microseconds of one request go" in told


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["everything"], "'everything' is none of closed, open"),
        (["open"], "open takes its rates from closed; name both"),
        (["--rounds", "0"], "must be 1 or more"),
    ],
    ids=["unknown-part", "open-alone", "no-round"],
)
def test_a_wrong_command_says_what_to_do(capsys, arguments, says):
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_without_a_load_generator_its_package_is_named(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SystemExit) as ended:
        main(["closed", "--output", str(tmp_path)])

    assert ended.value.code == 1
    assert "wrk is not installed" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
