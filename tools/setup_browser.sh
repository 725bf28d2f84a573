#!/usr/bin/env bash
# Install the browser that the tests of report.html need, where that is possible without a question. Where it is not,
# the tests are skipped by name; with CI set nothing may be skipped, and this fails.
#
#   tools/setup_browser.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tried=.venv/.browser-tried # a machine without network should not wait each time
packages='chromium chromium-driver'

is_there() {
    command -v chromium && command -v chromedriver
} >/dev/null

install() {
    local as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo -n)
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # several packages
    "${as_root[@]}" apt-get update && "${as_root[@]}" apt-get install -y --no-install-recommends $packages
} >/dev/null 2>&1

is_there && exit
if [ -n "${CI:-}" ] || [ ! -e $tried ]; then
    echo 'setup: installing chromium for the tests of report.html; this is tried once.'
    install && is_there && exit
    mkdir -p .venv && touch $tried
fi
if [ -n "${CI:-}" ]; then
    echo "setup: the tests of report.html need chromium and chromedriver, which could not be installed, and with CI set no test may be skipped (on Debian: apt-get install $packages)." >&2
    exit 1
fi
