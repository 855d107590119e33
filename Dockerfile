# The service and its workers: docker build -t clinical-model-selector . ; see docs/service.md.
FROM python:3.11-slim AS build
WORKDIR /source
RUN python -m venv /opt/selector
# Everything but this package by version and hash, as wheels: nothing is built, nothing is newer than was looked at.
COPY requirements.image.lock ./
RUN /opt/selector/bin/pip install --no-cache-dir --no-compile --no-deps --only-binary :all: --require-hashes \
    --requirement requirements.image.lock
COPY pyproject.toml README.md LICENSE ./
COPY package ./package
COPY schemas ./schemas
COPY profiling ./profiling
COPY synthesizers ./synthesizers
COPY evidence ./evidence
COPY chains ./chains
COPY agents ./agents
COPY app ./app
RUN /opt/selector/bin/pip install --no-cache-dir --no-compile --no-deps --no-build-isolation . \
    && /opt/selector/bin/pip check \
    && /opt/selector/bin/pip uninstall --yes pip setuptools wheel

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin selector \
    && install --directory --owner=selector --group=selector --mode=0700 /data
COPY --from=build /opt/selector /opt/selector
ENV PATH=/opt/selector/bin:$PATH PYTHONDONTWRITEBYTECODE=1 HOME=/data \
    SERVICE_DATA=/data/service SELECTOR_ENVIRONMENTS=/data/environments
USER selector
WORKDIR /tmp
# Jobs, their tables and results, the key of the first start, and environments of synthesizers.
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
# SIGTERM: finish what runs.
STOPSIGNAL SIGTERM
ENTRYPOINT ["clinical-model-selector"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000", "--key-file", "/data/key"]
