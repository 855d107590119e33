# The service: docker build -t clinical-model-selector . ; see docs/service.md.
FROM python:3.11-slim AS build
WORKDIR /source
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN python -m venv /opt/selector
COPY package ./package
COPY schemas ./schemas
COPY profiling ./profiling
COPY synthesizers ./synthesizers
COPY evidence ./evidence
COPY chains ./chains
COPY agents ./agents
COPY app ./app
RUN /opt/selector/bin/pip install --no-cache-dir --no-compile --constraint requirements.lock '.[redis,service]' \
    && /opt/selector/bin/pip uninstall --yes pip setuptools

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin selector
COPY --from=build /opt/selector /opt/selector
ENV PATH=/opt/selector/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER selector
WORKDIR /tmp
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
# SIGTERM: finish what runs.
STOPSIGNAL SIGTERM
ENTRYPOINT ["clinical-model-selector"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
