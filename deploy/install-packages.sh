#!/usr/bin/env bash
# Installs the Debian packages of the named sections of deploy/packages.txt that are missing.
# usage: deploy/install-packages.sh [SECTION...]      sections: build run runtime tests dashboard
# browser bench; default: build run tests
# Needs root or sudo only when something is missing.
set -euo pipefail
list=$(dirname "$0")/packages.txt
sections=("$@")
[ $# -gt 0 ] || sections=(build run tests)

wanted=()
for section in "${sections[@]}"; do
  mapfile -t packages < <(awk -v section="[$section]" '
    /^\[/ { inside = ($1 == section); next }
    inside && !/^#/ && NF { print $1 }' "$list")
  if [ "${#packages[@]}" -eq 0 ]; then
    echo "install-packages: no section '$section' in $list; it has:" \
      "build run runtime tests dashboard browser bench" >&2
    exit 2
  fi
  wanted+=("${packages[@]}")
done

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "install-packages: these packages are missing and there is no sudo; as root, run:" >&2
    echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "installing ${#missing[@]} Debian packages: ${missing[*]}"
output=$(mktemp)
trap 'rm -f "$output"' EXIT
if ! { "${as_root[@]}" apt-get update -q &&
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$output" 2>&1; then
  echo "install-packages: apt-get failed:" >&2
  tail -n 20 "$output" >&2
  exit 1
fi
