#!/usr/bin/env bash
# Somebody to trade with: a market maker and a taker who know nothing of markets. The maker quotes
# five prices a side around one that walks at random, the taker takes a part of them, and both send
# what they do as anybody would, one order after the other, with qb. A few orders a second: life to
# look at, no load (that is qb bench), and no model of how markets behave.
set -uo pipefail

symbols=(DEMO1 DEMO2 DEMO3)
maker=101
taker=102
levels=5
pause=2 # seconds between rounds; after an error likewise

qb() { /usr/local/bin/qb --timeout 20s "$@" >/dev/null; }
decimal() { printf '%d.%02d' $(($1 / 100)) $(($1 % 100)); }

# quote SYMBOL CENTS: takes the maker's old quotes back and puts new ones around CENTS.
quote() {
  local level quantity
  qb --account "$maker" order mass-cancel --symbol "$1"
  for ((level = 1; level <= levels; level++)); do
    quantity=$((10 * level + RANDOM % 20))
    qb --account "$maker" order submit "$1" buy "$quantity" "$(decimal $(($2 - level)))"
    qb --account "$maker" order submit "$1" sell "$quantity" "$(decimal $(($2 + level)))"
  done
}

take() {
  local sides=(buy sell)
  qb --account "$taker" order submit "$1" "${sides[RANDOM % 2]}" $((1 + RANDOM % 40)) --type market
}

# Bash as process 1 has no default for signals.
trap 'exit 0' TERM INT

declare -A cents
for symbol in "${symbols[@]}"; do
  cents[$symbol]=$((5000 + RANDOM % 10000))
  until qb symbol add "$symbol" --tick-size 0.01 --lot-size 1; do sleep "$pause"; done
done
while true; do
  for symbol in "${symbols[@]}"; do
    # Reflected at 10.00 and 200.00.
    cents[$symbol]=$((cents[$symbol] + RANDOM % 7 - 3))
    [ "${cents[$symbol]}" -gt 1000 ] || cents[$symbol]=1010
    [ "${cents[$symbol]}" -lt 20000 ] || cents[$symbol]=19990
    quote "$symbol" "${cents[$symbol]}"
    take "$symbol"
    take "$symbol"
  done
  sleep "$pause" &
  wait $!
done
