# the demo in a container:
#   docker build -t nunatak .
#   docker run --rm -v "$PWD/results:/nunatak/results" nunatak
# another target: docker run ... nunatak ross_sea ARCHIVE=simulated
FROM python:3.12-slim-bookworm
RUN apt-get update && apt-get install --yes --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /nunatak
COPY Makefile requirements.lock ./
RUN make .venv/nunatak
COPY . .
ENTRYPOINT ["make"]
CMD ["demo"]
