# Everything that people and CI do with this project. `make help` lists it.
PYTHON ?= python3
PORT ?= 8000
IMAGE ?= dlflask
# Two environments: the service is installed without TensorFlow, which would slow its start.
SERVICE := .venv
DEV := .venv-dev
BUILD := build

COMPILE := $(DEV)/bin/uv pip compile pyproject.toml $(UPGRADE) --quiet --universal --generate-hashes \
  --python-version 3.11 --no-emit-index-url --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help run test e2e fuzz bench lint format audit train notebook screenshot lock image sbom clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(SERVICE)/.installed  ## Serve on http://127.0.0.1:8000 (PORT=... for another port)
	$(SERVICE)/bin/python -m dlflask serve --port $(PORT)

test: $(DEV)/.installed  ## Every test that needs no Docker engine and no browser
	$(DEV)/bin/python -m pytest -m "not browser and not compose and not clone"

e2e: $(DEV)/.installed  ## The tests with a Docker engine, a browser and a fresh clone
	$(DEV)/bin/python -m pytest -m "browser or compose or clone"

fuzz: $(DEV)/.installed  ## Feed 100,000 mutated pictures and as many requests, guided by coverage
	$(DEV)/bin/python -m tests.fuzz decode build/fuzz -atheris_runs=100000
	$(DEV)/bin/python -m tests.fuzz post build/fuzz -atheris_runs=100000

# Both environments: the service is measured in its own, the original way needs TensorFlow.
bench: $(SERVICE)/.installed $(DEV)/.installed  ## Measure speed and memory, write bench/RESULTS.md (BENCH_ARGS=... for options)
	$(DEV)/bin/python -m bench --service-python $(SERVICE)/bin/python --output bench $(BENCH_ARGS)

lint: $(DEV)/.installed  ## Format check, lint, types
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/ruff check .
	$(DEV)/bin/mypy

format: $(DEV)/.installed  ## Format the code and mend what lint can mend
	$(DEV)/bin/ruff format .
	$(DEV)/bin/ruff check --fix .

# Asks the network; .ci/run leaves it out, and says so, where that is not reached. What cannot be
# looked up counts as a failure.
audit: $(DEV)/.installed  ## Look the service's dependencies up in the list of known vulnerabilities
	$(DEV)/bin/uv tool run pip-audit --strict --vulnerability-service osv --require-hashes \
	  --disable-pip --requirement requirements.txt

train: $(DEV)/.installed  ## Make mnist_model.h5 again (MNIST_NPZ=FILE where there is no network)
	$(DEV)/bin/python -m dlflask.train

# By way of a file of its own: jupytext refuses to write where the script has changed meanwhile.
notebook: $(DEV)/.installed  ## Make notebooks/mnist.ipynb from its script and execute it
	mkdir -p build
	$(DEV)/bin/jupytext --to ipynb --output - notebooks/mnist.py | \
	  $(DEV)/bin/jupyter nbconvert --to notebook --execute --stdin --stdout \
	    --ExecutePreprocessor.record_timing=False \
	    --ExecutePreprocessor.extra_arguments=--IPKernelApp.capture_fd_output=False \
	    > build/mnist.ipynb
	mv build/mnist.ipynb notebooks/

screenshot: $(DEV)/.installed  ## Make the README's picture of the page
	$(DEV)/bin/python -m tests.screenshot docs/page.png

lock: $(DEV)/.installed  ## Compile both requirement files from pyproject.toml (newest: UPGRADE=-U)
	$(COMPILE) --group train --group dev --output-file requirements-dev.txt
	$(COMPILE) --constraint requirements-dev.txt --output-file requirements.txt

image:  ## Build the container image, labelled with version and commit (IMAGE=name:tag)
	docker build --tag $(IMAGE) \
	  --build-arg VERSION="$$(sed -n 's/^__version__ = "\(.*\)"/\1/p' dlflask/__init__.py)" \
	  --build-arg REVISION="$$(git rev-parse HEAD)" .

sbom: $(DEV)/.installed  ## List what the image installs, as CycloneDX: build/sbom.json
	mkdir -p $(BUILD)
	$(DEV)/bin/cyclonedx-py requirements requirements.txt --pyproject pyproject.toml \
	  --output-reproducible --output-file $(BUILD)/sbom.json

clean:  ## Remove the environments and everything else that can be made again
	rm -rf $(SERVICE) $(DEV) build .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(SERVICE)/.installed: requirements.txt
$(DEV)/.installed: requirements-dev.txt
%/.installed:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13; name one, as in: make run PYTHON=python3.13"; exit 1; }
	$(PYTHON) -m venv --clear $*
	$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
