#!/usr/bin/env bash
# The half of tpu/launch.py that runs on a TPU VM, once per worker. Every verb may be sent again at any time (gcloud
# reconnects by itself, and then sends the command anew): it takes up what is there.
#
#   worker.sh bootstrap COMMIT     the checkout out of ~/workbench.bundle, uv, its Python, the locked packages
#   worker.sh run COMMIT ARGS...   is the TPU there? then start `workbench run ARGS` detached; follow its log to its end
#   worker.sh stop                 ask it to save and end
#
# On a slice, `run` adds where the workers of one study meet, as the VM's metadata server knows it.
#
# Exit codes: those of `workbench run`, 75 being "stopped, and the same command continues".
set -euo pipefail
cd "$HOME"

readonly UV_VERSION=0.13.8
readonly PYTHON=3.12 # uv's own: that of a fresh TPU VM is 3.10
readonly UV="$HOME/.local/bin/uv"
readonly JOB="$HOME/workbench-job" # pid, command, log and exit code of the run
readonly METADATA=http://metadata.google.internal/computeMetadata/v1/instance/attributes
# One that Google's firewall was seen to open between workers. Source: https://github.com/jax-ml/jax/issues/35905
readonly PORT=8476

worker=unknown
if [[ $(hostname) =~ -w-([0-9]+)$ ]]; then worker=${BASH_REMATCH[1]}; fi
readonly worker

say() { echo "worker $worker: $*" >&2; }

fail() {
  say "$*"
  exit 1
}

# Print what the metadata server says of this VM, or nothing where it knows no such thing.
attribute() {
  local answer
  answer=$(curl -sS --retry 5 --max-time 60 -H 'Metadata-Flavor: Google' -w '\n%{http_code}' "$METADATA/$1") ||
    fail "the metadata server did not answer (see above); is this a TPU VM?"
  case ${answer##*$'\n'} in
    200) printf '%s\n' "${answer%$'\n'*}" ;;
    404) ;;
    *) fail "the metadata server answered ${answer##*$'\n'} when asked for $1" ;;
  esac
}

# Set `mesh` and `hosts`, empty on a VM of its own: the options that let all workers of a slice train together.
# Endpoints are addresses, or NAME:ID:ADDRESS, in the order of the workers.
find_hosts() {
  local endpoints index argument runs=
  local -a workers
  mesh=() hosts=()
  endpoints=$(attribute worker-network-endpoints)
  IFS=, read -r -a workers <<<"$endpoints"
  if ((${#workers[@]} < 2)); then
    if [[ $worker =~ ^[1-9] ]]; then fail "the metadata server names no other worker, wanted all of this slice"; fi
    return 0
  fi
  index=$(attribute agent-worker-number)
  [[ $index =~ ^[0-9]+$ ]] || fail "the metadata server numbers this worker '$index', wanted a number"
  for argument in "$@"; do
    if [[ $argument == where.runs=* ]]; then runs=${argument#where.runs=}; fi
  done
  if [[ $runs != /* ]]; then
    say "a slice of ${#workers[@]} workers needs --runs FOLDER, one that all of them share (Filestore or another NFS," \
      "or a bucket mounted with gcsfuse)"
    exit 2
  fi
  mesh=(--set where.mesh.data=0)
  hosts=(--set "where.hosts.count=${#workers[@]}" --set "where.hosts.index=$index")
  hosts+=(--set "where.hosts.coordinator=\"${workers[0]##*:}:$PORT\"")
}

# The job's process leads with `bash tpu/worker.sh job`; a pid file may outlive a reboot, its process does not.
running() { [[ -r $JOB/pid ]] && grep -qzxs job "/proc/$(<"$JOB/pid")/cmdline"; }

bootstrap() {
  local commit=$1
  if running; then fail "a study is running here; let it end, or stop it first (tpu/launch.py stop)"; fi
  command -v git >/dev/null || fail "no git here; create the TPU with a standard runtime version"
  git init -q -b main workbench
  git -C workbench fetch -q ../workbench.bundle HEAD
  git -C workbench checkout -q --force --detach "$commit"
  if [[ $("$UV" --version 2>/dev/null || true) != "uv $UV_VERSION"* ]]; then
    curl -LsSf --retry 5 "https://astral.sh/uv/$UV_VERSION/install.sh" |
      UV_INSTALL_DIR="$HOME/.local/bin" UV_NO_MODIFY_PATH=1 sh
  fi
  cd workbench
  "$UV" sync --locked --extra tpu --no-dev --managed-python --python "$PYTHON"
  say "ready at $commit"
}

run() {
  local commit=$1 command here lines from
  local -a mesh hosts
  shift
  command=$(printf '%q ' "$@")
  mkdir -p "$JOB"
  exec 9>"$JOB/lock"
  flock 9 # held while starting, so that a reconnection waits, then follows
  if running; then
    [[ $(<"$JOB/command") == "$command" ]] || fail "another run is going on here: workbench run $(<"$JOB/command")"
    say "already running; following its log"
    lines=$(wc -l <"$JOB/log")
    from=$((lines > 20 ? lines - 19 : 1))
  else
    here=$(git -C workbench rev-parse HEAD 2>/dev/null || true)
    [[ $here == "$commit" ]] || fail "the checkout here is at ${here:-nothing}, wanted $commit: bootstrap first"
    find_hosts "$@"
    # --no-sync: a plain `uv run` would make the environment that of a laptop
    (cd workbench && "$UV" run --no-sync workbench doctor --device tpu) 9>&- || fail "not fit to run (see above)"
    touch "$JOB/log"
    from=$(($(wc -l <"$JOB/log") + 1))
    rm -f "$JOB/exit"
    printf '%s\n' "$command" >"$JOB/command"
    set -- "$1" "${mesh[@]}" "${@:2}" "${hosts[@]}" # what the user says of the mesh comes later, and holds
    setsid nohup bash workbench/tpu/worker.sh job "$@" >>"$JOB/log" 2>&1 </dev/null 9>&- &
    echo $! >"$JOB/pid"
    say "started; its log is $JOB/log"
  fi
  exec 9>&-
  follow "$from"
}

# All workers of a slice print much the same, so only worker 0 prints as it goes; the others when they fail.
follow() {
  local pid code
  pid=$(<"$JOB/pid")
  if [[ $worker == 0 || $worker == unknown ]]; then
    tail -s 0.2 -n "+$1" --pid="$pid" -f "$JOB/log"
  else
    tail -s 0.2 -n 0 --pid="$pid" -f "$JOB/log" >/dev/null
  fi
  [[ -r $JOB/exit ]] || fail "the run was killed before it could say why; the same command continues"
  code=$(<"$JOB/exit")
  if [[ $code != 0 ]]; then
    if [[ $worker != 0 && $worker != unknown ]]; then tail -n 20 "$JOB/log" | sed "s/^/worker $worker: /" >&2; fi
    say "workbench run ended with exit code $code"
  fi
  exit "$code"
}

job() {
  local code=0
  trap : TERM INT # live on until the run has saved and ended, to note its exit code
  (cd workbench && exec "$UV" run --no-sync workbench run "$@") || code=$?
  echo "$code" >"$JOB/exit.new"
  mv "$JOB/exit.new" "$JOB/exit"
}

stop() {
  if ! running; then
    say "nothing is running"
    return
  fi
  local pid
  pid=$(<"$JOB/pid")
  pkill -TERM -P "$pid" # uv, which passes it on
  say "asked to save and end"
  tail -s 0.2 -n 0 --pid="$pid" -f "$JOB/log"
}

case ${1:-} in
  bootstrap | run | job | stop) "$@" ;;
  *) fail "unknown verb '${1:-}'" ;;
esac
