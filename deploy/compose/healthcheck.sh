#!/usr/bin/env bash
# Whether the node in this container works, as it says itself at /livez: nothing of leaders and
# peers, so that nobody restarts the nodes of a cluster that has lost its majority. The image has no
# program that speaks HTTP; bash can open a connection.
set -euo pipefail
port=${QUORUMBOOK_LISTEN_HTTP##*:}
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'GET /livez?verbose HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&3
answer=$(timeout 3 cat <&3) || true
[[ $answer == 'HTTP/1.1 200 '* ]] || {
  echo "port $port does not say that the node is alive: '${answer}'"
  exit 1
}
echo "${answer##*$'\r\n\r\n'}"
