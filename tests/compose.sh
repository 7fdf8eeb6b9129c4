#!/usr/bin/env bash
# The three nodes of docker-compose.yml in a real Docker Engine: trades through the published ports,
# kills and cuts off containers, and checks that no acknowledged order is lost or there twice.
#
# usage: tests/compose.sh [--build-dir B]
#
#   --build-dir B   where bin/quorumbookd and bin/qb are (default: build/release); they go into the
#                   image as they are, so they have to be for this machine's Debian
#
# Publishes on a loopback address of its own, to disturb nothing, and leaves nothing behind: no
# container, volume, network or image. Exits 77 (skipped), and says why, when there is no Docker
# Engine, docker-compose, or base image. The services with images of others are left out.
set -euo pipefail
cd "$(dirname "$0")/.."

build_dir=build/release
case ${1:-} in
  "") ;;
  --build-dir)
    [ $# -eq 2 ] || { echo "compose: --build-dir wants a value" >&2; exit 2; }
    build_dir=$2
    ;;
  -h | --help)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"
    exit 0
    ;;
  *)
    echo "compose: unknown option $1 (see --help)" >&2
    exit 2
    ;;
esac

skip() {
  echo "compose: skipped: $*" >&2
  exit 77
}
fail() {
  echo "compose: FAILED: $*" >&2
  exit 1
}
say() { printf '\n== %s\n' "$*"; }
ok() {
  checks=$((checks + 1))
  echo "ok: $*"
}
checks=0

base=debian:bookworm-slim
command -v docker >/dev/null || skip "there is no docker (Debian package docker.io)"
if docker compose version >/dev/null 2>&1; then
  compose_program=(docker compose)
elif command -v docker-compose >/dev/null; then
  compose_program=(docker-compose)
else
  skip "there is no docker-compose (Debian package of that name)"
fi
docker info >/dev/null 2>&1 || skip "no Docker Engine answers"
docker image inspect "$base" >/dev/null 2>&1 || docker pull -q "$base" >/dev/null 2>&1 ||
  skip "there is no image $base, and it can not be pulled"
command -v curl >/dev/null || skip "there is no curl (Debian package of that name)"
command -v jq >/dev/null || skip "there is no jq (Debian package of that name)"
for program in quorumbookd qb; do
  [ -x "$build_dir/bin/$program" ] || fail "no $build_dir/bin/$program; build it first"
done

export COMPOSE_PROJECT_NAME=qbtest$$
export QUORUMBOOK_IMAGE=quorumbook-test:$$
export QUORUMBOOK_ADDRESS=127.$((1 + $$ / 65536 % 250)).$(($$ / 256 % 256)).$((1 + $$ % 254))
network=${COMPOSE_PROJECT_NAME}_default
scratch=$(mktemp -d)
symbol=DEMO
nodes=3
first_id=$(($(date +%s) * 1000))
next_id=$first_id
trader="" # process that submits orders in the background

compose() { "${compose_program[@]}" "$@"; }
endpoints="" n=""
for n in $(seq "$nodes"); do endpoints+="${endpoints:+,}$QUORUMBOOK_ADDRESS:$((7000 + n))"; done
qb() { "$build_dir/bin/qb" --endpoints "$endpoints" "$@"; }
# Ids stay the same while containers stop and start.
containers=()
container() { echo "${containers[$1]}"; }

left_behind() {
  docker ps -aq --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME"
  docker volume ls -q --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME"
  docker network ls -q --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME"
  docker images -q "$QUORUMBOOK_IMAGE"
}

finish() {
  local status=$?
  trap - EXIT
  [ -z "$trader" ] || kill "$trader" 2>/dev/null || true
  if [ "$status" -ne 0 ]; then
    compose logs --no-color --tail 30 >&2 || true
  fi
  compose --profile agents down -v --timeout 20 >"$scratch/down.txt" 2>&1 ||
    cat "$scratch/down.txt" >&2
  docker image rm -f "$QUORUMBOOK_IMAGE" >/dev/null 2>&1 || true
  rm -rf "$scratch"
  if [ -n "$(left_behind)" ]; then
    echo "compose: left behind: $(left_behind | tr '\n' ' ')" >&2
    status=1
  fi
  if [ "$status" -eq 0 ]; then printf '\ncompose: %s checks held\n' "$checks"; fi
  exit "$status"
}
trap finish EXIT

# until_true SECONDS WHAT COMMAND...: repeats COMMAND until it succeeds.
until_true() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || fail "$what"
    sleep 0.2
  done
  ok "$what"
}

healthy() {
  [ "$(docker inspect -f '{{.State.Health.Status}}' "$(container "$1")")" = healthy ]
}
# status NODE OPTION...: asked inside of its container, where nodes have the names that they go by.
status() {
  local asked=$1
  shift
  docker exec "$(container "$asked")" qb -o json --timeout 5s cluster status "$@" 2>/dev/null ||
    true
}
# leader NODE: who leads as NODE sees it.
leader() {
  status "$1" |
    jq -r '[.nodes[] | select(any(.replicas[]?; .role == "leader")) | .id] | first // empty'
}
after() { echo $(($1 % nodes + 1)); }
led_by_another() {
  local now
  now=$(leader "$(after "$1")")
  [ -n "$now" ] && [ "$now" != "$1" ]
}
one_digest() { status "$1" --digests | jq -e '.complete and .digests.equal' >/dev/null; }

# Resting orders, one after the other, each with a number of its own; `acknowledged` gets the
# numbers whose acceptance was answered.
trade_on() {
  local id=$next_id
  while [ ! -e "$scratch/enough" ]; do
    if qb --timeout 30s order submit "$symbol" buy 1 5.00 --id "$id" >/dev/null 2>>"$scratch/errors"
    then
      echo "$id" >>"$scratch/acknowledged"
    fi
    id=$((id + 1))
  done
}
acknowledged() { wc -l <"$scratch/acknowledged"; }
open_orders() {
  qb -o json order list --symbol "$symbol" | jq -r '.orders[].client_order_id' | sort
}
# more_than COUNT: more orders are acknowledged.
more_than() { [ "$(acknowledged)" -gt "$1" ]; }

image() {
  say "The image, of programs that are built already"
  mkdir -p "$scratch/context/install/bin"
  cp -r deploy "$scratch/context/"
  cp "$build_dir"/bin/{quorumbookd,qb} "$scratch/context/install/bin/"
  [ ! -d "$build_dir/share" ] || cp -r "$build_dir/share" "$scratch/context/install/"
  # The stage that a node runs in, and what the stages that compile would bring.
  {
    sed '/^FROM .* AS build$/,$d' deploy/Dockerfile
    echo 'COPY install/ /usr/local/'
    echo 'RUN quorumbookd --version && qb --help >/dev/null'
  } >"$scratch/context/Dockerfile"
  docker build -q --force-rm -t "$QUORUMBOOK_IMAGE" "$scratch/context" \
    >"$scratch/build.txt" 2>&1 || {
    cat "$scratch/build.txt" >&2
    fail "the image can not be built"
  }
  ok "the image is built, and its programs find their libraries"
}

cluster() {
  say "Three nodes, clients at $endpoints"
  compose up -d --no-build node1 node2 node3 >"$scratch/up.txt" 2>&1 || {
    cat "$scratch/up.txt" >&2
    fail "docker-compose up"
  }
  for n in $(seq "$nodes"); do containers[n]=$(compose ps -q "node$n"); done
  qb --timeout 60s cluster wait
  ok "the cluster serves through its published ports"
  for n in $(seq "$nodes"); do until_true 60 "node $n is healthy" healthy "$n"; done
}

# http NODE PATH: what the node answers at its published port.
http() { curl -sf --max-time 10 "http://$QUORUMBOOK_ADDRESS:$((8079 + $1))$2"; }
all_reachable() { http "$1" /api/nodes | jq -e 'all(.nodes[]; .reachable)' >/dev/null; }

pages() {
  local dashboard='<div id="app">'
  [ -d "$build_dir/share/quorumbook/web" ] || dashboard="The dashboard is not installed"
  say "HTTP through the published ports"
  for n in $(seq "$nodes"); do
    [ "$(http "$n" /livez)" = "livez ok" ] || fail "node $n does not answer at its published port"
    until_true 30 "node $n reaches all nodes" all_reachable "$n"
    # As Prometheus does, which asks for a service by its name.
    curl -sf --max-time 10 -H "Host: node$n:8080" \
      "http://$QUORUMBOOK_ADDRESS:$((8079 + n))/metrics" | grep '^quorumbook_node_ready 1$' \
      >/dev/null || fail "node $n shows no metrics to Prometheus"
    http "$n" / | grep -F "$dashboard" >/dev/null || fail "node $n does not show: $dashboard"
    [ "$(http 1 /api/nodes | jq -r --argjson n "$n" '.nodes[] | select(.node == $n) | .http')" = \
      "http://$QUORUMBOOK_ADDRESS:$((8079 + n))" ] || fail "node 1 does not say where node $n is"
  done
  ok "every node is asked, and named, at its published port, and shows its dashboard"
  if curl -sf --max-time 10 -H "Host: evil.example" \
    "http://$QUORUMBOOK_ADDRESS:8080/api/health" >/dev/null; then
    fail "a node answers to a name that is not its own"
  fi
  ok "a node answers to no other names"
}

# trades SYMBOL COUNT: there were at least so many.
trades() { [ "$(qb -o json summary "$1" 2>/dev/null | jq -r '.trades // 0')" -ge "$2" ]; }

agents() {
  local traders
  say "The profile of those who trade"
  compose --profile agents up -d --no-build agents >"$scratch/agents.txt" 2>&1 || {
    cat "$scratch/agents.txt" >&2
    fail "docker-compose --profile agents up"
  }
  for n in 1 2 3; do until_true 90 "DEMO$n is traded" trades "DEMO$n" 3; done
  compose --profile agents stop --timeout 20 agents >/dev/null 2>&1
  traders=$(compose --profile agents ps -aq agents)
  [ "$(docker inspect -f '{{.State.ExitCode}}' "$traders")" -eq 0 ] ||
    fail "the agents did not end by themselves"
  ok "they end when they are asked to"
  compose --profile agents rm -f agents >/dev/null 2>&1
}

guards() {
  local id
  say "What a node may not do"
  id=$(container 1)
  [ "$(docker exec "$id" id -u)" -ne 0 ] || fail "the node is root"
  ok "it is not root"
  if docker exec -u 0 "$id" touch /usr/local/file 2>/dev/null; then
    fail "its root file system can be written"
  fi
  ok "its root file system is read-only, to root as well"
  docker exec "$id" grep -q '^CapBnd:\s0*$' /proc/1/status || fail "it has capabilities"
  ok "it has no capabilities"
  docker exec "$id" grep -q '^NoNewPrivs:\s1$' /proc/1/status || fail "it may gain privileges"
  ok "it can not gain privileges"
}

trade() {
  say "Trading"
  qb symbol add "$symbol" --tick-size 0.01 --lot-size 1 >/dev/null
  qb order submit "$symbol" sell 50 10.01 --id $((first_id + 1)) >/dev/null
  [ "$(qb -o json order submit "$symbol" buy 30 10.01 --id $((first_id + 2)) |
    jq -r '.reports[-1].order_status')" = filled ] || fail "the crossing order is filled"
  ok "orders match"
  next_id=$((first_id + 10))
  : >"$scratch/acknowledged"
  trade_on &
  trader=$!
  until_true 30 "somebody trades" more_than 5
}

kill_leader() {
  local dead before
  say "The leader's container is killed"
  dead=$(leader 1)
  [ -n "$dead" ] || fail "no leader"
  docker kill -s KILL "$(container "$dead")" >/dev/null
  before=$(acknowledged)
  until_true 30 "another node leads than node $dead" led_by_another "$dead"
  until_true 30 "trading goes on" more_than $((before + 5))
  docker start "$(container "$dead")" >/dev/null
  until_true 60 "node $dead is healthy again" healthy "$dead"
}

cut_off_leader() {
  local cut before
  say "The leader's container is cut off: docker network disconnect"
  cut=$(leader 1)
  [ -n "$cut" ] || fail "no leader"
  docker network disconnect "$network" "$(container "$cut")"
  before=$(acknowledged)
  until_true 30 "another node leads than node $cut" led_by_another "$cut"
  until_true 30 "trading goes on" more_than $((before + 5))
  healthy "$cut" || fail "a node that is cut off is alive, and was called unhealthy"
  ok "the node that is cut off counts as alive"
  docker network connect --alias "node$cut" "$network" "$(container "$cut")"
}

accounts() {
  local expected found
  say "What was acknowledged"
  : >"$scratch/enough"
  wait "$trader" || fail "the trader ended with an error"
  trader=""
  for n in $(seq "$nodes"); do
    until_true 60 "the replicas have one digest, seen from node $n" one_digest "$n"
  done
  open_orders >"$scratch/open"
  sort "$scratch/acknowledged" >"$scratch/expected"
  expected=$(comm -23 "$scratch/expected" "$scratch/open" | wc -l)
  [ "$expected" -eq 0 ] || fail "$expected acknowledged orders are not there"
  found=$(uniq -d "$scratch/open" | wc -l)
  [ "$found" -eq 0 ] || fail "$found orders are there twice"
  ok "all $(acknowledged) acknowledged orders are there, each once"
}

restart() {
  local before
  say "All containers are stopped and started"
  before=$(qb -o json summary "$symbol" | jq -r .volume)
  compose stop --timeout 30 >/dev/null 2>&1
  for n in $(seq "$nodes"); do
    [ "$(docker inspect -f '{{.State.ExitCode}}' "$(container "$n")")" -eq 0 ] ||
      fail "node $n did not end by itself"
  done
  ok "every node ended by itself"
  compose start >/dev/null 2>&1
  qb --timeout 60s cluster wait
  open_orders >"$scratch/open_later"
  cmp -s "$scratch/open" "$scratch/open_later" || fail "the open orders are others than before"
  [ "$(qb -o json summary "$symbol" | jq -r .volume)" = "$before" ] || fail "another volume"
  ok "the books are what they were"
}

image
cluster
pages
guards
trade
kill_leader
cut_off_leader
accounts
restart
agents
say "Everything is removed"
