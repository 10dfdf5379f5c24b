"""Sizes on disk of the compared programs, with everything that they need except Python."""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: Directories and files of the project that its service uses.
_SERVED = ("dlflask", "static", "templates", "server.py", "gunicorn.conf.py")

#: Name of a package at the beginning of a requirement such as `numpy>=2.4`.
_NAME = re.compile(r"[\w.-]+")


def size_of_project() -> int:
    """Return the size in bytes of the service, its models and the packages that it needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [_NAME.match(each) for each in project["dependencies"]]
    files = [*ROOT.glob("*_model.h5"), *(ROOT / name for name in _SERVED)]
    return sum(map(_size, files)) + size_of_distributions(*(name[0] for name in names if name))


def size_of_distributions(*names: str) -> int:
    """Return the size in bytes of installed packages and of all packages that they need.

    Each package is counted once.
    """
    wanted, sizes = list(names), dict[str, int]()
    while wanted:
        name = re.sub(r"[-_.]+", "-", wanted.pop()).lower()
        if name in sizes:
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # Only other platforms or versions of Python need this package.
        files = {Path(str(file.locate())) for file in distribution.files or ()}
        sizes[name] = sum(file.stat().st_size for file in files if file.is_file())
        needed = (each for each in distribution.requires or () if "extra ==" not in each)
        wanted += [match[0] for match in map(_NAME.match, needed) if match]
    return sum(sizes.values())


def size_of_program(program: str, languages: str) -> int:
    """Return the size in bytes of Tesseract, its shared libraries and its language data.

    Args:
        program: Path of the program.
        languages: Output of `tesseract --list-langs`. It names the folder of the language data.
    """
    files = [Path(program)]
    try:
        linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)  # noqa: S603, S607
        files += map(Path, re.findall(r"=> (/\S+)", linked.stdout))
    except FileNotFoundError:
        pass  # `ldd` does not exist on macOS, so shared libraries are not counted there.
    files += map(Path, re.findall(r'"(/[^"]+)"', languages))
    system_libraries = ("libc.so", "libm.so", "libstdc++", "libgcc_s", "ld-linux")
    return sum(_size(file) for file in files if not file.name.startswith(system_libraries))


def _size(path: Path) -> int:
    files = [path, *path.rglob("*")] if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
