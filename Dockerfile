# The toolkit in a container that talks to the engine which runs it, through that engine's socket:
#
#     docker build --tag ctest-containers .
#     docker run --rm --volume /var/run/docker.sock:/var/run/docker.sock --volume "$PWD:/project" \
#         --env CTEST_CONTAINERS_PROJECT=shop ctest-containers
#
# Every project is in /project here; templates are told apart by the name that the variable gives.
# A volume at /ctest/home keeps the durations of tests from one run to the next.
#
# A project's own packages go on top; pip is that of the toolkit's environment:
#
#     FROM ctest-containers
#     COPY requirements.txt /tmp/
#     RUN pip install --no-cache-dir --requirement /tmp/requirements.txt
#
# psycopg2 and MySQL's Connector/Python are there already. "psycopg[binary]" and PyMySQL need nothing
# else; mysqlclient is compiled, which takes apt-get install gcc libmariadb-dev pkg-config python3-dev.
#
# Whoever may use the socket may do everything on its machine. What runs in here runs as root, as
# most engines' sockets ask for; so that new files in the project are yours, let it run as you, with
# the socket's group:
#
#     docker run --user "$(id -u):$(stat --format %g /var/run/docker.sock)" …
ARG BASE=debian:trixie-slim
FROM $BASE

RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        ca-certificates python3 python3-venv \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* /usr/share/doc /usr/share/man

# Any user may be the one who runs tests. A folder in a volume is known to the engine's machine, too:
# servers put their Unix sockets there and need no network; it goes with the container (--rm).
RUN install -d -m 1777 /ctest/home /ctest/tmp && python3 -m venv /opt/ctest
ENV PATH=/opt/ctest/bin:$PATH HOME=/ctest/home TMPDIR=/ctest/tmp PYTHONUNBUFFERED=1
VOLUME /ctest/tmp

# Settings of pip's for networks that reach an index of their own: docker build --build-arg.
ARG PIP_INDEX_URL
ARG PIP_FIND_LINKS
ARG PIP_NO_INDEX
ARG PIP_TRUSTED_HOST
COPY pyproject.toml README.md LICENSE CHANGELOG.md /source/
COPY ctest_containers /source/ctest_containers
COPY images /source/images
RUN pip install --no-cache-dir /source && rm -r /source

WORKDIR /project
# Where a command of its own is wanted, as in GitLab CI: entrypoint: [""].
ENTRYPOINT ["python", "-m", "ctest_containers"]
