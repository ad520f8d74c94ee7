#!/usr/bin/env bash
# Azurite, the emulator of Azure Blob Storage, on loopback, with its data in memory.
#   azurite.sh install          by npm, once, into a folder of its own
#   azurite.sh start FOLDER [PROCESS]  with its log in that folder, on a free port; writes FOLDER/endpoint, and its process id to
#                               FOLDER/pids; stops when that process ends, however it does
#   azurite.sh stop FOLDER      ends what start has started, by process id, and removes the folder
set -euo pipefail

readonly version=3.37.0
readonly packages="${STRATA_AZURITE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/strata/azurite-$version}"
readonly program="$packages/node_modules/azurite/dist/src/blob/main.js"

# Two test runs that begin at once install it once; one that was cut off leaves nothing that looks complete.
install() {
    if [[ -f $packages/complete ]]; then return; fi
    if ! command -v npm >/dev/null; then
        echo "Azurite is missing, and so is npm, which installs it." >&2
        exit 1
    fi
    mkdir -p "$packages"
    (
        flock 9
        if [[ -f $packages/complete ]]; then exit; fi
        npm install --prefix "$packages" --ignore-scripts --no-audit --no-fund --loglevel=error "azurite@$version" >&2
        touch "$packages/complete"
    ) 9>"$packages/lock"
}

# A port that nobody listens on now: one that is taken meanwhile fails the start, which says so.
free_port() {
    local port
    while port=$((20000 + RANDOM % 12000)) && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo "$port"
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

start() {
    local dir=$1 port end
    mkdir -p "$dir"
    port=$(free_port)
    cd "$dir"
    setsid node "$program" --blobHost 127.0.0.1 --blobPort "$port" --inMemoryPersistence --silent --disableTelemetry >>"$dir/azurite.log" 2>&1 </dev/null &
    echo $! >"$dir/pids"
    end=$((SECONDS + 60))
    until answers "$port"; do
        if ((SECONDS >= end)) || ! kill -0 "$(cat "$dir/pids")" 2>/dev/null; then
            echo "Azurite did not start:" >&2
            tail -n 20 "$dir/azurite.log" >&2 || true
            exit 1
        fi
        sleep 0.1
    done
    if [[ -n ${2:-} ]]; then setsid bash "${BASH_SOURCE[0]}" watch "$dir" "$2" >/dev/null 2>&1 </dev/null & fi
    echo "http://127.0.0.1:$port/devstoreaccount1" >"$dir/endpoint"
}

watch() {
    while kill -0 "$2" 2>/dev/null && [[ -d $1 ]]; do sleep 1; done
    stop "$1"
}

stop() {
    [[ -f $1/pids ]] || return 0
    kill -KILL "$(cat "$1/pids")" 2>/dev/null || true
    rm -rf "$1"
}

case ${1:-} in
    install) install ;;
    start) start "$2" "${3:-}" ;;
    watch) watch "$2" "$3" ;;
    stop) stop "$2" ;;
    *) echo "Usage: azurite.sh install | start FOLDER | stop FOLDER" >&2; exit 2 ;;
esac
