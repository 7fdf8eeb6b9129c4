#include "client/lib/connection.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include "client/lib/backoff.h"
#include "client/lib/route.h"
#include "common/connection_error.h"

namespace quorumbook::client {

using std::chrono::milliseconds;

static std::shared_ptr<grpc::ChannelCredentials> Credentials(const std::string& ca) {
  if (ca.empty()) return grpc::InsecureChannelCredentials();
  return grpc::SslCredentials({.pem_root_certs = ca, .pem_private_key = "", .pem_cert_chain = ""});
}

Connection::Connection(const ClientOptions& options, const std::string& ca)
    : options_(options),
      channels_(Credentials(ca)),
      map_(options.endpoints),
      seed_(std::random_device()()) {}

constexpr KnownConnectionError kConnectionErrors[] = {
    {true, "wrong version number", "it speaks plain text: name no CA"},
    {true, "certificate verify failed", "its certificate is not of the CA that was named"},
    {true, "is not in peer certificate", "its certificate is for other names and addresses"},
    {false, "Socket closed", "if it uses TLS, name the file of its CA"},
};

static milliseconds Until(SteadyClock::time_point deadline) {
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(deadline - SteadyClock::now()));
}

RpcError Connection::CallNode(const std::string& address, milliseconds timeout,
                              const Attempt& attempt) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  const grpc::Status status = attempt(channels_.Get(address), &context);
  return ErrorOf(status, context);
}

absl::Status Connection::CallLeader(uint32_t shard, std::string_view what, milliseconds timeout,
                                    const Attempt& attempt) {
  const SteadyClock::time_point deadline = SteadyClock::now() + timeout;
  Route route(&map_, shard, NextSeed());
  while (true) {
    const Route::Hop hop = route.Next();
    std::this_thread::sleep_for(std::min(hop.wait, Until(deadline)));
    const milliseconds left = Until(deadline);
    if (left.count() == 0) return route.DeadlineError(what, timeout);
    const RpcError error = CallNode(hop.address, std::min(left, options_.attempt_timeout), attempt);
    if (error.status.ok()) {
      route.Succeeded(hop.address);
      return absl::OkStatus();
    }
    if (Judge(error) == NextStep::kGiveUp) return ToAbsl(error.status);
    route.Failed(hop.address, error);
  }
}

absl::StatusOr<v1::ClusterDescription> Connection::Describe(milliseconds timeout) {
  const SteadyClock::time_point deadline = SteadyClock::now() + timeout;
  Backoff backoff(NextSeed());
  std::map<std::string, std::string> said;
  do {
    for (const std::string& address : map_.Addresses()) {
      const milliseconds left = std::min(Until(deadline), options_.attempt_timeout);
      if (left.count() == 0) break;
      v1::ClusterDescription description;
      const RpcError error = CallNode(address, left, [&](Node& node, grpc::ClientContext* context) {
        return node.cluster->DescribeCluster(context, {}, &description);
      });
      if (error.status.ok() && description.nodes_size() > 0) {
        map_.Learn(description);
        return description;
      }
      said[address] = error.status.ok()
                          ? "describes no cluster"
                          : ExplainConnectionError(kConnectionErrors, !options_.ca_file.empty(),
                                                   client::Describe(error));
    }
    std::this_thread::sleep_for(std::min(backoff.Next(), Until(deadline)));
  } while (Until(deadline).count() > 0);
  std::string message = "no node of the cluster answers";
  for (const auto& [address, text] : said) absl::StrAppend(&message, "; ", address, ": ", text);
  return absl::UnavailableError(message);
}

}  // namespace quorumbook::client
