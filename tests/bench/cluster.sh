#!/usr/bin/env bash
# Measures a fresh cluster of three nodes on this machine, row by row, with qb bench.
#
# usage: tests/bench/cluster.sh [OPTIONS]
#
#   --rows A,B       only these rows; their names: see --list
#   --list           names the rows and what they measure
#   --quick          a few seconds a row: shows that everything works; no figures to rely on
#   --runs N         runs of a row, of which the median by rate counts (default 3; quick: 1)
#   --build-dir B    where bin/quorumbookd and bin/qb are (default: build/release)
#   --dir D          where the cluster lives (default: data/bench); removed before each row
#   --base-port P    as in deploy/local-cluster.sh (default 23000)
#   --out D          writes D/latest.json and D/latest.md (default: docs/benchmarks, but with --rows
#                    or --quick, which are not all of it, the directory of --dir)
#   --disk NAME      block device to count flushes of (default: that of --dir)
#
# Nothing else should run meanwhile. docs/benchmarks/README.md says what the rows and figures mean.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source-path=SCRIPTDIR source=rows.sh
source "$root/tests/bench/rows.sh"

build_dir=$root/build/release
dir=$root/data/bench
base_port=23000
out=""
runs=3
quick=""
disk=""
rows=$all_rows
work=""

fail() {
  echo "bench: $*" >&2
  exit 1
}

parse_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      -h | --help)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
        exit 0
        ;;
      --list)
        for row in $all_rows; do printf '%-14s %s\n' "$row" "${title[$row]}"; done
        exit 0
        ;;
      --quick)
        quick=1 runs=1
        shift
        continue
        ;;
    esac
    [ $# -ge 2 ] || fail "'$1' is not understood, or wants a value (see --help)"
    case $1 in
      --rows) rows=${2//,/ } ;;
      --runs) runs=$2 ;;
      --build-dir) build_dir=$2 ;;
      --dir) dir=$2 ;;
      --base-port) base_port=$2 ;;
      --out) out=$2 ;;
      --disk) disk=$2 ;;
      *) fail "unknown option $1 (see --help)" ;;
    esac
    shift 2
  done
  [[ $runs =~ ^[1-9][0-9]?$ ]] || fail "--runs is 1 to 99, not '$runs'"
  if [ -z "$out" ]; then
    out=$root/docs/benchmarks
    if [ -n "$quick" ] || [ "$rows" != "$all_rows" ]; then out=$dir; fi
  fi
  for row in $rows; do
    [ -n "${title[$row]:-}" ] || fail "there is no row '$row' (see --list)"
  done
}

# Seconds of a measurement: $1, or $2 with --quick.
seconds() { if [ -n "$quick" ]; then echo "$2"; else echo "$1"; fi; }

cluster() {
  "$root/deploy/local-cluster.sh" "$@" --dir "$dir" --build-dir "$build_dir" >>"$work/cluster.log" \
    2>&1 || fail "local-cluster.sh $* failed; see $work/cluster.log"
}

endpoints() { seq -s , -f '127.0.0.1:%.0f' "$((base_port + 1))" "$((base_port + 3))"; }
qb() { "$build_dir/bin/qb" --endpoints "$(endpoints)" "$@"; }
status() { qb -o json cluster status; }
pids() { cat "$dir"/node*/pid | cut -d ' ' -f 1 | paste -sd ,; }

# A cluster without a past. "$1": its shards and symbols, as local-cluster.sh takes them, or none.
fresh() {
  stop
  rm -rf "$dir"
  cluster up --base-port "$base_port" ${1:+--market "$1"}
}
stop() {
  if [ -f "$dir/shape" ]; then cluster down; fi
}

# The disk that a directory is on, without the number of its partition.
disk_of() {
  local source
  source=$(df --output=source "$1" | tail -n 1)
  lsblk -ndo pkname "$source" 2>/dev/null | grep . || basename "$source"
}

# run NAME ARGUMENT...: qb bench once; its report in $work/NAME.json, its command beside it.
run() {
  local name=$1 code=0
  shift
  echo "qb bench $*" >"$work/$name.command"
  local measured=(--pid "$(pids)")
  [ -z "$disk" ] || measured+=(--disk "$disk")
  qb -o json bench "$@" "${measured[@]}" >"$work/$name.json" 2>"$work/$name.err" || code=$?
  # A report there is also when orders were lost or an expectation was not met.
  jq -e .orders "$work/$name.json" >/dev/null 2>&1 ||
    fail "qb bench $* failed ($code): $(cat "$work/$name.err")"
}

# median NAME ARGUMENT...: qb bench $runs times on fresh clusters; the run with the median rate.
median() {
  local name=$1 i
  shift
  for i in $(seq "$runs"); do
    fresh
    run "$name.$i" "$@"
  done
  cp "$work/$name.1.command" "$work/$name.command"
  jq -s 'sort_by(.orders_per_second) | .[(length - 1) / 2 | floor]
      + {runs_orders_per_second: map(.orders_per_second)}' "$work/$name".[0-9]*.json \
    >"$work/$name.json"
}

# result ROW BAR MET VALUE...: what a row says. MET is a jq expression over its figures.
result() {
  local row=$1 bar=$2 met=$3 figures=$4 detail=${5:-null} command
  command=$(cat "$work/$row.command")
  jq -n --arg row "$row" --arg title "${title[$row]}" --arg bar "$bar" --arg command "$command" \
    --argjson figures "$figures" --argjson detail "$detail" \
    "{row: \$row, title: \$title, bar: \$bar, figures: \$figures, met: (\$figures | $met),
      command: \$command, detail: \$detail}" >"$work/$row.result"
  jq -r '"\(.row): \(if .met then "met" else "NOT met" end) (\(.bar)): \(.figures | tojson)"' \
    "$work/$row.result"
}

# The median time of writing 4 KiB at the end of a file and syncing it, in microseconds.
sync_time() {
  python3 - "$dir/sync-probe" <<'PYTHON'
import os, sys, time
file = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
times = []
for _ in range(500):
    os.write(file, bytes(4096))
    before = time.perf_counter()
    os.fdatasync(file)
    times.append(time.perf_counter() - before)
os.close(file)
os.unlink(sys.argv[1])
print(round(sorted(times)[len(times) // 2] * 1e6))
PYTHON
}

machine() {
  jq -n --arg cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" \
    --argjson cores "$(nproc)" --arg kernel "$(uname -sr)" --argjson sync_us "$(sync_time)" \
    --argjson memory_mb "$(awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo)" \
    --arg commit "$(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo unknown)" \
    --arg load "$(cut -d ' ' -f 1 /proc/loadavg)" \
    '{cpu: $cpu, cores: $cores, memory_mb: $memory_mb, kernel: $kernel,
      disk_sync_4k_p50_us: $sync_us, load_average_before: ($load | tonumber), commit: $commit}'
}

write_report() {
  mkdir -p "$out"
  local row results=()
  for row in $rows; do results+=("$work/$row.result"); done
  jq -s --slurpfile machine "$work/machine.json" --argjson quick "${quick:-0}" \
    --argjson runs "$runs" \
    '{machine: $machine[0], quick: ($quick == 1), runs: $runs, rows: .}' "${results[@]}" \
    >"$out/latest.json"
  jq -r '
    def line: "| " + join(" | ") + " |";
    "# The latest measurement\n",
    "Written by `tests/bench/cluster.sh`; [README.md](README.md) says what the rows mean.",
    (if .quick then "\nA quick run: it shows that the tool works, and measures nothing.\n"
      else "" end),
    "\(.machine.cores) cores (\(.machine.cpu)), \(.machine.memory_mb) MB, \(.machine.kernel); " +
      "4 KiB written and synced in \(.machine.disk_sync_4k_p50_us) us (p50); " +
      "load average before: \(.machine.load_average_before). Commit \(.machine.commit), " +
      "median of \(.runs) runs.\n",
    (["what", "bar", "met", "figures"] | line), (["---", "---", "---", "---"] | line),
    (.rows[] | [.title, .bar, (if .met then "yes" else "no" end),
      (.figures | to_entries | map("\(.key) \(.value)") | join(", "))] | line),
    "\nCommands, each against the three nodes:\n",
    (.rows[] | "- \(.row): `\(.command)`")' "$out/latest.json" >"$out/latest.md"
  echo "written: $out/latest.json, $out/latest.md"
}

parse_arguments "$@"
for program in quorumbookd qb; do
  [ -x "$build_dir/bin/$program" ] || fail "no $build_dir/bin/$program; build it first"
done
mkdir -p "$dir" "$out"
dir=$(realpath "$dir")
work=$(mktemp -d "${TMPDIR:-/tmp}/quorumbook-bench.XXXXXX")
trap 'stop; rm -rf "$work"' EXIT
[ -n "$disk" ] || disk=$(disk_of "$dir")
grep -qw "$disk" /proc/diskstats || disk=""
machine >"$work/machine.json"
for row in $rows; do
  echo "-- $row: ${title[$row]}"
  "row_$row"
done
write_report
