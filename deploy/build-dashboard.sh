#!/usr/bin/env bash
# Builds the dashboard (server/dashboard) into the place where a daemon looks for it:
# share/quorumbook/web beside the bin directory that it is in.
#
# usage: deploy/build-dashboard.sh [--build-dir B]
#
#   --build-dir B   where bin/quorumbookd is (default: build/release)
#
# Needs Node.js 18 or later and npm; packages come from npm's registry, exactly those of
# package-lock.json, and none of their install scripts is run. Does nothing when what is there is
# built from the same sources. Exits 3, and says why, when it can not be built: a daemon without it
# serves everything else.
set -euo pipefail
cd "$(dirname "$0")/.."

build_dir=build/release
case ${1:-} in
  "") ;;
  --build-dir)
    [ $# -eq 2 ] || { echo "build-dashboard: --build-dir wants a value" >&2; exit 2; }
    build_dir=$2
    ;;
  -h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"
    exit 0
    ;;
  *)
    echo "build-dashboard: unknown option $1 (see --help)" >&2
    exit 2
    ;;
esac

unable() {
  echo "build-dashboard: the dashboard is not built: $*" >&2
  exit 3
}

# What the result depends on, as one checksum.
sources() {
  {
    find server/dashboard -type f -not -path '*/node_modules/*' -not -path '*/generated/*' \
      -not -path '*/dist/*' -print0 | sort -z | xargs -0 sha256sum
    sha256sum docs/api/openapi.json
  } | sha256sum
}

target=$(realpath -m "$build_dir/share/quorumbook/web")
stamp=$build_dir/share/quorumbook/web.sources
now=$(sources)
if [ -f "$target/index.html" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$now" ]; then
  exit 0
fi
for program in node npm; do
  command -v "$program" >/dev/null || unable "there is no $program (Debian packages nodejs and npm)"
done
major=$(node -p 'process.versions.node.split(".")[0]')
[ "$major" -ge 18 ] || unable "it needs Node.js 18 or later, and this is $(node --version)"

output=$(mktemp)
trap 'rm -f "$output"' EXIT
run() {
  "$@" >"$output" 2>&1 || {
    tail -n 20 "$output" >&2
    unable "'$*' failed"
  }
}
deploy/npm-packages.sh server/dashboard >"$output" 2>&1 || {
  tail -n 5 "$output" >&2
  unable "npm could not bring its packages (is its registry reachable?)"
}
export DASHBOARD_OUT=$target
run npm --prefix server/dashboard run build
echo "$now" >"$stamp"
echo "dashboard built: $(du -sh --apparent-size "$target" | cut -f 1) in $target"
