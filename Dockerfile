# Container image of the service: Keras on OpenVINO, without TensorFlow and compilers.

FROM python:3.13-slim-trixie AS packages
COPY requirements.txt /
# The second stage copies only this virtual environment, without pip. The deleted files, 120 MB,
# are OpenVINO's plugins for GPUs and NPUs and its readers of other model formats, which the service
# does not use, and the tests of NumPy, SciPy and h5py. Compiled files are marked unchecked-hash
# instead of carrying a time stamp, so that two builds from the same requirements are identical.
RUN python -m venv --without-pip /opt/venv \
 && pip --python /opt/venv/bin/python install --no-cache-dir --no-compile --require-hashes \
      -r requirements.txt \
 && cd /opt/venv/lib/python3*/site-packages \
 && find numpy scipy h5py -type d -name tests -prune -exec rm -r {} + \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib \
 && cd openvino/libs \
 && rm -f libopenvino_intel_gpu_plugin.so libopenvino_intel_npu_plugin.so cache.json \
      libopenvino_onnx_frontend.so* libopenvino_tensorflow_frontend.so* \
      libopenvino_tensorflow_lite_frontend.so* libopenvino_pytorch_frontend.so* \
      libopenvino_paddle_frontend.so* libopenvino_jax_frontend.so* libopenvino_gguf_frontend.so*

FROM packages AS files
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp
WORKDIR /app
# The pattern makes number_model.h5 optional. Without it, the service reads single digits only.
COPY server.py gunicorn.conf.py mnist_model.h5 number_model.h5* ./
COPY dlflask dlflask
COPY templates templates
COPY static static
# Keep the graphs of the image's own models in the image, so that the service starts without Keras.
# Without chmod, the user of the service could not read files of a checkout made with umask 077.
RUN python -m compileall -q --invalidation-mode unchecked-hash server.py dlflask \
 && DLFLASK_GRAPH_FOLDER=/app/graphs python -c 'import server' \
 && chmod -R u=rwX,go=rX . \
 && mkdir -p /writable/graphs

FROM python:3.13-slim-trixie
# Only /tmp is writable, and build/graphs where a volume is mounted.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
COPY --from=files /app .
# DLFLASK_GRAPH_FOLDER. A volume mounted here belongs to the user of the service.
COPY --from=files --chown=10001:10001 /writable/ build/
# Last, because these change with each build and would invalidate the cached layers after them.
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="dlflask" \
      org.opencontainers.image.description="A microservice that recognises handwritten digits" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "server:app"]
