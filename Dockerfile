# One image for every command: the web server by default, `manage.py setup`, `manage.py run_workers` and the others.

FROM python:3.13-slim-bookworm AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.txt /tmp/requirements.txt
# Wheels only: nothing is compiled, so the image needs no compiler.
RUN /opt/venv/bin/pip install --require-hashes --only-binary :all: -r /tmp/requirements.txt
COPY . /app
# Readable for the image's user, however the checkout's files were made, and compiled once for all starts.
RUN chmod -R u=rwX,go=rX /app && /opt/venv/bin/python -m compileall -q /app

FROM python:3.13-slim-bookworm
# What a start makes for itself: the machine's secret key, the run folder with supervisord's socket.
RUN useradd --system --uid 10001 --home-dir /var/lib/footprint --shell /usr/sbin/nologin footprint \
    && install -d -o footprint -g footprint /var/lib/footprint /var/lib/footprint/run /var/lib/footprint/run/prometheus
COPY --from=packages /opt/venv /opt/venv
COPY --from=packages /app /app
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    FOOTPRINT_STATE=/var/lib/footprint \
    METRICS_HOST=0.0.0.0 \
    WEB_BIND=0.0.0.0:8000
USER 10001
EXPOSE 8000
# Whether the web server answers, whatever the chains do: a restart would not help a chain that stands still.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-m", "config.healthcheck"]
CMD ["gunicorn", "-c", "config/gunicorn.py", "config.wsgi"]
