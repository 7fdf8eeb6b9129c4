#!/usr/bin/env bash
# Whether the node in this container works: its gRPC server greets a client. Says nothing of leaders
# and peers, so that nobody restarts the nodes of a cluster that has lost its majority.
#
# HTTP/2 in a nutshell (RFC 9113, 3.4): the client sends its preface and a SETTINGS frame, here an
# empty one; the first that the server sends is a SETTINGS frame, of type 4. The image has no
# program that could ask in a nicer way.
set -euo pipefail
port=${QUORUMBOOK_LISTEN_CLIENT##*:}
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0' >&3
frame_header=$(timeout 3 head -c 9 <&3 | od -A n -t u1)
read -r -a octets <<<"$frame_header"
[ "${octets[3]-none}" = 4 ] || {
  echo "port $port does not answer as a gRPC server: '$frame_header'"
  exit 1
}
