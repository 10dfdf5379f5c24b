"""Fuzz a target, guided by coverage: `python -m tests.fuzz TARGET FOLDER [libFuzzer's options]`.

`make fuzz` runs all targets. libFuzzer writes an input that fails to FOLDER/crash-*. Once the
error is fixed, move it to tests/fuzz/found/, where tests/web/test_malformed_input.py reads it.
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
    from tests.fuzz.seeds import NUMBERS, PICTURES, REQUESTS
    from tests.fuzz.targets import TARGETS

SEEDS = {"decode": PICTURES, "number": PICTURES | NUMBERS, "post": REQUESTS}

#: Seconds of one run, megabytes of the process, bytes of an input.
LIMITS = ["-timeout=20", "-rss_limit_mb=1500", "-max_len=40000"]

_PNG = b"\x89PNG\r\n\x1a\n"


def mutate(data, max_size, seed):
    """Mutate by libFuzzer. Correct the checksums of most PNGs, which are rejected otherwise."""
    mutated = atheris.Mutate(data, max_size)
    return correct_checksums(mutated) if mutated.startswith(_PNG) and seed % 4 else mutated


def correct_checksums(png):
    """Return the same chunks with correct checksums."""
    corrected, rest = _PNG, png[len(_PNG) :]
    while len(rest) >= 12:
        end = 8 + struct.unpack(">I", rest[:4])[0]
        content = rest[4:end]
        corrected += rest[:4] + content + struct.pack(">I", zlib.crc32(content))
        rest = rest[end + 4 :]
    return (corrected + rest)[: len(png)]


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
