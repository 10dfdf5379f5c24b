# Tasks of this project; `make help` lists them.
PYTHON ?= python3
PORT ?= 8000
IMAGE ?= dlflask
# Keras imports TensorFlow if it is installed, which slows the start of the service. Therefore the
# service has an environment of its own, without TensorFlow.
SERVICE := .venv
DEV := .venv-dev
BUILD := build
# A process for each CPU; a module's tests stay together, because they share servers.
PARALLEL := --numprocesses logical --maxprocesses 4 --dist loadfile

COMPILE := $(DEV)/bin/uv pip compile pyproject.toml $(UPGRADE) --quiet --universal --generate-hashes \
  --python-version 3.11 --no-emit-index-url --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help run quick test e2e fuzz bench lint format audit train notebook screenshot openapi lock image sbom clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(SERVICE)/.installed  ## Serve on http://127.0.0.1:8000 (PORT=... for another port)
	$(SERVICE)/bin/python -m dlflask serve --port $(PORT)

# Without the folders whose tests load TensorFlow, start servers or drive browsers. As in the
# service, a process has one thread for matrices: more threads would wait for each other's CPU.
quick: $(DEV)/.installed  ## Run the fast tests, in about a minute
	KERAS_BACKEND=openvino OPENBLAS_NUM_THREADS=1 \
	  $(DEV)/bin/python -m pytest $(PARALLEL) -m "not (slow or model or train)" \
	  --ignore=tests/model --ignore=tests/train --ignore=tests/e2e

test: $(DEV)/.installed  ## Run every test that needs neither a Docker engine nor a browser
	$(DEV)/bin/python -m pytest $(PARALLEL) -m "not (alone or browser or compose or clone)"
	$(DEV)/bin/python -m pytest -m "alone and not (browser or compose or clone)"

e2e: $(DEV)/.installed  ## Run the tests with a Docker engine, a browser and a fresh clone
	$(DEV)/bin/python -m pytest $(PARALLEL) -m "browser and not (alone or compose)"
	$(DEV)/bin/python -m pytest -m "compose or clone or (browser and alone)"

fuzz: $(DEV)/.installed  ## Fuzz the decoder, the reading of numbers and the application, 100,000 inputs each
	$(DEV)/bin/python -m tests.fuzz decode build/fuzz -atheris_runs=100000
	$(DEV)/bin/python -m tests.fuzz number build/fuzz -atheris_runs=100000
	$(DEV)/bin/python -m tests.fuzz post build/fuzz -atheris_runs=100000

# Needs both environments: the service runs in its own, one baseline needs TensorFlow.
bench: $(SERVICE)/.installed $(DEV)/.installed  ## Measure speed and memory, write bench/RESULTS.md (BENCH_ARGS=... for options)
	$(DEV)/bin/python -m bench --service-python $(SERVICE)/bin/python --output bench $(BENCH_ARGS)

lint: $(DEV)/.installed  ## Check format, style, spelling, types and imports
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/ruff check .
	$(DEV)/bin/codespell
	$(DEV)/bin/mypy
	$(DEV)/bin/lint-imports

format: $(DEV)/.installed  ## Format the code and apply automatic fixes
	$(DEV)/bin/ruff format .
	$(DEV)/bin/ruff check --fix .

# Needs the network: a failed look-up counts as a failure. Without a network .ci/run reports that it
# skips this target.
audit: $(DEV)/.installed  ## Check the service's dependencies for known vulnerabilities
	$(DEV)/bin/uv tool run pip-audit --strict --vulnerability-service osv --require-hashes \
	  --disable-pip --requirement requirements.txt

train: $(DEV)/.installed  ## Train mnist_model.h5 anew, three hours (MNIST_NPZ=FILE without a network)
	$(DEV)/bin/python -m dlflask.train

# Writes to a temporary file, because jupytext refuses to update a notebook older than its script.
notebook: $(DEV)/.installed  ## Build notebooks/mnist.ipynb from its script and execute it
	mkdir -p build
	$(DEV)/bin/jupytext --to ipynb --output - notebooks/mnist.py | \
	  $(DEV)/bin/jupyter nbconvert --to notebook --execute --stdin --stdout \
	    --ExecutePreprocessor.record_timing=False \
	    --ExecutePreprocessor.extra_arguments=--IPKernelApp.capture_fd_output=False \
	    > build/mnist.ipynb
	mv build/mnist.ipynb notebooks/

screenshot: $(DEV)/.installed  ## Take the README's screenshot of the page
	$(DEV)/bin/python -m tests.screenshot docs/page.png

openapi: $(DEV)/.installed  ## Convert dlflask/web/openapi/openapi.yaml to the JSON that the service reads
	$(DEV)/bin/python -m tests.openapi

lock: $(DEV)/.installed  ## Compile both requirement files from pyproject.toml (UPGRADE=-U for the newest)
	$(COMPILE) --group train --group dev --output-file requirements-dev.txt
	$(COMPILE) --constraint requirements-dev.txt --output-file requirements.txt

image:  ## Build the container image with version and commit labels (IMAGE=name:tag)
	docker build --tag $(IMAGE) \
	  --build-arg VERSION="$$(sed -n 's/^__version__ = "\(.*\)"/\1/p' dlflask/__init__.py)" \
	  --build-arg REVISION="$$(git rev-parse HEAD)" .

# requirements.txt holds every platform's versions; the image has one platform and one Python.
sbom: $(DEV)/.installed  ## List the Python packages of the image as CycloneDX in build/sbom.json
	mkdir -p $(BUILD)
	$(DEV)/bin/uv pip compile requirements.txt --quiet --no-deps --generate-hashes --no-emit-index-url \
	  --python-version 3.13 --python-platform x86_64-manylinux_2_28 --output-file $(BUILD)/image.txt
	$(DEV)/bin/cyclonedx-py requirements $(BUILD)/image.txt --pyproject pyproject.toml \
	  --output-reproducible --output-file $(BUILD)/sbom.json

clean:  ## Remove the environments and all generated files
	rm -rf $(SERVICE) $(DEV) build .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(SERVICE)/.installed: requirements.txt
$(DEV)/.installed: requirements-dev.txt
%/.installed:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' || { \
	  echo "$(PYTHON) is not Python 3.11, 3.12, 3.13 or 3.14;" \
	  "name one, as in: make run PYTHON=python3.14"; exit 1; }
# An installation would follow the link and clear the environment that it points to.
	@test ! -L $* || { echo "$* is a link to an environment elsewhere, which make does not change." \
	  "Remove the link, and make creates an environment here."; exit 1; }
	@echo "Installing $< into $*; this takes a few minutes the first time."
	@$(PYTHON) -m venv --clear $*
	@$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
