# The rows of tests/bench/cluster.sh: what is measured, and the bar it is held to. A row measures
# with `median` or `run` and ends with `result`.
# shellcheck shell=bash disable=SC2034,SC2154

all_rows="one_order clients_64 callers_1000 batches open_loop kill_leader follower_back \
cost_open_orders cost_shards cost_growth over_limit"

declare -A title=(
  [one_order]="one order in flight"
  [clients_64]="64 clients, one order each in flight, own streams"
  [callers_1000]="1,000 callers, one order each in flight, one client process"
  [batches]="batches of 100, 64 in flight over 4 connections"
  [open_loop]="open loop at half of the maximum"
  [kill_leader]="service back after kill -9 of the leader, closed loop"
  [follower_back]="follower restarted after 10 s down at full load"
  [cost_open_orders]="rate against open orders, 10^3 to 10^6"
  [cost_shards]="rate against shards, 1 to 16, at the same load"
  [cost_growth]="rate over 30 minutes of log growth and compaction"
  [over_limit]="open loop at 3 times the maximum"
)

full_load=(--connections 4 --in-flight 16 --batch 100)

# figures ROW: what every row of a plain run shows.
figures() {
  jq '{orders_per_second: (.orders_per_second | round), p50_us: .latency_us.p50,
    p99_us: .latency_us.p99, p99_9_us: .latency_us.p99_9, max_us: .latency_us.max,
    cpu_us_per_order, bytes_per_order,
    flushes_per_order: (if .disk then .disk.flushes_per_order * 1e5 | round / 1e5 else null end),
    orders_per_message, rejects, errors}' "$work/$1.json"
}

plain_row() {
  local row=$1 bar=$2 met=$3
  shift 3
  median "$row" "$@" --duration "$(seconds 15s 3s)" --warm-up "$(seconds 3s 1s)"
  result "$row" "$bar" "$met" "$(figures "$row")" "$(cat "$work/$row.json")"
}

row_one_order() { plain_row one_order "p50 at most 800 us" '.p50_us <= 800'; }
row_clients_64() {
  plain_row clients_64 "4 times the rate of etcd (tests/bench/compare.sh); aim 25,000/s" \
    '.orders_per_second >= 25000' --connections 64
}
row_callers_1000() {
  plain_row callers_1000 "6 times the rate of etcd (tests/bench/compare.sh); aim 100,000/s" \
    '.orders_per_second >= 100000' --callers 1000
}
row_batches() {
  plain_row batches "300,000 orders/s, p99 under 50 ms, 6 us of CPU an order" \
    '.orders_per_second >= 300000 and .p99_us < 50000 and (.cpu_us_per_order // 1e9) <= 6' \
    "${full_load[@]}"
}

# The rate of the full load, measured once.
maximum_rate() {
  if [ ! -f "$work/batches.json" ]; then
    median batches "${full_load[@]}" --duration "$(seconds 15s 3s)"
  fi
  jq '.orders_per_second | floor' "$work/batches.json"
}

row_open_loop() {
  local rate growth
  rate=$(($(maximum_rate) / 2))
  fresh
  # The logs that are kept in memory fill before their size is looked at.
  run open_loop_before --rate "$rate" --connections 4 --duration "$(seconds 60s 5s)"
  run open_loop --rate "$rate" --connections 4 --duration "$(seconds 60s 5s)"
  growth=$(jq '.processes[1:] | (map(.resident_bytes_after) | add)
    / (map(.resident_bytes_before) | add) * 100 - 100 | round' "$work/open_loop.json")
  result open_loop "p99.9 under 20 ms for 60 s, memory of the daemons grows by less than 10 %" \
    '.p99_9_us < 20000 and .errors == 0 and .not_sent == 0 and .resident_growth_percent < 10' \
    "$(figures open_loop | jq --argjson rate "$rate" --argjson growth "$growth" \
      --argjson not_sent "$(jq .not_sent "$work/open_loop.json")" \
      '{rate: $rate, not_sent: $not_sent, resident_growth_percent: $growth} + .')" \
    "$(cat "$work/open_loop.json")"
}

# The number of the node that leads shard 1, or that follows it.
node_that() {
  status | jq --arg role "$1" \
    'first(.nodes[] | select(any(.replicas[]?; .shard == 1 and .role == $role)) | .id)'
}
# Waits until node $1 has applied nearly what its leader has committed.
wait_caught_up() {
  local deadline=$((SECONDS + 120))
  until status | jq -e --argjson node "$1" '
      ([.nodes[].replicas[]? | select(.role == "leader") | .commit_index] | max) as $commit
      | .nodes[] | select(.id == $node) | .replicas[0].applied_index >= $commit - 100' \
    >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || fail "node $1 has not caught up after 120 s"
    sleep 0.1
  done
}
now_ms() { date +%s%3N; }

# in_background NAME ARGUMENT...: as `run`; `finish` waits for it.
in_background() {
  run "$@" &
  load=$!
}
finish() { wait "$load" || fail "the load of this row ended badly"; }

row_kill_leader() {
  local kills i node times=()
  kills=$(seconds 20 3)
  fresh
  in_background kill_leader --duration "$((kills * 5 + 10))s" --expect 'errors<=0'
  sleep 3
  for i in $(seq "$kills"); do
    node=$(node_that leader)
    times+=("$(now_ms)")
    cluster kill "$node"
    sleep 2
    cluster start "$node"
    wait_caught_up "$node"
    sleep 1
  done
  finish
  # The outage of a kill: the longest without an answer that begins or goes on in the 2 s after it;
  # 0 when none was long enough to be listed.
  jq --argjson kills "$(printf '%s\n' "${times[@]}" | jq -s .)" '
    .outages as $outages
    | [$kills[] as $kill | [$outages[] | select(.from_unix_ms + .ms >= $kill
        and .from_unix_ms <= $kill + 2000) | .ms] | max // 0]' "$work/kill_leader.json" \
    >"$work/kill_leader.outages"
  result kill_leader "p99 of 20 kills under 1 s" '.p99_ms < 1000 and .errors == 0 and .max_ms > 0' \
    "$(jq --argjson errors "$(jq .errors "$work/kill_leader.json")" 'sort | {kills: length,
      min_ms: .[0], p50_ms: .[length / 2 | floor], p99_ms: .[(length * 0.99 | ceil) - 1],
      max_ms: .[-1], errors: $errors}' "$work/kill_leader.outages")" \
    "$(cat "$work/kill_leader.outages")"
}

row_follower_back() {
  local part node back caught_up
  part=$(seconds 10 3)
  fresh
  in_background follower_back "${full_load[@]}" --duration "$((part * 5))s"
  sleep "$((part + 1))"
  node=$(node_that follower)
  cluster kill "$node"
  sleep "$part"
  back=$(now_ms)
  cluster start "$node"
  wait_caught_up "$node"
  caught_up=$(($(now_ms) - back))
  finish
  # Seconds of the window: all up, then one down, then (from 2 * part on) it catches up.
  result follower_back "catches up, throughput while it does above 80 %" \
    '.while_catching_up >= 0.8 and .caught_up_ms > 0' \
    "$(jq --argjson part "$part" --argjson caught_up "$caught_up" '.orders_by_second
      | (.[1:$part - 1] | add / length) as $before
      | (.[$part * 2:][:(($caught_up / 1000) | ceil) + 1] | add / length) as $back
      | {orders_per_second_before: ($before | round), orders_per_second_back: ($back | round),
         while_catching_up: ($back / $before * 1000 | round / 1000), caught_up_ms: $caught_up}' \
      "$work/follower_back.json")" "$(cat "$work/follower_back.json")"
}

# curve ROW X...: the rates measured in $work/ROW-X.json, and how flat they are.
curve() {
  local row=$1 x
  shift
  for x in "$@"; do
    jq --arg x "$x" '{($x): (.orders_per_second | round)}' "$work/$row-$x.json"
  done | jq -s 'add | {rates: ., flat: (([.[]] | min) / ([.[]] | max) * 1000 | round / 1000)}'
}

row_cost_open_orders() {
  local row=cost_open_orders n list=(1000 10000 100000 1000000)
  [ -z "$quick" ] || list=(1000 10000)
  for n in "${list[@]}"; do
    median "$row-$n" "${full_load[@]}" --open-orders "$n" \
      --duration "$(seconds 15s 3s)"
  done
  cp "$work/$row-$n.command" "$work/$row.command"
  result "$row" "flat within 15 %" '.flat >= 0.85' "$(curve "$row" "${list[@]}")"
}

# So many shards for the symbols BENCH1 to BENCH16, in turn.
market_of() {
  echo "shards: [$(seq -s ', ' "$1")]"
  echo "symbols:"
  echo "  default_shard: 1"
  echo "  shards:"
  for i in $(seq 16); do echo "    BENCH$i: $(((i - 1) % $1 + 1))"; done
}

row_cost_shards() {
  local row=cost_shards n i list=(1 4 16)
  for n in "${list[@]}"; do
    market_of "$n" >"$work/market.yaml"
    for i in $(seq "$runs"); do
      fresh "$work/market.yaml"
      run "$row-$n.$i" --connections 16 --in-flight 4 --batch 100 --symbols 16 \
        --duration "$(seconds 15s 3s)"
    done
    jq -s 'sort_by(.orders_per_second) | .[(length - 1) / 2 | floor]' "$work/$row-$n".[0-9]*.json \
      >"$work/$row-$n.json"
  done
  cp "$work/$row-$n.1.command" "$work/$row.command"
  result "$row" "flat within 15 %" '.flat >= 0.85' "$(curve "$row" "${list[@]}")"
}

row_cost_growth() {
  local row=cost_growth part
  part=$(seconds 60 3)
  fresh
  run "$row" "${full_load[@]}" --duration "$(seconds 1800s 12s)"
  result "$row" "the last minute within 15 % of the second; disk used is bounded" '.flat >= 0.85' \
    "$(jq --argjson part "$part" --argjson disk "$(status | jq '[.nodes[].disk_bytes] | max')" '
      (.orders_by_second[$part:$part * 2] | add / length) as $first
      | (.orders_by_second[-$part:] | add / length) as $last
      | {orders: .orders, orders_per_second_first: ($first | round),
         orders_per_second_last: ($last | round), flat: ($last / $first * 1000 | round / 1000),
         disk_mb_of_a_node: ($disk / 1048576 | round)}' "$work/$row.json")"
}

row_over_limit() {
  local rate
  rate=$(maximum_rate)
  fresh
  run over_limit --rate "$((rate * 3))" --connections 64 --duration "$(seconds 20s 5s)"
  # At once afterwards, on the same cluster: has it recovered?
  run over_limit_after --rate "$((rate / 4))" --connections 4 --warm-up 1s \
    --duration "$(seconds 10s 3s)" --symbol-prefix AFTER
  result over_limit \
    "accepts at least 80 % of its maximum, loses nothing; p99 under 50 ms 1 s later" \
    '.accepted_per_second >= 0.8 * .maximum and .errors == 0 and .p99_us_after < 50000' \
    "$(jq --argjson rate "$rate" --argjson after "$(cat "$work/over_limit_after.json")" \
      '{offered_per_second: ($rate * 3), maximum: $rate,
        accepted_per_second: (.orders_per_second | round), refused, resent, errors, not_sent,
        daemons_resident_mb: ([.processes[1:][].resident_bytes_after] | add / 1048576 | round),
        p99_us_after: $after.latency_us.p99}' "$work/over_limit.json")" \
    "$(cat "$work/over_limit.json")"
}
