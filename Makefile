# make sweep   build what the sweep needs, run sweeps/configs/quick.yaml to its end (FRESH=1: start a new one)
# make test    build what the tests need, run them all
# make chaos   three hundred faults in sweeps that run, and what remains of these
# make torture more than ten thousand malformed inputs, and what becomes of them
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
UV := $(VENV)/bin/uv
# uv looks where pip would: a house's mirror stands in pip's settings.
$(foreach name,INDEX_URL EXTRA_INDEX_URL FIND_LINKS,$(if $(PIP_$(name)),$(eval export UV_$(name) ?= $(PIP_$(name)))))

.PHONY: sweep test chaos torture environment lint lock bench clean

sweep: $(VENV)/control.stamp
	$(RUN) sweep.py verify --sweep sweeps/configs/quick.yaml
	$(RUN) sweep.py run sweeps/configs/quick.yaml $(if $(FRESH),--fresh)

test: $(VENV)/dev.stamp
	$(RUN) -m pytest $(ARGS)

chaos: $(VENV)/dev.stamp
	$(RUN) -m tests.chaos $(ARGS)

torture: $(VENV)/dev.stamp
	$(RUN) -m tests.torture

environment: $(VENV)/control.stamp

lint: $(VENV)/dev.stamp
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

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
	cd requirements && for name in bootstrap control dev bench gp; do \
		../$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
			$$name.in -o $$name.lock || exit; done

# The benchmarks compare with Ray Tune, which needs packages of its own.
bench: $(VENV)/bench.stamp
	$(RUN) -m benchmarks.overhead
	$(RUN) -m benchmarks.steps
	$(RUN) -m benchmarks.startup
	$(RUN) -m benchmarks.memory

clean:
	rm -rf $(VENV)
