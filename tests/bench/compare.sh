#!/usr/bin/env bash
# Compares quorumbook with etcd in one run: three members each on this machine's loopback interface
# and on the same disk, default durability, the same numbers of clients, one in turn with the other.
#
# usage: tests/bench/compare.sh [OPTIONS]
#
#   --clients A,B    numbers of clients with one order or put in flight each (default 1,64,1000)
#   --seconds N      of one measurement (default 10)
#   --rounds N       measurements of each, of which the median by rate counts (default 3)
#   --build-dir B    where bin/quorumbookd, bin/qb and bin/etcd_load are (default: build/release)
#   --dir D          where both live (default: data/compare); removed before each measurement
#   --base-port P    first of some 120 ports (default 24000)
#   --out FILE       also writes the result as JSON
#
# Needs the Debian packages etcd-server and etcd-client. etcd gets puts of 100 bytes, sent to its
# leader by etcd_load (tests/bench/etcd_load.cc), quorumbook gets orders, from qb bench. Both loads
# come from one process that uses the same gRPC library. Up to 64 clients have a connection each;
# beyond, etcd's share 64 connections and quorumbook's are callers of one session.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
clients="1 64 1000"
seconds=10
rounds=3
build_dir=$root/build/release
dir=$root/data/compare
base_port=24000
out=""
etcd_pids=()

fail() {
  echo "compare: $*" >&2
  exit 1
}

parse_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      -h | --help)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    esac
    [ $# -ge 2 ] || fail "'$1' is not understood, or wants a value (see --help)"
    case $1 in
      --clients) clients=${2//,/ } ;;
      --seconds) seconds=$2 ;;
      --rounds) rounds=$2 ;;
      --build-dir) build_dir=$2 ;;
      --dir) dir=$2 ;;
      --base-port) base_port=$2 ;;
      --out) out=$2 ;;
      *) fail "unknown option $1 (see --help)" ;;
    esac
    shift 2
  done
}

connections_of() { echo $(($1 < 64 ? $1 : 64)); }

quorumbook() {
  "$root/deploy/local-cluster.sh" "$@" --dir "$dir/quorumbook" --build-dir "$build_dir" \
    >>"$work/cluster.log" 2>&1 ||
    fail "local-cluster.sh $* failed: $(tail -n 5 "$work/cluster.log")"
}
stop_quorumbook() {
  if [ -f "$dir/quorumbook/shape" ]; then quorumbook down; fi
  rm -rf "$dir/quorumbook"
}
# measure_quorumbook CLIENTS FILE
measure_quorumbook() {
  local load=(--connections "$1")
  [ "$1" -le 64 ] || load=(--callers "$1")
  quorumbook up --base-port "$base_port"
  "$build_dir/bin/qb" --endpoints "127.0.0.1:$((base_port + 1))" -o json bench "${load[@]}" \
    --duration "${seconds}s" --warm-up 2s >"$2" || fail "qb bench ${load[*]} failed"
  stop_quorumbook
}

etcd_client() { echo "127.0.0.1:$((base_port + 10 + $1))"; }
etcd_peer() { echo "http://127.0.0.1:$((base_port + 20 + $1))"; }

stop_etcd() {
  local pid
  for pid in "${etcd_pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${etcd_pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  etcd_pids=()
  rm -rf "$dir/etcd"
}
start_etcd() {
  local n members="" deadline=$((SECONDS + 30))
  for n in 1 2 3; do members+=",etcd$n=$(etcd_peer "$n")"; done
  mkdir -p "$dir/etcd"
  for n in 1 2 3; do
    etcd --name "etcd$n" --data-dir "$dir/etcd/$n" --initial-cluster "${members#,}" \
      --initial-cluster-state new --initial-cluster-token compare --logger zap --log-level error \
      --listen-client-urls "http://$(etcd_client "$n")" \
      --advertise-client-urls "http://$(etcd_client "$n")" \
      --listen-peer-urls "$(etcd_peer "$n")" --initial-advertise-peer-urls "$(etcd_peer "$n")" \
      >>"$work/etcd.log" 2>&1 &
    etcd_pids+=($!)
  done
  until etcd_leader >/dev/null; do
    [ "$SECONDS" -lt "$deadline" ] || fail "etcd has no leader: $(tail -n 5 "$work/etcd.log")"
    sleep 0.2
  done
}
# host:port of the leader.
etcd_leader() {
  ETCDCTL_API=3 etcdctl -w json endpoint status \
    --endpoints "$(etcd_client 1),$(etcd_client 2),$(etcd_client 3)" 2>/dev/null |
    jq -er 'first(.[] | select(.Status.leader == .Status.header.member_id) | .Endpoint)'
}
# measure_etcd CLIENTS FILE
measure_etcd() {
  start_etcd
  "$build_dir/bin/etcd_load" --endpoint "$(etcd_leader)" --clients "$1" \
    --connections "$(connections_of "$1")" --duration "$seconds" --warm-up 2 >"$2" ||
    fail "etcd_load with $1 clients failed"
  stop_etcd
}

measure() {
  local round n
  for round in $(seq "$rounds"); do
    for n in $clients; do
      measure_etcd "$n" "$work/etcd.$n.$round.json"
      measure_quorumbook "$n" "$work/quorumbook.$n.$round.json"
    done
  done
}

summarize() {
  local n
  for n in $clients; do
    jq -n --argjson clients "$n" \
      --slurpfile etcd <(cat "$work/etcd.$n".*.json) \
      --slurpfile quorumbook <(cat "$work/quorumbook.$n".*.json) '
      def median(rate): sort_by(rate) | .[(length - 1) / 2 | floor];
      ($etcd | median(.puts_per_second)) as $e
      | ($quorumbook | median(.orders_per_second)) as $q
      | {clients: $clients,
         etcd_per_second: ($e.puts_per_second | round), etcd_p50_us: $e.latency_us.p50,
         etcd_p99_us: $e.latency_us.p99,
         quorumbook_per_second: ($q.orders_per_second | round),
         quorumbook_p50_us: $q.latency_us.p50, quorumbook_p99_us: $q.latency_us.p99,
         quorumbook_errors: $q.errors,
         rate_ratio: ($q.orders_per_second / $e.puts_per_second * 100 | round / 100),
         p50_ratio: ($q.latency_us.p50 / $e.latency_us.p50 * 1000 | round / 1000)}'
  done | jq -s --argjson rounds "$rounds" --argjson seconds "$seconds" --argjson cores "$(nproc)" \
    --arg etcd "$(etcd --version | sed -n 's/^etcd Version: //p')" \
    '{etcd_version: $etcd, cores: $cores, rounds: $rounds, seconds: $seconds, rows: .}'
}

parse_arguments "$@"
for program in "$build_dir/bin/quorumbookd" "$build_dir/bin/qb" "$build_dir/bin/etcd_load"; do
  [ -x "$program" ] || fail "no $program; build it first"
done
for program in etcd etcdctl jq; do
  command -v "$program" >/dev/null ||
    fail "no $program; install it: deploy/install-packages.sh bench"
done
mkdir -p "$dir"
dir=$(realpath "$dir")
work=$(mktemp -d "${TMPDIR:-/tmp}/quorumbook-compare.XXXXXX")
trap 'stop_etcd; stop_quorumbook; rm -rf "$work"' EXIT
rm -rf "$dir/etcd"
stop_quorumbook
measure
summarize >"$work/result.json"
[ -z "$out" ] || cp "$work/result.json" "$out"
jq -r '"clients etcd/s quorumbook/s ratio etcd_p50_us quorumbook_p50_us ratio",
  (.rows[] | "\(.clients)  \(.etcd_per_second)  \(.quorumbook_per_second)  \(.rate_ratio)  " +
    "\(.etcd_p50_us)  \(.quorumbook_p50_us)  \(.p50_ratio)")' "$work/result.json" | column -t -s ' '
