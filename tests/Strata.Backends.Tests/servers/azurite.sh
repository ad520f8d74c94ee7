#!/usr/bin/env bash
# Azurite, the emulator of Azure Blob Storage, on loopback.
#   azurite.sh install          by npm, once, into a folder of its own
#   azurite.sh start FOLDER [PROCESS [disk]]  with its log in that folder, on a free port; writes FOLDER/endpoint, and its process
#                               id to FOLDER/pids; stops when that process ends, however it does. Its data is in memory; with
#                               'disk' in FOLDER/data, where it saves every 5 s what it knows of blobs
#   azurite.sh kill FOLDER      kill -9
#   azurite.sh revive FOLDER    starts the one that was killed, on the same port
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
    local dir=$1 port
    mkdir -p "$dir"
    if [[ ${3:-} == disk ]]; then mkdir -p "$dir/data"; fi
    port=$(free_port)
    launch "$dir" "$port"
    if [[ -n ${2:-} ]]; then setsid bash "${BASH_SOURCE[0]}" watch "$dir" "$2" >/dev/null 2>&1 </dev/null & fi
    echo "http://127.0.0.1:$port/devstoreaccount1" >"$dir/endpoint"
}

launch() {
    local dir=$1 port=$2 end storage=(--inMemoryPersistence)
    if [[ -d $dir/data ]]; then storage=(--location "$dir/data"); fi
    cd "$dir"
    setsid node "$program" --blobHost 127.0.0.1 --blobPort "$port" "${storage[@]}" --silent --disableTelemetry >>"$dir/azurite.log" 2>&1 </dev/null &
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
}

kill_it() {
    kill -KILL "$(cat "$1/pids")"
    while answers "$(port_of "$1")"; do sleep 0.05; done
}

port_of() { sed 's/.*:\([0-9]*\).*/\1/' "$1/endpoint"; }

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
    start) start "$2" "${3:-}" "${4:-}" ;;
    kill) kill_it "$2" ;;
    revive) launch "$2" "$(port_of "$2")" ;;
    watch) watch "$2" "$3" ;;
    stop) stop "$2" ;;
    *) echo "Usage: azurite.sh install | start FOLDER | kill FOLDER | revive FOLDER | stop FOLDER" >&2; exit 2 ;;
esac
