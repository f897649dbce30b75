# The browser libraries, by their lock file.
FROM node:22-bookworm-slim AS browser
WORKDIR /src/deploy/browser
COPY deploy/browser/package.json deploy/browser/package-lock.json deploy/browser/.npmrc ./
RUN npm ci --no-audit --no-fund --ignore-scripts

# The locked environment.
FROM python:3.13-slim-bookworm AS build
RUN pip install --no-cache-dir uv
WORKDIR /src
COPY pyproject.toml uv.lock README.md ./
RUN uv sync --locked --no-dev --no-install-project
COPY equipment equipment
COPY ingest ingest
COPY alarms alarms
COPY maintenance maintenance
COPY dashboards dashboards
COPY deploy/browser deploy/browser
COPY --from=browser /src/deploy/browser/node_modules deploy/browser/node_modules
RUN python deploy/browser/copy_vendor.py && uv sync --locked --no-dev --no-editable

FROM python:3.13-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends fonts-noto-cjk && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --uid 10001 teshe && install -d -m 0700 -o teshe /keys && install -d -m 0755 -o teshe /etc/nats/auth
COPY --from=build /src/.venv /src/.venv
ENV PATH=/src/.venv/bin:$PATH PYTHONUNBUFFERED=1
USER teshe
WORKDIR /home/teshe
ENTRYPOINT ["teshe"]
CMD ["--help"]
