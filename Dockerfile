# Build the wheel first (`python -m build --wheel`), then one of:
#   docker build -t infoseg-bench .
#   docker build -t infoseg-bench:cuda --build-arg TORCH=cu126 .
#   docker run --rm -v "$PWD/data:/bench/data" -v "$PWD/results:/bench/results" infoseg-bench run --all --suite demo
# The folders that are mounted must be writable for user 1000, or pass `--user "$(id -u):$(id -g)"`.
# `docker run --gpus all` gives the CUDA variant the GPUs.
FROM python:3.11-slim

# "cpu", or a CUDA build of PyTorch such as "cu126". The wheels bring CUDA with them.
ARG TORCH=cpu

# PyTorch has a layer of its own, which a new wheel leaves as it is. Its index has builds with a local version, such as
# 2.13.0+cpu, which satisfy the constraint and are preferred to those of PyPI.
COPY constraints.txt /tmp/install/
RUN pip install --no-cache-dir -c /tmp/install/constraints.txt \
        --extra-index-url "https://download.pytorch.org/whl/${TORCH}" torch

COPY dist/*.whl /tmp/install/
RUN pip install --no-cache-dir -c /tmp/install/constraints.txt /tmp/install/*.whl \
    && rm -r /tmp/install \
    && useradd --create-home --uid 1000 bench \
    && install --directory --owner=bench /bench /bench/data /bench/results

USER 1000
WORKDIR /bench
ENV INFOSEG_BENCH_DATA=/bench/data INFOSEG_BENCH_RESULTS=/bench/results MPLCONFIGDIR=/tmp/matplotlib
ENTRYPOINT ["infoseg-bench"]
CMD ["--help"]
