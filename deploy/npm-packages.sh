#!/usr/bin/env bash
# Brings the packages of a directory's package-lock.json into its node_modules, unless they are
# there.
# usage: deploy/npm-packages.sh DIRECTORY
set -euo pipefail
cd "$1"
if [ node_modules/.package-lock.json -nt package-lock.json ]; then
  exit 0
fi
# One retry: who is offline should hear it soon.
npm ci --ignore-scripts --prefer-offline --no-progress \
  --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-timeout=60000
touch node_modules/.package-lock.json
