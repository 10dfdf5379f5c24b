"""Handwriting fonts under free licences, pinned by version and hash.

npm downloads the fonts from its registry. They are used only for training. Neither the project nor
the model file contains them.
"""

from __future__ import annotations

import base64
import hashlib
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

import matplotlib

from dlflask.train.synthesis.fonts import FONTS as PRINTED

#: Version of all packages.
VERSION = "5.3.0"
#: Families under the Apache License 2.0. All other families use the SIL Open Font License 1.1.
APACHE = ("homemade-apple", "permanent-marker", "rock-salt", "schoolbell")
#: Families of fonts, and for each the first 16 characters of the SHA-512 (base64) of its package.
FAMILIES: dict[str, str] = {
    "annie-use-your-telescope": "FKBTv9j8AMRlHGRt",
    "architects-daughter": "uezOgAlbhmf9nDW6",
    "bad-script": "7MElotXA5LHyvyEl",
    "caveat": "eHTfzQxFSW9ABERR",
    "cedarville-cursive": "wHP/LV0JvHoZRpfN",
    "covered-by-your-grace": "QurmStAERGPv2vbl",
    "delius": "gl1jlqiY302zPebY",
    "gaegu": "eSVEXay02/DAB5Bt",
    "gloria-hallelujah": "U4gt7qqWGn4bysvZ",
    "gochi-hand": "IW6Xo3wbZuTLyx7h",
    "handlee": "bginDzMq4WhtYCcC",
    "homemade-apple": "awJSYTbSY3SroC8n",
    "indie-flower": "Wo5eN/ruEQcyC3+A",
    "itim": "y3m8RZeRCclnuQHg",
    "kalam": "FDkVoDfPDCSN/eO8",
    "licorice": "6eLmv0nHUuatk3rf",
    "liu-jian-mao-cao": "OaFm4okm77XoGA9j",
    "long-cang": "lCcBJb+LWZpYCVtG",
    "mansalva": "Ue525bEZRg7Zu3Pb",
    "marck-script": "PLm3zCeXB7osgon3",
    "nanum-brush-script": "CbQQAKx0oQ7JgBn6",
    "nanum-pen-script": "at9MFL8ga0A3Xce1",
    "neucha": "7PoHR/5toTeYP3T6",
    "oooh-baby": "6Qtcq2/QaTflcTJ8",
    "patrick-hand": "V8C38IlIFfdWg0Xt",
    "permanent-marker": "ZO/NtYW4SCc/iY8N",
    "playpen-sans": "94O9WdgAmvFpAjsP",
    "poor-story": "L6FR+YlMi++oUpL5",
    "reenie-beanie": "PgEiqKdPCLlvdY2I",
    "rock-salt": "3Zy0QtrDbq5jrAoM",
    "schoolbell": "7AWeUHHTiLIKz2V8",
    "shadows-into-light": "3dvv0i8/ZwLMY08A",
    "short-stack": "nhIm4HgWq6AsM9Sg",
    "sriracha": "0JjwrC1/BXsSXMEc",
    "sue-ellen-francisco": "cwzU21In+AcbXarv",
    "swanky-and-moo-moo": "JPlkYzhnQpdsJSp/",
    "the-girl-next-door": "ysHz6+NKIRzT7z++",
    "yomogi": "D35BWMd0BVhtYfpE",
    "zen-kurenaido": "Oh7XLWpdTV7/f6xg",
    "zhi-mang-xing": "V21yCCm5o2PHdXF2",
}


def file_name(family: str) -> str:
    """Return the name of a family's font file in its package."""
    return f"{family}-latin-400-normal.woff"


def find_fonts(folder: Path) -> list[Path]:
    """Return the files in `folder` of the fonts in `FAMILIES`, in the order of `FAMILIES`."""
    return [path for family in FAMILIES if (path := folder / file_name(family)).is_file()]


def printed_fonts() -> list[Path]:
    """Return the files of the printed fonts, which come with matplotlib."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return [folder / name for name in PRINTED]


def download_fonts(folder: Path, families: Sequence[str] = tuple(FAMILIES)) -> list[Path]:
    """Download the fonts that are missing in `folder`, and return the files of all fonts.

    Raises:
        OSError: npm is not installed, npm fails, or the hash of a package is wrong.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for family in families:
        if not (folder / file_name(family)).is_file():
            _download(family, folder)
    return find_fonts(folder)


def _download(family: str, folder: Path) -> None:
    package = f"@fontsource/{family}@{VERSION}"
    command = ["npm", "pack", "--silent", package]
    try:
        done = subprocess.run(  # noqa: S603  a fixed command
            command, cwd=folder, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise OSError(
            "npm is not installed, but it is needed to download the handwriting fonts. Install "
            "Node.js, or point --fonts at a folder that already holds the fonts."
        ) from error
    archive = folder / f"fontsource-{family}-{VERSION}.tgz"
    if done.returncode or not archive.is_file():
        raise OSError(
            f"`{' '.join(command)}` failed: {done.stderr.strip()[-300:]}. Check the network, or "
            "point --fonts at a folder that already holds the fonts."
        )
    _unpack(family, archive)


def _unpack(family: str, archive: Path) -> None:
    """Check the hash of the package, extract the font, and remove the package."""
    received = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if received[:16] != FAMILIES[family]:
        raise OSError(
            f"{archive.name} has the SHA-512 {received}; expected one that begins with "
            f"{FAMILIES[family]}. Delete this file, and run the command again to download it again."
        )
    with tarfile.open(archive) as package:
        member = package.extractfile(f"package/files/{file_name(family)}")
        assert member is not None  # noqa: S101  for the type checker: the hash fixes the content
        (archive.parent / file_name(family)).write_bytes(member.read())
    archive.unlink()
