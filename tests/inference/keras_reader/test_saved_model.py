"""Files that are refused before a network is built from them."""

import io
import json
import zipfile

import h5py
import numpy as np
import pytest

from dlflask.errors import ModelError
from dlflask.inference.keras_reader.hdf5_file import MAX_TEXT_BYTES
from dlflask.inference.keras_reader.saved_model import open_saved_model
from tests.inference.old_models import keras_2_0


def text(content):
    def make(path):
        path.write_bytes(content)

    return make


def archive(**members):
    def make(path):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in members.items():
                file.writestr(name.replace("__", ".").replace("SLASH", "/"), content)

    return make


def changed(change):
    """Return a function that writes a good file and calls `change` with it open."""

    def make(path):
        keras_2_0(path)
        with h5py.File(path, "r+") as file:
            change(file)

    return make


def weights_only(path):
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"dense"]
        file.attrs["keras_version"] = b"2.1.4"


def cut_off(path):
    keras_2_0(path)
    path.write_bytes(path.read_bytes()[:9_000])


def external_link(file):
    file["model_weights/dense/more"] = h5py.ExternalLink("/etc/passwd", "/")


def soft_link(file):
    file["model_weights/dense/more"] = h5py.SoftLink("/model_weights")


def virtual_dataset(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    file.create_virtual_dataset("model_weights/dense/virtual", layout)


def external_storage(file):
    file.create_dataset("secret", (4,), "f4", external=[("/etc/passwd", 0, 16)])


def undeclared(file):
    file.create_dataset("large", (10_000_000,), "f4", chunks=(1000,))


def weights_file():
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        file["layers/dense/vars/0"] = np.zeros(3, np.float32)
        file["link"] = h5py.ExternalLink("/etc/passwd", "/")
    return memory.getvalue()


GOOD = {"config__json": "{}", "metadata__json": '{"keras_version": "3.3.3"}'}
NOTEBOOK = json.dumps({"cells": [{"cell_type": "code"}], "nbformat": 4}).encode()
INFLATING = b" " * (MAX_TEXT_BYTES + 1)

REFUSED = {
    "empty": (text(b""), "is empty"),
    "git-lfs": (text(b"version https://git-lfs.github.com/spec/v1\noid"), "Git LFS pointer"),
    "html": (text(b"\n<!DOCTYPE html><html>"), "HTML page"),
    "notebook": (text(NOTEBOOK), "Jupyter notebook"),
    "network-json": (text(b'{"class_name": "Sequential"}'), "without its weights"),
    "json": (text(b"[1, 2]"), "JSON text"),
    "pickle": (text(b"\x80\x04\x95"), "pickle"),
    "tflite": (text(b"\x1c\0\0\0TFL3"), "TensorFlow Lite"),
    "gzip": (text(b"\x1f\x8b\x08"), "gunzip"),
    "other": (text(b"no model"), "begins with 'no model'"),
    "weights-only": (weights_only, "only the weights"),
    "cut-off": (cut_off, "damaged or incomplete"),
    "not-json": (changed(lambda f: f.attrs.__setitem__("model_config", "{")), "not valid JSON"),
    "deep": (changed(lambda f: f.attrs.__setitem__("model_config", "[" * 50_000)), "JSON"),
    "no-config": (changed(lambda f: f.attrs.__delitem__("model_config")), "only the weights"),
    "external-link": (changed(external_link), "link to another place"),
    "soft-link": (changed(soft_link), "link to another place"),
    "virtual-dataset": (changed(virtual_dataset), "in another file"),
    "external-storage": (changed(external_storage), "in another file"),
    "values-missing": (changed(undeclared), "some values are missing"),
    "zip": (archive(readme__txt="x"), "zip archive without the file config.json"),
    "zip-with-model": (archive(model__h5="x"), "Unpack the archive"),
    "pytorch": (archive(modelSLASHdata__pkl="x"), "PyTorch"),
    "no-weights": (archive(**GOOD), "the weights are missing"),
    "zip-slip": (archive(**GOOD, **{"..SLASH..SLASHmodel": "x"}), "leads outside of the archive"),
    "inflating": (
        archive(config__json=INFLATING, model__weights__h5="x"),
        "bytes after decompression",
    ),
    "archive-link": (archive(**GOOD, model__weights__h5=weights_file()), "link to another place"),
}


@pytest.mark.parametrize(("make", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_file(tmp_path, make, says):
    path = tmp_path / "model.h5"
    make(path)

    with path.open("rb") as file, pytest.raises(ModelError, match=says) as caught:
        open_saved_model(file, [].append)

    assert len(str(caught.value).splitlines()) == 1
    assert "make train" not in str(caught.value)


def test_version_is_said_before_a_refusal(tmp_path):
    versions = []
    weights_only(tmp_path / "model.h5")

    with (tmp_path / "model.h5").open("rb") as file, pytest.raises(ModelError):
        open_saved_model(file, versions.append)

    assert versions == ["2.1.4"]
