#include "client/lib/connection.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <map>
#include <random>
#include <thread>

#include "client/lib/backoff.h"
#include "client/lib/route.h"

namespace quorumbook::client {

using std::chrono::milliseconds;

uint64_t Connection::MakeSeed() { return std::random_device()(); }

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
      said[address] = error.status.ok() ? "describes no cluster" : client::Describe(error);
    }
    std::this_thread::sleep_for(std::min(backoff.Next(), Until(deadline)));
  } while (Until(deadline).count() > 0);
  std::string message = "no node of the cluster answers";
  for (const auto& [address, text] : said) absl::StrAppend(&message, "; ", address, ": ", text);
  return absl::UnavailableError(message);
}

}  // namespace quorumbook::client
