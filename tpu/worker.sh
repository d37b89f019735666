#!/usr/bin/env bash
# The half of tpu/launch.py that runs on a TPU VM, once per worker. Every verb may be sent again at any time (gcloud
# reconnects by itself, and then sends the command anew): it takes up what is there.
#
#   worker.sh bootstrap COMMIT     the checkout out of ~/workbench.bundle, uv, its Python, the locked packages
#   worker.sh run COMMIT ARGS...   is the TPU there? then start `workbench run ARGS` detached; follow its log to its end
#   worker.sh stop                 ask it to save and end
#
# Exit codes: those of `workbench run`, 75 being "stopped, and the same command continues".
set -euo pipefail
cd "$HOME"

readonly UV_VERSION=0.13.8
readonly PYTHON=3.12 # uv's own: that of a fresh TPU VM is 3.10
readonly UV="$HOME/.local/bin/uv"
readonly JOB="$HOME/workbench-job" # pid, command, log and exit code of the run

worker=unknown
if [[ $(hostname) =~ -w-([0-9]+)$ ]]; then worker=${BASH_REMATCH[1]}; fi
readonly worker

say() { echo "worker $worker: $*" >&2; }

fail() {
  say "$*"
  exit 1
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
    # --no-sync: a plain `uv run` would make the environment that of a laptop
    (cd workbench && "$UV" run --no-sync workbench doctor --device tpu) 9>&- || fail "not fit to run (see above)"
    touch "$JOB/log"
    from=$(($(wc -l <"$JOB/log") + 1))
    rm -f "$JOB/exit"
    printf '%s\n' "$command" >"$JOB/command"
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
