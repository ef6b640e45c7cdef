# install  .venv/ with everything, at pinned versions      demo   digits, from images to report.html
# test     the whole suite                                  check  ruff, mypy --strict, structure tests
# bench    rivals side by side, every goal, two studies: hours   bench-small  minutes: half of each goal
# bench-install  the rivals that are not needed to run   bench-gpu  the same questions where a GPU is
# fashion-mnist  TFDS' own builder, offline, on Debian's files

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: install demo test check bench bench-small bench-install bench-gpu fashion-mnist clean

install: $(VENV)/.installed

# uv when pip can bring it (seconds), plain pip otherwise (minutes); --no-deps: the pinned list is complete.
$(VENV)/.installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.8 \
	  && $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -r requirements.txt \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: install
	$(BIN)/tuner run recipes/digits.yaml

# Two processes: tests trace graphs and start commands one thread at a time; a file stays whole, so its fixtures are shared,
# and files keep their order: the long ones are few tests each, and would come last.
test: install
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_structure.py

fashion-mnist: install
	$(BIN)/python benchmarks/prepare_fashion_mnist.py
	$(BIN)/tuner run recipes/fashion_mnist.yaml

# Rivals beside what is installed, at versions that change nothing of it.
bench-install: $(VENV)/.rivals

$(VENV)/.rivals: $(VENV)/.installed benchmarks/requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -r benchmarks/requirements.txt \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r benchmarks/requirements.txt
	touch $@

bench: bench-install
	$(BIN)/python -m benchmarks.diagnosis.score
	$(BIN)/python benchmarks/kill_demo.py
	$(BIN)/python -m benchmarks.bench

bench-small: bench-install
	$(BIN)/python -m benchmarks.bench --small

bench-gpu: install
	KERAS_BACKEND=jax $(BIN)/python -m benchmarks.gpu

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache
