FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements.lock .
RUN python -m venv /opt/dragoman && /opt/dragoman/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
RUN /opt/dragoman/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 dragoman && install -d -o dragoman /data
COPY --from=build /opt/dragoman /opt/dragoman
USER 10001
WORKDIR /data
ENV PATH=/opt/dragoman/bin:$PATH PYTHONUNBUFFERED=1 DRAGOMAN_CONFIG=/data/dragoman.toml
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
CMD ["dragoman", "run"]
