#!/usr/bin/env bash
# The one test command: ./test.sh runs everything, ./test.sh NAME the test projects whose name holds NAME.
# It needs the .NET SDK; as root on a Debian it installs the programs that the tests drive (curl, s3cmd, rclone, Node.js, Chromium, strace, mkfs.ext4);
# the tests of the backends install, start and stop their servers themselves (tests/Strata.Backends.Tests/servers).
# The last line is "N passed, N failed"; the exit code is 0 only if something passed and nothing failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

readonly filter="${1:-}"
readonly results=artifacts/tests
readonly node_sources=tests/Strata.Server.Tests/Clients/node node_packages=artifacts/node
if [[ ${STRATA_LONG:-} == 1 ]]; then limit=$((6 * 3600)); else limit=4500; fi # 75 minutes for building and testing together
readonly limit_seconds=$limit
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 MSBUILDDISABLENODEREUSE=1
export HOME="${HOME:-/tmp}"

passed=0
failed=0

finish() {
    echo "$passed passed, $failed failed"
    [[ $passed -gt 0 && $failed -eq 0 ]]
    exit
}

# Runs a command for at most the seconds that are left.
limited() {
    local left=$((limit_seconds - SECONDS))
    if ((left < 1)); then left=1; fi
    if command -v timeout >/dev/null; then timeout --kill-after=20 "$left" "$@"; else "$@"; fi
}

install_missing() {
    local missing=()
    command -v curl >/dev/null || missing+=(curl ca-certificates)
    command -v s3cmd >/dev/null || missing+=(s3cmd)
    command -v rclone >/dev/null || missing+=(rclone)
    command -v node >/dev/null || missing+=(nodejs)
    command -v npm >/dev/null || missing+=(npm)
    command -v chromium >/dev/null || missing+=(chromium)
    command -v strace >/dev/null || missing+=(strace)
    command -v mkfs.ext4 >/dev/null || missing+=(e2fsprogs)
    if [[ ${#missing[@]} -eq 0 || $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then return; fi
    echo "Installing ${missing[*]} ..."
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$results/apt.log" 2>&1 ||
        { echo "Some could not be installed; the tests that need them will say so."; tail -n 5 "$results/apt.log"; }
}

# The packages of the JavaScript clients, Deno among them, of exactly the versions in their lock file, once for each state of that file.
install_node_packages() {
    if cmp -s "$node_sources/package-lock.json" "$node_packages/installed.json"; then return; fi
    echo "Installing the AWS SDK for JavaScript and Deno ..."
    mkdir -p "$node_packages"
    cp "$node_sources"/package*.json "$node_packages/"
    if limited npm ci --prefix "$node_packages" --ignore-scripts --no-audit --no-fund >"$results/npm.log" 2>&1; then
        cp "$node_sources/package-lock.json" "$node_packages/installed.json"
    else
        echo "They could not be installed; the tests that need them will say so."
        tail -n 5 "$results/npm.log"
    fi
}

build() {
    echo "Building ..."
    if ! limited dotnet build Strata.slnx --configuration Release --verbosity quiet >"$results/build.log" 2>&1; then
        cat "$results/build.log"
        echo "The build failed."
        failed=1
        finish
    fi
}

# The number in an attribute of the <assembly> element of xunit's results.
count() {
    sed -n "s/.*<assembly [^>]*[[:space:]]$2=\"\([0-9]*\)\".*/\1/p" "$1" | head -n 1
}

run_project() {
    local name=$1 started=$SECONDS
    local program="tests/$name/bin/Release/net10.0/$name" report="$results/$name.xml" log="$results/$name.log"
    echo "Testing $name ..."
    limited dotnet "$program.dll" -noLogo -noColor -longRunning 120 -xml "$report" >"$log" 2>&1 </dev/null
    local exit_code=$? project_passed=0 project_failed=0 part number
    if [[ -s $report ]]; then
        project_passed=$(count "$report" passed)
        for part in failed errors skipped; do # a skipped test proves nothing: it counts as failed
            number=$(count "$report" $part)
            project_failed=$((project_failed + ${number:-0}))
        done
    fi

    project_passed=${project_passed:-0}
    if ((project_failed > 0 || exit_code != 0 || project_passed == 0)); then
        grep -vE '^  (Discovering|Discovered|Starting|Finished):' "$log"
    fi

    # A run that broke off, ran nothing or failed without naming a test is a failure of its own.
    if ((project_failed == 0)) && ((exit_code != 0 || project_passed == 0)); then
        echo "$name ended with exit code $exit_code after $project_passed passed tests: it crashed, ran out of time or ran nothing."
        project_failed=1
    fi

    echo "$name: $project_passed passed, $project_failed failed in $((SECONDS - started)) s"
    passed=$((passed + project_passed))
    failed=$((failed + project_failed))
}

mkdir -p "$results"
rm -f "$results"/*.xml "$results"/*.log
projects=()
for file in tests/*/*.csproj; do
    name=$(basename "$file" .csproj)
    if grep -q '"xunit.v3"' "$file" && [[ $name == *"$filter"* ]]; then projects+=("$name"); fi
done
if [[ ${#projects[@]} -eq 0 ]]; then
    echo "No test project's name holds '$filter'."
    finish
fi

install_missing
if [[ " ${projects[*]} " == *" Strata.Server.Tests "* ]]; then install_node_packages; fi
build
for name in "${projects[@]}"; do run_project "$name"; done
finish
