#!/usr/bin/env bash
# Makes a CA and the certificates of a cluster's nodes (docs/operating.md, TLS).
#
# usage: deploy/make-certificates.sh DIR --cluster ID [OPTIONS]
#
#   DIR            where they go: ca.crt, ca.key, node1.crt, node1.key, ... A CA that is there
#                  already is used; certificates of nodes are made anew. Can be run again when it
#                  was interrupted
#   --cluster ID   the cluster's `cluster.id`
#   --nodes N      for nodes 1 to N (default 3)
#   --node N       for node N alone
#   --hosts LIST   names and addresses by which clients reach the nodes, commas between them;
#                  localhost, 127.0.0.1 and ::1 are always among them
#   --days D       the nodes' certificates are valid so long (default 365; the CA's ten years)
#
# A node gets ca.crt and its own two files, a client ca.crt alone. ca.key can make any node: keep it
# off the nodes.
set -euo pipefail

fail() {
  echo "make-certificates: $*" >&2
  exit 1
}

usage() {
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
}

parse_arguments() {
  dir=""
  cluster=""
  first=1
  last=3
  hosts=""
  days=365
  while [ $# -gt 0 ]; do
    case $1 in
      -h | --help)
        usage
        exit 0
        ;;
      --*)
        [ $# -ge 2 ] || fail "$1 wants a value (see --help)"
        case $1 in
          --cluster) cluster=$2 ;;
          --nodes) first=1 last=$2 ;;
          --node) first=$2 last=$2 ;;
          --hosts) hosts=$2 ;;
          --days) days=$2 ;;
          *) fail "unknown option $1 (see --help)" ;;
        esac
        shift 2
        ;;
      *)
        [ -z "$dir" ] || fail "one directory, not '$dir' and '$1' (see --help)"
        dir=$1
        shift
        ;;
    esac
  done
  [ -n "$dir" ] || fail "in which directory? (see --help)"
  [[ $cluster =~ ^[A-Za-z0-9._-]{1,64}$ ]] || fail "--cluster is a cluster.id, not '$cluster'"
  [[ $first =~ ^[1-9][0-9]{0,4}$ && $last =~ ^[1-9][0-9]{0,4}$ ]] ||
    fail "--nodes and --node want a number, not '$last'"
  [[ $days =~ ^[1-9][0-9]{0,4}$ ]] || fail "--days wants a number, not '$days'"
}

# The alternative names of node $1.
names_of() {
  local names="DNS:node-$1.$cluster.quorumbook,DNS:localhost,IP:127.0.0.1,IP:::1" host list
  IFS=, read -ra list <<<"$hosts"
  for host in "${list[@]}"; do
    if [[ $host =~ ^[0-9.]+$ || $host == *:* ]]; then
      names+=",IP:$host"
    elif [[ $host =~ ^[A-Za-z0-9._-]+$ ]]; then
      names+=",DNS:$host"
    else
      fail "--hosts: '$host' is no name and no address"
    fi
  done
  echo "$names"
}

# openssl with what it says shown only when it fails.
run_openssl() {
  local said
  said=$(openssl "$@" 2>&1) || fail "openssl $1: $said"
}

curve=ec_paramgen_curve:P-256

# Files are made under another name, and get their own when they are whole: whoever interrupts this
# runs it again.
keep() {
  local name
  for name in "$@"; do mv "$dir/$name.part" "$dir/$name"; done
}

make_ca_key() {
  run_openssl genpkey -algorithm EC -pkeyopt "$curve" -out "$dir/ca.key.part"
  keep ca.key
}

make_ca() {
  run_openssl req -x509 -key "$dir/ca.key" -out "$dir/ca.crt.part" -days 3650 \
    -subj "/O=$cluster/CN=quorumbook CA" -extensions ca -config /dev/stdin <<'END'
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
END
  chmod 644 "$dir/ca.crt.part"
  keep ca.crt
}

make_node() {
  local names
  names=$(names_of "$1")
  run_openssl req -new -newkey ec -pkeyopt "$curve" -nodes -keyout "$dir/node$1.key.part" \
    -out "$dir/node$1.csr" -subj "/CN=node $1"
  run_openssl x509 -req -in "$dir/node$1.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" \
    -set_serial "0x$(openssl rand -hex 16)" -days "$days" -out "$dir/node$1.crt.part" \
    -extfile /dev/stdin <<END
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = $names
END
  rm "$dir/node$1.csr"
  chmod 644 "$dir/node$1.crt.part"
  keep "node$1.key" "node$1.crt"
}

parse_arguments "$@"
command -v openssl >/dev/null || fail "there is no openssl; deploy/packages.txt names it"
umask 077
mkdir -p "$dir"
if [ ! -e "$dir/ca.key" ]; then
  [ ! -e "$dir/ca.crt" ] || fail "$dir/ca.crt is there, but not its ca.key"
  make_ca_key
fi
[ -e "$dir/ca.crt" ] || make_ca
for node in $(seq "$first" "$last"); do make_node "$node"; done
