import json
import subprocess
import sys

import pytest
from packaging.utils import canonicalize_name

from tests.serving import ROOT
from tests.test_requirements import pins

pytestmark = pytest.mark.slow


def test_sbom_lists_the_packages_of_the_image(tmp_path):
    # Uses the environment of this test; -o prevents make from reinstalling it.
    environment = ["-o", f"{sys.prefix}/.installed", f"DEV={sys.prefix}", f"BUILD={tmp_path}"]
    subprocess.run(["make", "sbom", *environment], cwd=ROOT, check=True, capture_output=True)

    bom = json.loads((tmp_path / "sbom.json").read_text(encoding="utf-8"))
    listed = {
        (canonicalize_name(component["name"]), component["version"]): {
            f"sha256:{digest['content']}"
            for reference in component["externalReferences"]
            for digest in reference.get("hashes", [])
        }
        for component in bom["components"]
    }
    assert bom["bomFormat"] == "CycloneDX"
    assert bom["metadata"]["component"]["name"] == "dlflask"
    assert listed.items() <= pins("requirements.txt").items()
    names = [name for name, _ in listed]
    assert len(names) == len(set(names)), "one version of each package: that of the image"
    assert {name for name, _ in pins("requirements.txt")} == set(names)
