#!/usr/bin/env bash
# The dashboard's tests: its own units, and in a browser on a real cluster.
#
# usage: tests/web/run.sh unit|pages|live|failures
#
# QUORUMBOOK_BUILD names the build directory (default: build/release). Exits 77 ("skipped"), and
# says why, without Node.js, npm or chromium, or when npm's packages can not be had.
set -euo pipefail
cd "$(dirname "$0")/../.."

what=${1:?unit, pages, live or failures}
build=${QUORUMBOOK_BUILD:-build/release}

skip() {
  echo "the dashboard's tests are skipped: $*"
  exit 77
}
for program in node npm; do
  command -v "$program" >/dev/null || skip "there is no $program"
done
if [ "$what" = unit ]; then directory=server/dashboard; else directory=tests/web; fi
if [ "$what" != unit ]; then
  chromium=${CHROMIUM:-$(command -v chromium)} || skip "there is no chromium"
  export CHROMIUM=$chromium
fi

# Tests that run at the same time prepare one after the other.
mkdir -p "$build"
exec 9>"$build/web-tests.lock"
flock 9
deploy/npm-packages.sh "$directory" || skip "npm could not bring the packages of $directory"
if [ "$what" != unit ]; then
  built=0
  deploy/build-dashboard.sh --build-dir "$build" || built=$?
  [ "$built" -ne 3 ] || skip "the dashboard is not built"
  [ "$built" -eq 0 ]
fi
flock -u 9
exec 9>&-

cd "$directory"
if [ "$what" = unit ]; then exec npm test; fi
npx tsc
exec npx vitest run "$what.test.ts"
