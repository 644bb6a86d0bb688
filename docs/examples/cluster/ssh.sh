#!/usr/bin/env bash
# Runs a Django project's tests on machines that you reach by SSH, with a Dask worker on each while
# the run lasts. In the project's folder:
#
#     bash ssh.sh build1 build2 -- --junit junit.xml shop
#
# Arguments after the two dashes go to the run. Each host has the interpreter and the code in the
# same places as this machine. The machines are connected by SSH only: the scheduler listens on this
# machine's loopback address and the workers on theirs, and SSH forwards these ports both ways.
set -euo pipefail
# Jobs have process groups of their own, so Ctrl-C reaches only the run, which ends in order.
set -m

python=${PYTHON:-$PWD/.venv/bin/python} # The same path everywhere.
port=${PORT:-8786}                      # The scheduler's, and one more for each host after it.
carries=${CARRIES:-}                    # How many workers a host has; empty for what it carries.

hosts=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    hosts+=("$1")
    shift
done
if [ ${#hosts[@]} = 0 ]; then
    echo "usage: ssh.sh HOST… [-- OPTION…]" >&2
    exit 2
fi
if [ $# -gt 0 ]; then shift; fi

# Dask logs errors only.
export DASK_LOGGING__DISTRIBUTED=error
trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT

quiet=(--no-dashboard --dashboard-address 127.0.0.1:0)
"$python" -m dask scheduler --host 127.0.0.1 --port "$port" "${quiet[@]}" &

own=$port
for host in "${hosts[@]}"; do
    own=$((own + 1))
    worker=(
        "$python" -m dask worker "tcp://127.0.0.1:$port" --host 127.0.0.1 --worker-port "$own"
        --name "$host" --nthreads 1 --no-nanny --death-timeout 60 "${quiet[@]}"
    )
    if [ -n "$carries" ]; then worker+=(--resources "ctest=$carries"); fi
    # The host's shell reads the command once more.
    ssh -n -o BatchMode=yes -o ExitOnForwardFailure=yes -o ServerAliveInterval=15 \
        -R "127.0.0.1:$port:127.0.0.1:$port" -L "127.0.0.1:$own:127.0.0.1:$own" \
        "$host" "DASK_LOGGING__DISTRIBUTED=error exec$(printf ' %q' "${worker[@]}")" &
done

"$python" -m ctest_containers --cluster "tcp://127.0.0.1:$port" "$@"
