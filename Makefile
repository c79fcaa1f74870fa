# make sweep     install what the sweep needs, run the sweep `quick` (FRESH=1: start a new run)
# make test      install what the tests need, run them all (ARGS="tests/sweeps -k plan": some of them)
# make lint      check formatting, style and types
# make format    format the code and apply safe fixes
# make docs      build the documentation site into site/
# make wheel     build dist/*.whl
# make lock      compile requirements/*.lock from pyproject.toml (UPGRADE=1: renew the pins)
# make bench     run the benchmarks
# make chaos     inject 300 faults into running sweeps and check what remains
# make torture   try more than 10,000 malformed inputs
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
UV := $(VENV)/bin/uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	$(if $(UPGRADE),--upgrade)
# uv does not read pip's settings: pass on a mirror that they name.
$(foreach name,INDEX_URL EXTRA_INDEX_URL FIND_LINKS,$(if $(PIP_$(name)),$(eval export UV_$(name) ?= $(PIP_$(name)))))

.PHONY: sweep test chaos torture environment lint format docs wheel lock bench clean

sweep: $(VENV)/control.stamp
	$(RUN) sweep.py run quick $(if $(FRESH),--fresh)

test: $(VENV)/dev.stamp
	$(RUN) -m pytest $(ARGS)

chaos: $(VENV)/dev.stamp
	$(RUN) -m tests.chaos $(ARGS)

torture: $(VENV)/dev.stamp
	$(RUN) -m tests.torture

environment: $(VENV)/control.stamp

lint: $(VENV)/dev.stamp
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

format: $(VENV)/dev.stamp
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

docs: $(VENV)/docs.stamp
	$(VENV)/bin/mkdocs build --strict

wheel: $(VENV)/dev.stamp
	rm -rf build  # setuptools would copy files from an earlier build into the wheel
	$(RUN) -m build --wheel --no-isolation --outdir dist .

$(VENV)/bin/uv: requirements/bootstrap.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "error: $(PYTHON) is older than Python 3.11; name another one: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock
	@touch $@

$(VENV)/%.stamp: requirements/%.lock $(VENV)/bin/uv
	$(UV) pip install --quiet --compile-bytecode --python $(RUN) --require-hashes -r requirements/$*.lock
	@touch $@

lock: $(VENV)/bin/uv
	$(COMPILE) requirements/bootstrap.in --output-file requirements/bootstrap.lock
	$(COMPILE) pyproject.toml --constraints requirements/bootstrap.in --output-file requirements/control.lock
	for group in dev docs bench; do \
		$(COMPILE) pyproject.toml --group $$group --constraints requirements/control.lock \
			--output-file requirements/$$group.lock || exit; done
	$(COMPILE) pyproject.toml --extra gp --constraints requirements/control.lock --constraints requirements/torch.in \
		--output-file requirements/gp.lock

# The benchmarks compare with Ray Tune, which needs packages of its own.
bench: $(VENV)/bench.stamp
	$(RUN) -m benchmarks.overhead
	$(RUN) -m benchmarks.steps
	$(RUN) -m benchmarks.startup
	$(RUN) -m benchmarks.memory

clean:
	rm -rf $(VENV)
