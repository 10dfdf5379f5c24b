import pytest

from bench.__main__ import main


def test_help_shows_examples(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    assert ended.value.code == 0
    assert "python -m bench --rounds 1 --seconds 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--targets", "everything"], "invalid choice: 'everything'"),
        (["--rounds", "0"], "received 0; expected at least 1"),
    ],
    ids=["unknown-target", "no-round"],
)
def test_command_with_invalid_arguments(capsys, arguments, message):
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_command_without_wrk_names_the_package(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SystemExit) as ended:
        main(["--output", str(tmp_path)])

    assert ended.value.code == 1
    assert "wrk is not installed (Debian and Ubuntu: wrk" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
