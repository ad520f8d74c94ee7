#!/usr/bin/env bash
# A Ceph of one node on loopback: monitor, one OSD, object gateway.
#   ceph.sh install          what is missing, as root on a Debian
#   ceph.sh start FOLDER [PROCESS [GIB]]  in a private folder, on free ports; writes FOLDER/endpoint, and process ids to
#                            FOLDER/pids; stops when that process ends, however it does. Objects are in memory, up to 4 GiB;
#                            with GIB they are in a sparse file of that size, as on a real disk
#   ceph.sh kill FOLDER      kill -9 of the gateway
#   ceph.sh revive FOLDER    starts the gateway that was killed, on the same port
#   ceph.sh stop FOLDER      ends what start has started, by process id, and removes the folder
# Keys of the one user: strata-test-key, strata-test-secret.
set -euo pipefail

readonly packages=(ceph-mon ceph-osd radosgw)

have() { command -v ceph-mon >/dev/null && command -v ceph-osd >/dev/null && command -v radosgw >/dev/null; }

install() {
    if have; then return; fi
    if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
        echo "Ceph is missing, and only root on a Debian can install it: ${packages[*]}" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null 2>&1 ||
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${packages[@]}"; } >/dev/null
}

# Ports that nobody listens on now: a later one that was taken meanwhile fails the start, which says so.
free_ports() {
    local port found=0
    while ((found < $1)); do
        port=$((20000 + RANDOM % 12000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            found=$((found + 1))
        fi
    done
}

until_holds() {
    local seconds=$1 what=$2
    shift 2
    local end=$((SECONDS + seconds))
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS >= end)); then
            echo "Ceph: $what did not happen in $seconds s." >&2
            tail -n 20 "$dir"/log/*.log >&2 || true
            exit 1
        fi
        sleep 0.1
    done
}

osd_is_up() { timeout 10 ceph -c "$dir/ceph.conf" osd stat 2>/dev/null | grep -q '1 up'; }

gateway_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$gateway" && printf 'GET / HTTP/1.0\r\n\r\n' >&3 && head -c 12 <&3 | grep -q HTTP); }

# The store of the OSD: a sparse file of so many GiB, or memory.
objects_in() {
    if [[ -n $1 ]]; then
        printf 'osd objectstore = bluestore\nbluestore block create = true\nbluestore block size = %s\nosd memory target = 1073741824\n' $(($1 << 30))
    else
        printf 'osd objectstore = memstore\nmemstore device bytes = 4294967296\n'
    fi
}

write_configuration() {
    local objects
    objects=$(objects_in "$1")
    cat >"$dir/ceph.conf" <<CONF
[global]
fsid = $fsid
mon host = v2:127.0.0.1:$mon2,v1:127.0.0.1:$mon1
mon initial members = a
public addr = 127.0.0.1
public network = 127.0.0.0/8
auth cluster required = none
auth service required = none
auth client required = none
auth allow insecure global id reclaim = false
paxos propose interval = 0.05
paxos min wait = 0.02
keyring = $dir/keyring
run dir = $dir/run
admin socket = $dir/run/\$cluster-\$name.asok
pid file = $dir/run/\$name.pid
log file = $dir/log/\$name.log
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pg autoscale mode = off
osd pool default read lease ratio = 0.05
osd crush chooseleaf type = 0
mon allow pool size one = true
mon data avail crit = 1
[mon]
mon data = $dir/mon
[osd]
osd data = $dir/osd
$objects
osd client watch timeout = 4
osd class update on start = false
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$gateway tcp_nodelay=1
ms mon client mode = crc
rgw data = $dir/rgw
rgw dns name = localhost
CONF
}

start() {
    dir=$1
    mkdir -p "$dir"/{mon,osd,rgw,run,log}
    : >"$dir/pids"
    local ports
    mapfile -t ports < <(free_ports 3)
    mon1=${ports[0]} mon2=${ports[1]} gateway=${ports[2]}
    fsid=$(cat /proc/sys/kernel/random/uuid)
    local osd_id osd_uuid
    osd_uuid=$(cat /proc/sys/kernel/random/uuid)
    write_configuration "${3:-}"
    {
        monmaptool --create --clobber --fsid "$fsid" --addv a "[v2:127.0.0.1:$mon2,v1:127.0.0.1:$mon1]" "$dir/monmap"
        ceph-authtool --create-keyring "$dir/keyring" --gen-key -n mon. --cap mon 'allow *'
        ceph-authtool "$dir/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
        ceph-authtool "$dir/keyring" --gen-key -n client.rgw --cap mon 'allow rwx' --cap osd 'allow rwx'
        ceph-mon -c "$dir/ceph.conf" -i a --mkfs --monmap "$dir/monmap" --keyring "$dir/keyring"
    } >>"$dir/log/setup.log" 2>&1
    run ceph-mon -c "$dir/ceph.conf" -i a -f
    until_holds 60 "an answer of the monitor" timeout 10 ceph -c "$dir/ceph.conf" -s
    osd_id=$(ceph -c "$dir/ceph.conf" osd new "$osd_uuid" 2>>"$dir/log/setup.log")
    ceph-osd -c "$dir/ceph.conf" -i "$osd_id" --mkfs --osd-uuid "$osd_uuid" >>"$dir/log/setup.log" 2>&1
    run ceph-osd -c "$dir/ceph.conf" -i "$osd_id" -f
    until_holds 60 "the start of the OSD" osd_is_up
    timeout 60 radosgw-admin -c "$dir/ceph.conf" user list >>"$dir/log/setup.log" 2>&1
    run_gateway
    timeout 60 radosgw-admin -c "$dir/ceph.conf" user create --uid=test --display-name=test --max-buckets=0 --access-key=strata-test-key --secret-key=strata-test-secret >>"$dir/log/setup.log" 2>&1
    until_holds 60 "an answer of the gateway" gateway_answers
    if [[ -n ${2:-} ]]; then setsid bash "${BASH_SOURCE[0]}" watch "$dir" "$2" >/dev/null 2>&1 </dev/null & fi
    echo "http://127.0.0.1:$gateway" >"$dir/endpoint"
}

watch() {
    while kill -0 "$2" 2>/dev/null && [[ -d $1 ]]; do sleep 1; done
    stop "$1"
}

# Detached from this script's output, so that whoever reads that is not kept waiting.
run() {
    setsid "$@" >>"$dir/log/$1.out" 2>&1 </dev/null &
    echo $! >>"$dir/pids"
}

run_gateway() {
    run radosgw -c "$dir/ceph.conf" -n client.rgw -f
    tail -n 1 "$dir/pids" >"$dir/gateway"
}

kill_gateway() {
    dir=$1 gateway=$(port_of "$1")
    kill -KILL "$(cat "$dir/gateway")"
    until_holds 10 "the end of the gateway" no_gateway
}

no_gateway() { ! (exec 3<>"/dev/tcp/127.0.0.1/$gateway"); }

revive() {
    dir=$1 gateway=$(port_of "$1")
    run_gateway
    until_holds 60 "an answer of the gateway" gateway_answers
}

port_of() { sed 's/.*://' "$1/endpoint"; }

stop() {
    dir=$1
    [[ -f $dir/pids ]] || return 0
    local pid
    tac "$dir/pids" | while read -r pid; do kill -KILL "$pid" 2>/dev/null || true; done
    rm -rf "$dir"
}

case ${1:-} in
    install) install ;;
    start) start "$2" "${3:-}" "${4:-}" ;;
    kill) kill_gateway "$2" ;;
    revive) revive "$2" ;;
    watch) watch "$2" "$3" ;;
    stop) stop "$2" ;;
    *) echo "Usage: ceph.sh install | start FOLDER | kill FOLDER | revive FOLDER | stop FOLDER" >&2; exit 2 ;;
esac
