# The toolkit itself in a container, for machines where nothing but an engine is to be installed.
ARG BASE=debian:trixie-slim
FROM $BASE
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 python3-venv \
 && rm -rf /var/lib/apt/lists/*
COPY pyproject.toml README.md LICENSE CHANGELOG.md /source/
COPY ctest_containers /source/ctest_containers
COPY images /source/images
RUN python3 -m venv /opt/ctest && /opt/ctest/bin/pip install --no-cache-dir /source && rm -r /source
WORKDIR /project
ENTRYPOINT ["/opt/ctest/bin/python", "-m", "ctest_containers"]
