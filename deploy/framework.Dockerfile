# A framework's interpreter and environment on top of the control image, or on top of another framework's image:
#   docker build --file deploy/framework.Dockerfile --build-arg ADAPTER=cntk --build-arg PYTHON=3.6 --tag rosetta-sweep-cntk:0.2.0 .
ARG BASE=rosetta-sweep:0.2.0
ARG PYTHON=3.6

# These Pythons reached their end of life: their image tags no longer move.
FROM python:${PYTHON}-slim-bullseye AS interpreter

# hadolint ignore=DL3006
FROM ${BASE}
ARG PYTHON
ARG ADAPTER
ARG DEVICE=cpu

USER 0:0
COPY --from=interpreter /usr/local /opt/python-${PYTHON}
# Libraries that this Python was linked with; Debian has replaced them with newer versions.
COPY --from=interpreter /usr/lib/*-linux-gnu/libffi.so.7 /usr/lib/*-linux-gnu/libssl.so.1.1 \
    /usr/lib/*-linux-gnu/libcrypto.so.1.1 /opt/python-${PYTHON}/lib/
RUN echo "/opt/python-${PYTHON}/lib" > "/etc/ld.so.conf.d/python-${PYTHON}.conf" \
    && ldconfig \
    && ln -s "/opt/python-${PYTHON}/bin/python${PYTHON}" /usr/local/bin/

USER 1000:1000
RUN rosetta setup --adapters "${ADAPTER}" --device "${DEVICE}"
