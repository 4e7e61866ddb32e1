#!/bin/sh
# machine.sh INDEX HOST...: this machine's part in trainings by several machines.
#
# INDEX is this machine's place among the hosts, from 0. The first runs the pipeline, the others take part in its trainings.
# Run it in the project's folder, which all machines share. STROKECAST_PORT is the port of all machines (default: 4000).
set -eu
index=$1
shift
workers=$(printf "\"%s:${STROKECAST_PORT:-4000}\", " "$@")
task='{"cluster": {"worker": [%s]}, "task": {"type": "worker", "index": %d}}'
# shellcheck disable=SC2059  # the format is the text above
TF_CONFIG=$(printf "$task" "${workers%, }" "$index")
export TF_CONFIG
if [ "$index" -ne 0 ]; then
    exec strokecast worker
fi
attempt=1
until strokecast repro; do # a training resumes from its last checkpoint
    [ "$attempt" -lt "${STROKECAST_ATTEMPTS:-3}" ] || exit 1
    attempt=$((attempt + 1))
done
