"""The container image: labels of `make image`, and reproducible builds."""

import hashlib
import json
import os
import subprocess
import sys
import tarfile

import pytest

from dlflask import __version__

IMAGE = f"digits-image:{os.getpid()}"
#: Files that the engine adds to a container; they are not part of the image.
BY_ENGINE = ("etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", ".dockerenv")


def docker(*arguments):
    done = subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def image(engine, clone):
    subprocess.run(["make", "image", f"IMAGE={IMAGE}"], cwd=clone, check=True, capture_output=True)
    yield IMAGE
    docker("rmi", "--force", IMAGE)


def files(image):
    """Return {name: (type, mode, owner, content)} of every file of an image, without times."""
    container = docker("create", image)
    export = subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE)
    try:
        with tarfile.open(fileobj=export.stdout, mode="r|") as archive:
            return {
                entry.name: (entry.type, entry.mode, entry.uid, entry.gid, content(archive, entry))
                for entry in archive
                if entry.name not in BY_ENGINE
            }
    finally:
        export.communicate(timeout=60)
        docker("rm", container)


def content(archive, entry):
    if not entry.isreg():
        return entry.linkname
    return hashlib.file_digest(archive.extractfile(entry), "sha256").hexdigest()


@pytest.mark.compose
def test_image_labels(image, clone):
    labels = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", image))

    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=clone, check=True, capture_output=True, text=True
    )
    assert {name.removeprefix("org.opencontainers.image."): labels[name] for name in labels} == {
        "title": "dlflask",
        "description": "A microservice that recognises handwritten digits",
        "licenses": "MIT",
        "version": __version__,
        "revision": head.stdout.strip(),
    }


@pytest.mark.compose
def test_image_build_is_reproducible(image, clone):
    again = f"{IMAGE}-again"
    docker("build", "--quiet", "--no-cache", "--tag", again, str(clone))
    try:
        first, second = files(image), files(again)
    finally:
        docker("rmi", "--force", again)

    assert "app/mnist_model.h5" in first
    assert [name for name in first.keys() | second if first.get(name) != second.get(name)] == []


@pytest.mark.clone
def test_packages_have_wheels_for_arm64(clone, tmp_path):
    """Resolve for the image's Python and the glibc of its Debian (2.41)."""
    uv = [f"{sys.prefix}/bin/uv", "pip", "install", "--dry-run", "--require-hashes"]
    platform = ["--python-platform", "aarch64-manylinux_2_40", "--python-version", "3.13"]

    done = subprocess.run(
        [*uv, *platform, "--only-binary", ":all:", "--target", tmp_path, "-r", "requirements.txt"],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "openvino==" in done.stderr
