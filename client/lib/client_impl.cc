#include "client/lib/client_impl.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <thread>
#include <utility>

#include "client/lib/session.h"
#include "common/small_file.h"

namespace quorumbook::client {

using std::chrono::milliseconds;

// Whose session adds symbols: any will do, symbols belong to nobody.
constexpr uint64_t kAdministratorAccount = 1;

absl::StatusOr<v1::ClusterDescription> ClientImpl::DescribeCluster() {
  return connection_->Describe(connection_->options().timeout);
}

absl::StatusOr<std::vector<Client::NodeReport>> ClientImpl::ClusterStatus(bool digests) {
  absl::StatusOr<v1::ClusterDescription> cluster = DescribeCluster();
  if (!cluster.ok()) return cluster.status();
  std::vector<NodeReport> reports;
  for (const v1::NodeDescription& node : cluster->nodes()) {
    reports.push_back({.node = node, .status = absl::UnknownError("not asked")});
  }
  std::sort(reports.begin(), reports.end(),
            [](const NodeReport& a, const NodeReport& b) { return a.node.id() < b.node.id(); });
  v1::GetNodeStatusRequest request;
  request.set_digests(digests);
  // Digests take time proportional to the state, so they get all of it.
  const milliseconds timeout =
      digests ? connection_->options().timeout : connection_->options().attempt_timeout;
  std::vector<std::thread> threads;  // a node that hangs must not hold up the others
  for (NodeReport& report : reports) {
    threads.emplace_back([&, report = &report] {
      v1::NodeStatus status;
      const RpcError error = connection_->CallNode(
          report->node.client_address(), timeout, [&](Node& node, grpc::ClientContext* context) {
            return node.cluster->GetNodeStatus(context, request, &status);
          });
      if (error.status.ok()) {
        report->status = std::move(status);
      } else {
        report->status = {static_cast<absl::StatusCode>(error.status.error_code()),
                          Describe(error)};
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return reports;
}

absl::Status ClientImpl::WaitUntilReady(milliseconds timeout) {
  const SteadyClock::time_point deadline = SteadyClock::now() + timeout;
  for (const uint32_t shard : connection_->map().Shards()) {
    // The cheapest linearizable read: an order that nobody has. NOT_FOUND is an answer.
    v1::GetOrderRequest request;
    request.set_shard(shard);
    request.set_account(kAdministratorAccount);
    request.set_client_order_id(UINT64_MAX);
    const auto left =
        std::max(milliseconds(1), std::chrono::ceil<milliseconds>(deadline - SteadyClock::now()));
    v1::Order order;
    absl::Status status = connection_->CallLeader(
        shard, "wait for a leader", left, [&](Node& node, grpc::ClientContext* context) {
          return node.exchange->GetOrder(context, request, &order);
        });
    if (!status.ok() && status.code() != absl::StatusCode::kNotFound) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> ClientImpl::ShardOf(std::string_view symbol) {
  return connection_->map().ShardOf(symbol);
}

std::vector<uint32_t> ClientImpl::Shards() { return connection_->map().Shards(); }

static absl::Status RefusedSymbol(const v1::AddSymbol& symbol, v1::Reason reason) {
  const std::string prefix = absl::StrCat("symbol '", symbol.name(), "' was refused: ");
  switch (reason) {
    case v1::SYMBOL_EXISTS:
      return absl::AlreadyExistsError(
          absl::StrCat(prefix, "it exists with other sizes or assets; see `qb symbol list`"));
    case v1::INVALID_SYMBOL:
      return absl::InvalidArgumentError(absl::StrCat(
          prefix,
          "a name has 1 to 16 printable ASCII characters without spaces; tick and lot size are "
          "positive, mantissa up to 10^9, exponent -12 to 12; with assets, a lot is whole units of "
          "the base and a lot times a tick whole units of the quote asset"));
    case v1::UNKNOWN_ASSET:
      return absl::NotFoundError(
          absl::StrCat(prefix, "its base or quote asset is not there; add it with `qb asset add`"));
    case v1::INVALID_RULES:
      return absl::InvalidArgumentError(
          absl::StrCat(prefix, "a rule is negative, or a band or fee is above 10,000 bp"));
    case v1::TOO_MANY_SYMBOLS:
      return absl::ResourceExhaustedError(absl::StrCat(prefix, "the shard has 100,000 already"));
    default:
      return absl::InternalError(absl::StrCat(prefix, v1::Reason_Name(reason)));
  }
}

absl::StatusOr<v1::Symbol> ClientImpl::AddSymbol(const v1::AddSymbol& symbol) {
  const SessionOptions options{.timeout = connection_->options().timeout};
  auto session = OpenSession(symbol.name(), kAdministratorAccount, options);
  if (!session.ok()) return session.status();
  v1::Command command;
  *command.mutable_add_symbol() = symbol;
  absl::StatusOr<v1::CommandResult> result = (*session)->Execute(std::move(command));
  if (!result.ok()) return result.status();
  if (result->reports_size() != 1) {
    return absl::InternalError("the exchange did not report on the symbol");
  }
  const v1::ExecutionReport& report = result->reports(0);
  if (report.exec_type() != v1::ExecutionReport::SYMBOL_ADDED) {
    return RefusedSymbol(symbol, report.reason());
  }
  v1::Symbol added;
  added.set_id(report.symbol_id());
  added.set_name(symbol.name());
  *added.mutable_tick_size() = symbol.tick_size();
  *added.mutable_lot_size() = symbol.lot_size();
  added.set_shard((*session)->shard());
  return added;
}

absl::StatusOr<std::unique_ptr<OrderSession>> ClientImpl::OpenSession(
    std::string_view symbol, uint64_t account, const SessionOptions& options) {
  return OpenSessionOn(connection_->map().ShardOf(symbol), account, options);
}

absl::StatusOr<std::unique_ptr<OrderSession>> ClientImpl::OpenSessionOn(
    uint32_t shard, uint64_t account, const SessionOptions& options) {
  return Session::Open(connection_, shard, account, options);
}

}  // namespace quorumbook::client

namespace quorumbook {

static absl::Status CheckEndpoint(const std::string& endpoint) {
  const size_t colon = endpoint.rfind(':');
  uint16_t port = 0;
  if (colon != std::string::npos && colon > 0) {
    const char* end = endpoint.data() + endpoint.size();
    const auto parsed = std::from_chars(endpoint.data() + colon + 1, end, port);
    if (parsed.ec == std::errc() && parsed.ptr == end && port > 0) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("endpoint '", endpoint, "' is not host:port, e.g. 127.0.0.1:7001"));
}

static absl::StatusOr<std::string> ReadCa(const std::string& path) {
  if (path.empty()) return "";
  std::optional<std::string> text = ReadSmallFile(path);
  if (!text) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the CA file '", path, "' can not be read; name a file of at most 1 MiB that exists"));
  }
  if (text->find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("the CA file '", path, "' holds no certificate in PEM form"));
  }
  return *std::move(text);
}

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(const ClientOptions& options) {
  if (options.endpoints.empty()) {
    return absl::InvalidArgumentError("no endpoints; name one node at least, e.g. 127.0.0.1:7001");
  }
  if (options.endpoints.size() > client::ClusterMap::kMaxAddresses) {
    return absl::InvalidArgumentError("more than 64 endpoints; a few are enough");
  }
  for (const std::string& endpoint : options.endpoints) {
    absl::Status valid = CheckEndpoint(endpoint);
    if (!valid.ok()) return valid;
  }
  if (options.timeout.count() <= 0 || options.attempt_timeout.count() <= 0) {
    return absl::InvalidArgumentError("timeouts must be positive");
  }
  absl::StatusOr<std::string> ca = ReadCa(options.ca_file);
  if (!ca.ok()) return ca.status();
  auto connection = std::make_shared<client::Connection>(options, *ca);
  absl::StatusOr<v1::ClusterDescription> cluster = connection->Describe(options.timeout);
  if (!cluster.ok()) return cluster.status();
  return std::make_unique<client::ClientImpl>(std::move(connection));
}

}  // namespace quorumbook
