// Certificates: what a node shows, whom it believes, and which node a certificate is of.
//
// The certificate of node N of cluster C has the alternative name (DNS) "node-N.C.quorumbook". The
// CA is trusted to give no other node that name (docs/decisions/0013-node-identity.md).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.h"
#include "server/config.h"
#include "server/config_schema.h"

namespace quorumbook::server {

// What the files of tls.* hold, checked.
struct Tls {
  std::string certificate;  // PEM: of this node, then those of intermediate CAs, if any
  std::string key;          // PEM
  std::string ca;           // PEM: one or more
  int64_t expires = 0;      // when the certificate does: Unix time in seconds
};

struct TlsResult {
  std::shared_ptr<const Tls> tls;  // null: there is a fault
  std::string key;                 // of the configuration: what the fault is in
  ConfigFault fault;
};
// Reads the files that `config` names. They must be readable, at most 1 MiB and in PEM form; the
// key must be that of the certificate, and without a password; the certificate must be valid now,
// be signed by one of the CAs for servers and clients, and name this node and no other of its
// cluster.
TlsResult ReadTlsFiles(const Config& config);

// The name that the certificate of a node has.
std::string CertificateName(std::string_view cluster, NodeId node);
// The node of `cluster` that a certificate with these names (DNS) is of; none: of no node, or of
// more than one.
NodeId NodeOfCertificate(std::string_view cluster, const std::vector<std::string>& names);

}  // namespace quorumbook::server
