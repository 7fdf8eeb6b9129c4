#!/usr/bin/env bash
# The one test command: installs missing packages, builds, runs every test.
#
# usage: tests/run.sh [--preset release|debug|clang|asan|tsan] [-R REGEX]
#
#   --preset P   the CMake preset to build and test (default: release)
#   -R REGEX     only tests whose name matches (as ctest -R)
#
# Ends with the line "N passed, N failed", and ", N skipped" if any were; exits non-zero if a test
# failed or none ran. Replays of recorded markets need the recordings of docs/replay.md, in
# data/recordings, in shared/data beside the clone, or where QUORUMBOOK_TEST_DATA says, and are
# skipped without. The dashboard's tests (web_...) need Node.js, npm and its registry, and chromium,
# and are skipped without.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=release
select=()
while [ $# -gt 0 ]; do
  case $1 in
    --preset | -R)
      [ $# -ge 2 ] || { echo "tests/run.sh: $1 wants a value" >&2; exit 2; }
      if [ "$1" = -R ]; then select=(-R "$2"); else preset=$2; fi
      shift 2
      ;;
    -h | --help)
      sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"
      exit 0
      ;;
    *)
      echo "tests/run.sh: unknown option $1 (see --help)" >&2
      exit 2
      ;;
  esac
done

deploy/install-packages.sh build run tests
# For the dashboard's tests, which are skipped, and say so, where these can not be had.
command -v npm >/dev/null || deploy/install-packages.sh dashboard || true
command -v chromium >/dev/null || deploy/install-packages.sh browser || true
cmake --preset "$preset" -D QUORUMBOOK_TESTS=ON >/dev/null
cmake --build --preset "$preset"

build=build/$preset
results=$build/test-results.xml
rm -f "$results"
status=0
ctest --test-dir "$build" -j2 --output-on-failure --output-junit "$PWD/$results" \
  ${select[@]+"${select[@]}"} || status=$?
if [ ! -s "$results" ]; then
  echo "0 passed, 0 failed"
  exit 1
fi

# One <testcase status="run|fail|disabled|notrun"> a test. "notrun" is a skipped test or one whose
# program is missing; the latter counts as failed.
count() { grep -c "<testcase .*status=\"$1\"" "$results" || true; }
passed=$(count run)
failed=$(count fail)
skipped=$(grep -c '<skipped message="SKIP_' "$results" || true)
failed=$((failed + $(count notrun) - skipped))
line="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || line+=", $skipped skipped"
echo "$line"
[ "$status" -eq 0 ] && [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
