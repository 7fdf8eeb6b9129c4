#!/usr/bin/env bash
# A cluster of separate quorumbookd processes on this machine's loopback interface.
#
# usage: deploy/local-cluster.sh up|down|status [OPTIONS]
#        deploy/local-cluster.sh kill|start N [OPTIONS]
#
#   up        starts every node that is not running and waits until the cluster serves
#   down      stops every node (SIGTERM: each hands its leadership over and flushes)
#   status    which processes run, and what the cluster says of itself
#   kill N    kill -9 of node N
#   start N   starts node N again from its directory
#
#   --dir D         where the cluster lives (default: data/local in the repository)
#   --nodes N       1 to 7 nodes (default 3; only the first `up` of a directory decides)
#   --base-port P   node N serves clients at P+N, peers at P+100+N and HTTP at P+1079+N
#                   (default 7000; likewise)
#   --market FILE   the shards and symbols of the configuration, as YAML (default: one shard for all
#                   symbols; likewise)
#   --tls           makes a CA and certificates (D/tls), which nodes and clients then use: qb wants
#                   --ca D/tls/ca.crt (likewise)
#   --build-dir B   where bin/quorumbookd and bin/qb are (default: build/release)
#
# Each node's directory holds config.yaml, log.txt, pid and data/; http-token beside them is what the
# dashboards ask for before they change something. To start over, `down` and remove
# the cluster's directory.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dir=$root/data/local
build_dir=$root/build/release
nodes=3
base_port=7000
market=""
tls=""
nodes_given=""
base_port_given=""

start_seconds=15  # for a process to listen
ready_seconds=30  # for the cluster to serve
stop_seconds=20   # for a process to end after SIGTERM

fail() {
  echo "local-cluster: $*" >&2
  exit 1
}

usage() {
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
}

parse_arguments() {
  command=${1:-}
  [ $# -eq 0 ] || shift
  node=""
  case $command in
    up | down | status) ;;
    kill | start)
      node=${1:-}
      [[ $node =~ ^[1-9][0-9]*$ ]] || fail "'$command' wants a node's number, e.g. '$command 1'"
      shift
      ;;
    -h | --help | help)
      usage
      exit 0
      ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
  while [ $# -gt 0 ]; do
    if [ "$1" = --tls ]; then
      tls=1
      shift
      continue
    fi
    [ $# -ge 2 ] || fail "$1 wants a value (see --help)"
    case $1 in
      --dir) dir=$2 ;;
      --build-dir) build_dir=$2 ;;
      --market) market=$2 ;;
      --nodes) nodes=$2 nodes_given=$2 ;;
      --base-port) base_port=$2 base_port_given=$2 ;;
      *) fail "unknown option $1 (see --help)" ;;
    esac
    shift 2
  done
  [[ $nodes =~ ^[1-7]$ ]] || fail "--nodes is 1 to 7, not '$nodes'"
  [ -z "$market" ] || [ -r "$market" ] || fail "--market: can not read '$market'"
  if [[ ! $base_port =~ ^[0-9]{4,5}$ || $base_port -lt 1024 || $base_port -gt 64000 ]]; then
    fail "--base-port is 1024 to 64000, not '$base_port'"
  fi
}

# A directory keeps the shape it was made with: its stored logs and configurations depend on it.
load_shape() {
  [ -f "$dir/shape" ] || return 1
  read -r nodes base_port <"$dir/shape"
  if [ "${nodes_given:-$nodes} ${base_port_given:-$base_port}" != "$nodes $base_port" ]; then
    fail "$dir holds a cluster of $nodes nodes on base port $base_port; take another --dir, or" \
      "remove that directory to start over"
  fi
}

client_port() { echo $((base_port + $1)); }
peer_port() { echo $((base_port + 100 + $1)); }
http_port() { echo $((base_port + 1079 + $1)); }

endpoints() {
  local n list=""
  for n in $(seq "$nodes"); do list+=",127.0.0.1:$(client_port "$n")"; done
  echo "${list#,}"
}

qb() {
  local ca=()
  [ ! -d "$dir/tls" ] || ca=(--ca "$dir/tls/ca.crt")
  "$build_dir/bin/qb" --endpoints "$(endpoints)" "${ca[@]}" "$@"
}

write_config() {
  local n=$1 peer
  mkdir -p "$dir/node$n/data"
  {
    echo "cluster:"
    echo "  id: local"
    echo "node:"
    echo "  id: $n"
    echo "data_dir: $dir/node$n/data"
    echo "listen:"
    echo "  client: 127.0.0.1:$(client_port "$n")"
    echo "  peer: 127.0.0.1:$(peer_port "$n")"
    echo "  http: 127.0.0.1:$(http_port "$n")"
    echo "http:"
    echo "  token_file: $dir/http-token"
    if [ -d "$dir/tls" ]; then
      echo "tls:"
      echo "  certificate_file: $dir/tls/node$n.crt"
      echo "  key_file: $dir/tls/node$n.key"
      echo "  ca_file: $dir/tls/ca.crt"
    fi
    echo "peers:"
    for peer in $(seq "$nodes"); do
      echo "  - {id: $peer, client: 127.0.0.1:$(client_port "$peer")," \
        "peer: 127.0.0.1:$(peer_port "$peer")}"
    done
    cat "$dir/market.yaml"
    echo "log:"
    echo "  level: info"
    echo "  format: text"
  } >"$dir/node$n/config.yaml"
}

# One for all nodes; for its owner alone.
write_token() {
  [ ! -s "$dir/http-token" ] || return 0
  (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$dir/http-token")
}

# Kept with the cluster, so that every later start writes the same configuration.
write_market() {
  [ ! -f "$dir/market.yaml" ] || return 0
  if [ -n "$market" ]; then
    cp "$market" "$dir/market.yaml"
  else
    printf '%s\n' "shards: [1]" "symbols:" "  default_shard: 1" >"$dir/market.yaml"
  fi
}

# When a process started, in clock ticks since boot (field 22 of /proc/PID/stat; the name before it
# may contain spaces and parentheses). Together with the pid it names a process for good.
start_time() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -ra fields <<<"${stat##*) }"
  [ "${fields[0]}" != Z ] || return 1
  echo "${fields[19]}"
}

# Prints the pid of node N if the process that we started still runs.
pid_of() {
  local pid since
  [ -f "$dir/node$1/pid" ] || return 1
  read -r pid since <"$dir/node$1/pid" || return 1
  [ "$(start_time "$pid")" = "$since" ] || return 1
  echo "$pid"
}

listening() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

check_port_free() {
  local port=$1 holder=""
  listening "$port" || return 0
  if command -v ss >/dev/null; then
    holder=$(ss -Hltnp "sport = :$port" | head -n 1 |
      sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/ by \1 (pid \2)/p')
  fi
  echo "local-cluster: port $port is taken$holder; end that process, or use another --base-port" >&2
  return 1
}

log_tail() {
  echo "--- the end of $dir/node$1/log.txt:" >&2
  tail -n 15 "$dir/node$1/log.txt" >&2 || true
}

start_node() {
  local n=$1 pid deadline=$((SECONDS + start_seconds)) port
  if pid=$(pid_of "$n"); then
    echo "node $n is running already (pid $pid)"
    return
  fi
  for port in "$(client_port "$n")" "$(peer_port "$n")" "$(http_port "$n")"; do
    check_port_free "$port" || exit 1
  done
  write_market
  write_token
  write_config "$n"
  setsid "$build_dir/bin/quorumbookd" --config "$dir/node$n/config.yaml" \
    </dev/null >>"$dir/node$n/log.txt" 2>&1 &
  pid=$!
  echo "$pid $(start_time "$pid" || echo 0)" >"$dir/node$n/pid"
  until listening "$(client_port "$n")"; do
    if ! pid_of "$n" >/dev/null; then
      log_tail "$n"
      fail "node $n ended at once"
    fi
    if [ "$SECONDS" -ge "$deadline" ]; then
      log_tail "$n"
      fail "node $n (pid $pid) does not listen after $start_seconds s"
    fi
    sleep 0.05
  done
  echo "node $n started (pid $pid, clients at 127.0.0.1:$(client_port "$n")," \
    "http at 127.0.0.1:$(http_port "$n"))"
}

command_up() {
  local n taken=0 port
  load_shape || true
  for n in $(seq "$nodes"); do
    pid_of "$n" >/dev/null && continue
    for port in "$(client_port "$n")" "$(peer_port "$n")" "$(http_port "$n")"; do
      check_port_free "$port" || taken=1
    done
  done
  [ "$taken" -eq 0 ] || exit 1
  mkdir -p "$dir"
  if [ -n "$tls" ] && [ ! -d "$dir/tls" ]; then
    [ ! -f "$dir/shape" ] || fail "$dir holds a cluster without TLS; take another --dir"
    # Whatever looks for tls/ must find all of it, though this may be interrupted.
    "$root/deploy/make-certificates.sh" "$dir/tls.part" --cluster local --nodes "$nodes"
    mv "$dir/tls.part" "$dir/tls"
  fi
  echo "$nodes $base_port" >"$dir/shape"
  for n in $(seq "$nodes"); do start_node "$n"; done
  if ! qb --timeout "$ready_seconds" cluster wait; then
    for n in $(seq "$nodes"); do log_tail "$n"; done
    fail "the cluster does not serve after $ready_seconds s"
  fi
}

command_down() {
  local n pid deadline=$((SECONDS + stop_seconds))
  local stopping=()
  for n in $(seq "$nodes"); do
    if pid=$(pid_of "$n"); then
      kill -TERM "$pid"
      stopping[n]=$pid
    fi
  done
  [ "${#stopping[@]}" -gt 0 ] || echo "no node is running"
  for n in "${!stopping[@]}"; do
    while pid_of "$n" >/dev/null; do
      if [ "$SECONDS" -ge "$deadline" ]; then
        log_tail "$n"
        fail "node $n (pid ${stopping[$n]}) still runs $stop_seconds s after SIGTERM"
      fi
      sleep 0.05
    done
    rm -f "$dir/node$n/pid"
    echo "node $n stopped"
  done
}

command_status() {
  local n pid running=0
  for n in $(seq "$nodes"); do
    if pid=$(pid_of "$n"); then
      running=1
      echo "node $n runs (pid $pid, clients at 127.0.0.1:$(client_port "$n"))"
    else
      echo "node $n does not run"
    fi
  done
  [ "$running" -eq 0 ] || qb cluster status
}

command_kill() {
  local pid
  pid=$(pid_of "$node") || fail "node $node does not run"
  kill -KILL "$pid"
  while pid_of "$node" >/dev/null; do sleep 0.01; done
  rm -f "$dir/node$node/pid"
  echo "node $node killed (pid $pid)"
}

parse_arguments "$@"
mkdir -p "$(dirname "$dir")"
dir=$(realpath -m "$dir")
for program in quorumbookd qb; do
  [ -x "$build_dir/bin/$program" ] ||
    fail "no $build_dir/bin/$program; build it with: deploy/quickstart.sh --build-only"
done
if [ "$command" != up ]; then
  load_shape || fail "no cluster in $dir; make one with: deploy/local-cluster.sh up"
  [ -z "$node" ] || [ "$node" -le "$nodes" ] || fail "the cluster has nodes 1 to $nodes, not $node"
fi
case $command in
  start) start_node "$node" ;;
  *) "command_$command" ;;
esac
