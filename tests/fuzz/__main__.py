"""`python -m tests.fuzz TARGET FOLDER [libFuzzer's options]`: feed a target, guided by coverage.

`make fuzz` runs both targets. What breaks a promise is left in FOLDER as crash-*; once mended, its
file is kept in tests/fuzz/found/, where tests/web/test_malformed_input.py feeds it again.
"""

import struct
import sys
import zlib
from pathlib import Path

try:
    import atheris
except ImportError:
    sys.exit(
        "Fuzzing needs atheris, which is published for Linux on x86-64. Run `make fuzz` there, or "
        "in a container: docker run --platform linux/amd64 -v .:/app -w /app python:3.13 make fuzz"
    )

with atheris.instrument_imports(include=["PIL", "dlflask", "flask", "multipart", "werkzeug"]):
    from tests.fuzz.seeds import PICTURES, REQUESTS
    from tests.fuzz.targets import TARGETS

SEEDS = {"decode": PICTURES, "post": REQUESTS}

#: A request may take so many seconds and the process so many megabytes.
LIMITS = ["-timeout=20", "-rss_limit_mb=1500", "-max_len=40000"]

_PNG = b"\x89PNG\r\n\x1a\n"


def mutate(data, max_size, seed):
    """libFuzzer's own mutation, with the checksums of a PNG made right: else none is read on."""
    mutated = atheris.Mutate(data, max_size)
    return mend_checksums(mutated) if mutated.startswith(_PNG) and seed % 4 else mutated


def mend_checksums(png):
    """The same chunks, each with the checksum that belongs to it."""
    mended, rest = _PNG, png[len(_PNG) :]
    while len(rest) >= 12:
        end = 8 + struct.unpack(">I", rest[:4])[0]
        content = rest[4:end]
        mended += rest[:4] + content + struct.pack(">I", zlib.crc32(content))
        rest = rest[end + 4 :]
    return (mended + rest)[: len(png)]


def main(name, folder, *options):
    """Write the seeds to FOLDER/TARGET and fuzz until the options say to stop."""
    corpus = Path(folder) / name
    corpus.mkdir(parents=True, exist_ok=True)
    for seed, content in SEEDS[name].items():
        (corpus / seed).write_bytes(content)
    arguments = [sys.argv[0], str(corpus), f"-artifact_prefix={folder}/", *LIMITS, *options]
    atheris.Setup(arguments, TARGETS[name], custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
