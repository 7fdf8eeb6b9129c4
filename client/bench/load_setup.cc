// What happens before the load: connections, symbols, sessions.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <map>

#include "client/bench/load_runner.h"

namespace quorumbook::bench {

namespace {

using SymbolsByShard = std::map<uint32_t, std::vector<std::string>>;

absl::StatusOr<SymbolsByShard> AddSymbols(Client& client, const LoadOptions& options) {
  SymbolsByShard symbols;
  for (uint32_t i = 1; i <= options.symbols; ++i) {
    v1::AddSymbol request;
    request.set_name(absl::StrCat(options.symbol_prefix, i));
    request.mutable_tick_size()->set_mantissa(1);
    request.mutable_tick_size()->set_exponent(-2);
    request.mutable_lot_size()->set_mantissa(1);
    auto symbol = client.AddSymbol(request);
    if (!symbol.ok()) return symbol.status();
    symbols[symbol->shard()].push_back(symbol->name());
  }
  if (symbols.size() > options.connections) {
    return absl::InvalidArgumentError(absl::StrCat("the symbols live on ", symbols.size(),
                                                   " shards, and a connection trades on one: use ",
                                                   "--connections ", symbols.size(), " or more"));
  }
  return symbols;
}

absl::Status CheckSources(const LoadOptions& options) {
  for (const int pid : options.pids) {
    auto usage = ReadProcessUsage(pid);
    if (!usage.ok()) return usage.status();
  }
  if (options.disk.empty()) return absl::OkStatus();
  return ReadDiskUsage(options.disk).status();
}

// Larger than every id of an earlier benchmark, for none sends an order a nanosecond.
uint64_t FirstOrderId() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count());
}

}  // namespace

absl::StatusOr<std::unique_ptr<LoadRunner>> LoadRunner::Create(
    const std::function<absl::StatusOr<std::unique_ptr<Client>>()>& connect,
    const LoadOptions& options) {
  absl::Status checked = CheckSources(options);
  if (!checked.ok()) return checked;
  auto client = connect();
  if (!client.ok()) return client.status();
  auto symbols = AddSymbols(**client, options);
  if (!symbols.ok()) return symbols.status();
  std::unique_ptr<LoadRunner> runner(new LoadRunner(options));
  runner->shards_ = static_cast<uint32_t>(symbols->size());

  LoadConnection::Limits limits;
  limits.orders = options.in_flight * options.group;
  limits.group = options.group;
  SessionOptions session_options;
  session_options.max_batch = options.max_batch;
  // Twice of what is used: an answered order leaves the session's window a little later than its
  // callback runs, and Submit must not wait for that.
  session_options.max_in_flight = 2 * limits.orders;
  const uint64_t first_id = FirstOrderId();
  auto shard = symbols->begin();
  for (uint32_t i = 0; i < options.connections; ++i) {
    if (i > 0) client = connect();
    if (!client.ok()) return client.status();
    auto session =
        (*client)->OpenSession(shard->second.front(), options.account + i, session_options);
    if (!session.ok()) return session.status();
    OrderFlow flow(options.mix, shard->second, options.seed + i, first_id);
    runner->connections_.push_back(std::make_unique<LoadConnection>(
        i, *std::move(client), *std::move(session), std::move(flow), limits, &runner->window_,
        &runner->loop_, &runner->ready_));
    if (++shard == symbols->end()) shard = symbols->begin();
  }
  return runner;
}

}  // namespace quorumbook::bench
