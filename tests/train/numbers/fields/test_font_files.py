"""Handwriting fonts: found, checked, and reported if they cannot be had."""

import io
import tarfile

import pytest

from dlflask.train.numbers.fields.font_files import (
    APACHE,
    FAMILIES,
    VERSION,
    _unpack,
    download_fonts,
    file_name,
    find_fonts,
    printed_fonts,
)


def test_families_are_pinned():
    assert len(FAMILIES) == 40
    assert set(APACHE) < set(FAMILIES)
    assert all(len(sha512) == 16 for sha512 in FAMILIES.values())


def test_find_fonts(tmp_path):
    (tmp_path / file_name("kalam")).write_bytes(b"font")
    (tmp_path / "other.woff").write_bytes(b"font")

    assert find_fonts(tmp_path) == [tmp_path / file_name("kalam")]
    assert download_fonts(tmp_path, ["kalam"]) == find_fonts(tmp_path)


def test_printed_fonts():
    assert all(path.is_file() for path in printed_fonts())


def test_unpack_of_changed_package(tmp_path):
    archive = tmp_path / f"fontsource-kalam-{VERSION}.tgz"
    with tarfile.open(archive, "w:gz") as package:
        package.addfile(tarfile.TarInfo(f"package/files/{file_name('kalam')}"), io.BytesIO())

    with pytest.raises(OSError, match=r"expected one that begins with .* download it again"):
        _unpack("kalam", archive)

    assert not find_fonts(tmp_path)


def test_download_without_npm(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(OSError, match="Install Node"):
        download_fonts(tmp_path, ["kalam"])
