# The control environment of a Ray head, its workers and the MLflow server, for linux/amd64 and linux/arm64:
#   docker buildx build --platform linux/amd64,linux/arm64 --tag rosetta-sweep:0.1.0 .
FROM python:3.11.14-slim-bookworm

# What packages of old frameworks are built with, and libgomp, which some wheels expect. Debian keeps one version of each.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential binutils libgomp1 \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 1000 rosetta \
    && install -d -o rosetta -g rosetta /cache /runs /mlflow /opt/rosetta-sweep
USER 1000:1000
WORKDIR /opt/rosetta-sweep
ENV PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1 \
    PATH=/opt/rosetta-sweep/.venv/bin:$PATH \
    ROSETTA_CACHE=/cache ROSETTA_HOME=/runs

# The locked packages first: a change of the code builds them no second time.
COPY --chown=rosetta Makefile ./
COPY --chown=rosetta requirements requirements
RUN make environment

COPY --chown=rosetta . .
RUN uv pip install --quiet --python .venv/bin/python --no-deps --editable .

CMD ["python", "sweep.py", "--help"]
