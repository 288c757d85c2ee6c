# One image for web, workers and beat; docker-compose.yml says which is which.
# Build with the index that fits the machine, for instance PyTorch's index of CPU wheels:
#   docker build --build-arg PIP_EXTRA_INDEX_URL=… .

FROM python:3.11-slim AS packages
ARG PIP_EXTRA_INDEX_URL=""
RUN python -m venv /venv
COPY requirements.lock .
RUN PIP_EXTRA_INDEX_URL="$PIP_EXTRA_INDEX_URL" /venv/bin/pip install -qq --no-cache-dir -r requirements.lock

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 flywheel \
    && install -d -o flywheel -g flywheel /srv/openflywheel /var/openflywheel
WORKDIR /srv/openflywheel
COPY --from=packages /venv /venv
COPY manage.py ./
COPY platform platform
COPY apps apps
COPY training training
COPY templates templates
COPY static static
COPY locale locale
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/srv/openflywheel/platform:/srv/openflywheel \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OMP_NUM_THREADS=1 \
    HF_HUB_DISABLE_TELEMETRY=1 \
    DJANGO_SETTINGS_MODULE=flywheel.settings \
    OPENFLYWHEEL_ENV=production \
    VAR_DIR=/var/openflywheel
USER flywheel
EXPOSE 8000
CMD ["gunicorn", "flywheel.wsgi", "--bind=0.0.0.0:8000", "--worker-class=flywheel.worker.Worker", "--workers=2", "--threads=8", "--no-control-socket"]
