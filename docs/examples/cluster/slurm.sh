#!/usr/bin/env bash
# Runs a Django project's tests as a job of Slurm: the run and a Dask scheduler on the job's first
# node, and a Dask worker on each. In the project's folder, which all nodes see as they see $HOME:
#
#     sbatch --wait slurm.sh --junit junit.xml shop
#
# Options of the job come before the script's name, those of the run after it. The job ends with the
# exit code of the run. A node that fails does not end the run.
#SBATCH --job-name=tests
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time=00:30:00
#SBATCH --output=tests-%j.log
#SBATCH --no-kill
set -euo pipefail

python=${PYTHON:-$PWD/.venv/bin/python} # The same path on all nodes.
interface=${INTERFACE:-}                # The nodes' common network, such as ib0; empty for any.

# Others use these machines, too, so all connections are encrypted, with a self-signed certificate
# that only this job has.
folder=$(mktemp -d "$HOME/.tests-$SLURM_JOB_ID-XXXXXX")
scheduler=
# The workers end with the scheduler.
trap 'kill $scheduler 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=tests \
    -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null

tls=DASK_DISTRIBUTED__COMM__TLS
export DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION=True "${tls}__CA_FILE=$folder/cert.pem"
for part in SCHEDULER WORKER CLIENT; do
    export "${tls}__${part}__CERT=$folder/cert.pem" "${tls}__${part}__KEY=$folder/key.pem"
done

options=(
    --scheduler-file "$folder/scheduler.json" --no-dashboard --dashboard-address 127.0.0.1:0
)
if [ -n "$interface" ]; then options+=(--interface "$interface"); fi
# Dask logs errors only.
export DASK_LOGGING__DISTRIBUTED=error

"$python" -m dask scheduler --port 0 "${options[@]}" &
scheduler=$!
until [ -s "$folder/scheduler.json" ]; do
    kill -0 "$scheduler"
    sleep 0.1
done

# One task on each node, with as many workers as the task has processors. Its name is known there.
# shellcheck disable=SC2016
srun --no-kill --cpus-per-task="$SLURM_CPUS_PER_TASK" \
    bash -c 'exec "$0" -m dask worker --name "$SLURMD_NODENAME" "$@"' "$python" "${options[@]}" \
    --nthreads 1 --no-nanny --death-timeout 60 --resources "ctest=$SLURM_CPUS_PER_TASK" &

"$python" -m ctest_containers --cluster "$folder/scheduler.json" "$@"
