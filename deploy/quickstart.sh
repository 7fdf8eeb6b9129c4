#!/usr/bin/env bash
# From a clone to a trading cluster: installs packages, builds, starts three nodes, trades on them,
# and shows them: http://127.0.0.1:8080 is the dashboard of node 1.
#
# usage: deploy/quickstart.sh [--build-only | --smoke]
#
#   --build-only   stops after the build
#   --smoke        trades on a cluster of its own (temporary directory, free ports), kills its
#                  leader with kill -9, checks every step, and stops it; exits 0 only if every check
#                  held. Does not disturb a cluster that runs.
#
# Without options the cluster stays up, in data/local; deploy/local-cluster.sh manages it. Running
# this again is safe.
set -euo pipefail
cd "$(dirname "$0")/.."

nodes=3
symbol=DEMO
build_dir=build/release
mode=demo
cluster_options=()
client_options=() # of qb
first_order_id=$(($(date +%s) * 100)) # so that the orders of two runs have different ids

fail() {
  echo "quickstart: $*" >&2
  exit 1
}
say() { printf '\n== %s\n' "$*"; }

local_cluster() {
  deploy/local-cluster.sh "$@" --build-dir "$build_dir" "${cluster_options[@]}"
}
qb() { "$build_dir/bin/qb" --endpoints "$endpoints" "${client_options[@]}" "$@"; }
# Shows the command as a person would type it, then runs it.
show_qb() {
  printf '\n$ qb %s\n' "${client_options[*]:+${client_options[*]} }$*"
  qb "$@"
}

# check WHAT FILTER COMMAND...: the jq FILTER is true of the JSON that `qb COMMAND...` prints.
check() {
  local what=$1 filter=$2 answer
  shift 2
  answer=$(qb -o json "$@") || fail "check failed: $what: 'qb $*' ended with an error"
  jq -e "$filter" >/dev/null <<<"$answer" ||
    fail "check failed: $what: 'qb $*' says $answer"
  checks=$((checks + 1))
  echo "ok: $what"
}
checks=0

build() {
  say "Packages and build"
  deploy/install-packages.sh build run
  cmake --preset release -D QUORUMBOOK_TESTS=OFF >/dev/null
  cmake --build --preset release --target quorumbookd qb
  build_dashboard || echo "Going on without the dashboard: the nodes work, their pages say so."
}

# Needs Node.js and npm, from Debian unless they are there, and npm's registry.
build_dashboard() {
  command -v npm >/dev/null || deploy/install-packages.sh dashboard || return
  deploy/build-dashboard.sh --build-dir "$build_dir"
}

leader() {
  qb -o json cluster status |
    jq -r '[.nodes[] | select(any(.replicas[]?; .role == "leader")) | .id] | first // empty'
}

trade() {
  local id=$first_order_id
  say "A symbol, orders that rest, orders that match, a cancel"
  show_qb symbol add "$symbol" --tick-size 0.01 --lot-size 1
  show_qb order submit "$symbol" sell 100 10.02 --id $((id + 1))
  show_qb order submit "$symbol" sell 50 10.01 --id $((id + 2))
  show_qb order submit "$symbol" buy 80 9.99 --id $((id + 3))
  show_qb order submit "$symbol" buy 30 9.98 --id $((id + 4))
  show_qb order submit "$symbol" buy 70 10.02 --id $((id + 5))
  show_qb order cancel "$symbol" $((id + 4))
}

report() {
  say "What happened"
  show_qb trades "$symbol"
  show_qb book "$symbol"
  show_qb summary "$symbol"
  show_qb cluster status --digests
}

# True of the first run on a cluster.
check_trade() {
  local id=$first_order_id
  say "Checks of what happened"
  check "the symbol is listed" "any(.symbols[]; .name == \"$symbol\")" symbol list
  check "the crossing order is filled" '.status == "filled"' order status "$symbol" $((id + 5))
  check "the best offer was filled first" '.status == "filled"' order status "$symbol" $((id + 2))
  check "the next was filled in part" \
    '.status == "partially_filled" and .leaves_quantity == "80"' order status "$symbol" $((id + 1))
  check "the cancelled order is cancelled" '.status == "canceled"' \
    order status "$symbol" $((id + 4))
  check "two trades, best price first" \
    '[.trades[] | [.price, .quantity]] == [["10.01", "50"], ["10.02", "20"]]' trades "$symbol"
  check "the book holds what is left" \
    '[(.bids, .asks)[] | [.price, .quantity]] == [["9.99", "80"], ["10.02", "80"]]' book "$symbol"
  check "the summary adds up" '.last == "10.02" and .volume == "70" and .spread == "0.03"' \
    summary "$symbol"
}

check_failover() {
  local id=$first_order_id dead next killed_ms
  say "The leader is killed with kill -9"
  dead=$(leader)
  [ -n "$dead" ] || fail "check failed: no leader"
  local_cluster kill "$dead"
  killed_ms=$(date +%s%3N)
  check "trading goes on" '.reports[-1].order_status == "filled"' \
    order submit "$symbol" sell 80 9.99 --id $((id + 6))
  echo "first order filled $(($(date +%s%3N) - killed_ms)) ms after the kill"
  next=$(leader)
  if [ -z "$next" ] || [ "$next" = "$dead" ]; then fail "check failed: no other leader"; fi
  echo "ok: node $next leads instead of node $dead"
  check "what was acknowledged before is there" '.status == "partially_filled"' \
    order status "$symbol" $((id + 1))
  local_cluster start "$dead"
  check "all replicas have one digest, the restarted one too" '.complete and .digests.equal' \
    --timeout 30 cluster status --digests
  show_qb cluster status --digests
}

# The cluster of a smoke test, its traces removed at the end unless it failed.
smoke_directory=""
end_smoke() {
  local status=$? log
  trap - EXIT
  if [ "$status" -ne 0 ]; then
    for log in "$smoke_directory"/cluster/node*/log.txt; do
      [ -f "$log" ] || continue
      echo "--- the end of $log:" >&2
      tail -n 30 "$log" >&2
    done
  fi
  if [ -f "$smoke_directory/cluster/shape" ]; then
    local_cluster down >/dev/null 2>&1 || {
      for n in $(seq "$nodes"); do local_cluster kill "$n" >/dev/null 2>&1 || true; done
    }
  fi
  rm -rf "$smoke_directory"
  exit "$status"
}

listening() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_base_port() {
  local base n port
  for base in $(shuf -i 11000-31000 -n 50); do
    for n in $(seq "$nodes"); do
      for port in $((base + n)) $((base + 100 + n)) $((base + 1079 + n)); do
        if listening "$port"; then continue 3; fi
      done
    done
    echo "$base"
    return
  done
  fail "found no free ports"
}

case ${1:-} in
  "") ;;
  --build-only) mode=build ;;
  --smoke) mode=smoke ;;
  -h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' deploy/quickstart.sh
    exit 0
    ;;
  *) fail "unknown option $1 (see --help)" ;;
esac
[ $# -le 1 ] || fail "at most one option (see --help)"

build
[ "$mode" != build ] || exit 0

base_port=7000
if [ "$mode" = smoke ]; then
  smoke_directory=$(mktemp -d)
  trap end_smoke EXIT
  base_port=$(free_base_port)
  cluster_options=(--dir "$smoke_directory/cluster" --base-port "$base_port")
elif [ -f data/local/tls/ca.crt ]; then
  client_options=(--ca data/local/tls/ca.crt) # it was set up with TLS before
fi
endpoints=$(seq -s , -f '127.0.0.1:%.0f' $((base_port + 1)) $((base_port + nodes)))

say "The cluster"
local_cluster up
trade
report
if [ "$mode" = smoke ]; then
  check_trade
  check_failover
  say "The cluster is stopped"
  local_cluster down
  printf '\nsmoke: %s checks held\n' "$checks"
  exit 0
fi

leading=$(leader)
qb_command="$build_dir/bin/qb${client_options[*]:+ ${client_options[*]}}"
cat <<END

The cluster runs on. Try next:
  $qb_command order submit $symbol buy 10 10.02      # trade
  deploy/local-cluster.sh kill $leading                     # kill -9 of the leader; trade again
  deploy/local-cluster.sh down                       # stop it
Watch it: http://127.0.0.1:$((base_port + 1081))
END
