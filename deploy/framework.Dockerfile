# A framework's interpreter and environment on top of the control image, or on top of another framework's image:
#   docker build --file deploy/framework.Dockerfile --build-arg ADAPTER=cntk --build-arg PYTHON=3.6 --tag rosetta-sweep-cntk:0.1.0 .
ARG BASE=rosetta-sweep:0.1.0
ARG PYTHON=3.6

# Nobody publishes newer images of these Pythons: their tags stay as they are.
FROM python:${PYTHON}-slim-bullseye AS interpreter

# hadolint ignore=DL3006
FROM ${BASE}
ARG PYTHON
ARG ADAPTER
ARG DEVICE=cpu

USER 0:0
COPY --from=interpreter /usr/local /opt/python-${PYTHON}
# Libraries that it was linked with and that its successors of the same name replaced.
COPY --from=interpreter /usr/lib/*-linux-gnu/libffi.so.7 /usr/lib/*-linux-gnu/libssl.so.1.1 \
    /usr/lib/*-linux-gnu/libcrypto.so.1.1 /opt/python-${PYTHON}/lib/
RUN echo "/opt/python-${PYTHON}/lib" > "/etc/ld.so.conf.d/python-${PYTHON}.conf" \
    && ldconfig \
    && ln -s "/opt/python-${PYTHON}/bin/python${PYTHON}" /usr/local/bin/

USER 1000:1000
RUN python sweep.py setup --adapters "${ADAPTER}" --device "${DEVICE}"
