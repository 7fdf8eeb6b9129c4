// What a snapshot costs, and how long it holds up trading, which goes on while it is made.
//
// A real replica (server/replica), alone in its group, whose host does nothing but what must be
// done: it calls each write durable at once, and makes snapshots on another thread as the daemon
// does. Batches in which orders are cancelled and others take their places go the whole way of a
// command: proposed, encoded, committed, executed, answered. The longest call of the replica is
// printed, without a snapshot, while one is made, and when one is taken and put away, in processor
// time of the trading thread, in which what else runs on the machine does not count, and in real
// time.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "common/check.h"
#include "exchange/exchange.h"
#include "random.h"
#include "server/replica/replica.h"

namespace quorumbook::bench {
namespace {

using exchange::ClientOrderId;
using exchange::NewOrder;
using exchange::Price;
using exchange::SessionId;
using exchange::Side;
using exchange::SymbolId;

constexpr uint64_t kBatch = 100;  // commands

double Seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// Milliseconds of pieces of work on this thread.
class Pauses {
 public:
  template <typename Work>
  void Time(Work&& work) {
    const double processor = Seconds(CLOCK_THREAD_CPUTIME_ID);
    const double real = Seconds(CLOCK_MONOTONIC);
    work();
    processor_.push_back((Seconds(CLOCK_THREAD_CPUTIME_ID) - processor) * 1e3);
    real_.push_back((Seconds(CLOCK_MONOTONIC) - real) * 1e3);
  }
  void Add(const Pauses& other) {
    processor_.insert(processor_.end(), other.processor_.begin(), other.processor_.end());
    real_.insert(real_.end(), other.real_.begin(), other.real_.end());
  }
  void Print(const char* what) {
    if (processor_.empty()) return;
    std::printf("%-28s %9zu %9.3f %9.3f %9.3f\n", what, processor_.size(), Median(),
                *std::max_element(processor_.begin(), processor_.end()),
                *std::max_element(real_.begin(), real_.end()));
  }

 private:
  double Median() {
    const auto middle = processor_.begin() + static_cast<std::ptrdiff_t>(processor_.size() / 2);
    std::nth_element(processor_.begin(), middle, processor_.end());
    return *middle;
  }

  std::vector<double> processor_, real_;
};

// Makes snapshots on a thread of its own, and keeps what else it is asked for until its turn.
class Host final : public server::ReplicaHost {
 public:
  ~Host() override {
    if (maker_.joinable()) maker_.join();
  }
  consensus::Instant Now() override { return std::chrono::steady_clock::now().time_since_epoch(); }
  exchange::Time WallClock() override { return 1 + Now().count(); }
  void Write(consensus::Persist persist) override { written = persist.sequence; }
  void SaveSnapshot(server::SnapshotRecipe recipe) override {
    if (maker_.joinable()) maker_.join();
    making = true;
    maker_ = std::thread([this, recipe = std::move(recipe)] {
      const double begin = Seconds(CLOCK_THREAD_CPUTIME_ID);
      absl::StatusOr<server::MadeSnapshot> snapshot = recipe.Make();
      const double took = Seconds(CLOCK_THREAD_CPUTIME_ID) - begin;
      const std::lock_guard lock(mutex_);
      made_ = std::move(snapshot);
      seconds_ = took;
    });
  }
  void DecodeSnapshot(std::shared_ptr<const std::string>) override {}  // nobody sends one
  void Discard(std::shared_ptr<const void> spent) override {
    if (maker_.joinable()) maker_.join();  // it has made its snapshot
    maker_ = std::thread([spent = std::move(spent)]() mutable { spent.reset(); });
  }
  bool DiskFull() override { return false; }
  void Send(std::vector<consensus::Message>) override {}
  void PumpSoon() override { pump = true; }
  void SymbolKnown(const exchange::SymbolInfo&) override {}
  void LeadershipChanged(const server::Leadership& leadership) override {
    term = leadership.serving_term;
  }
  void Report(const consensus::Evidence&) override {}
  void Log(server::LogLevel, std::string_view) override {}
  void Fatal(const absl::Status& status) override {
    std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
    std::abort();
  }

  // The snapshot that is finished since the last call.
  std::optional<server::MadeSnapshot> TakeMade() {
    const std::lock_guard lock(mutex_);
    if (!made_.has_value()) return std::nullopt;
    QB_CHECK(made_->ok());
    making = false;
    std::optional<server::MadeSnapshot> made(**std::move(made_));
    made_.reset();
    return made;
  }
  double seconds() {
    const std::lock_guard lock(mutex_);
    return seconds_;
  }

  consensus::Term term;
  std::optional<uint64_t> written;  // sequence of a write that is to be called durable
  bool pump = false;
  bool making = false;

 private:
  std::thread maker_;
  std::mutex mutex_;
  std::optional<absl::StatusOr<server::MadeSnapshot>> made_;
  double seconds_ = 0;
};

class Trading {
 public:
  Trading(uint64_t orders, uint64_t log_bytes) : replica_(OptionsOf(log_bytes), {}, &host_) {
    replica_.Start();
    while (host_.term == consensus::Term()) {
      replica_.OnAlarm();
      Settle();
    }
    Submit(exchange::OpenSession{exchange::AccountId(1)}, nullptr);
    exchange::SessionCommands setup = NextGroup();
    setup.commands.emplace_back(exchange::AddSymbol{"BENCH", {1, -2}, {1, 0}});
    Send(std::move(setup), nullptr);
    while (open_.size() < orders) {
      exchange::SessionCommands group = NextGroup();
      for (uint64_t i = 0; i < kBatch; ++i) {
        open_.push_back(++last_id_);
        group.commands.emplace_back(NewAt(last_id_));
      }
      Send(std::move(group), nullptr);
      PutAway(nullptr);
    }
  }

  // Executes one more batch of cancels and new orders.
  void Step(Pauses* without, Pauses* during, Pauses* cuts) {
    exchange::SessionCommands group = NextGroup();
    for (uint64_t i = 0; i < kBatch / 2; ++i) {
      uint64_t& order = open_[random_.Below(open_.size())];
      group.commands.emplace_back(exchange::CancelOrder{SymbolId(1), ClientOrderId(order)});
      order = ++last_id_;
      group.commands.emplace_back(NewAt(order));
    }
    const bool was_making = host_.making;
    Pauses step;
    Send(std::move(group), &step);
    const bool cut = !was_making && host_.making;
    (cut ? cuts : was_making ? during : without)->Add(step);
  }
  // Hands the replica the snapshot that is finished, if one is.
  bool PutAway(Pauses* pauses) {
    std::optional<server::MadeSnapshot> made = host_.TakeMade();
    if (!made.has_value()) return false;
    snapshot_bytes_ = made->snapshot.data->size();
    const auto put_away = [&] {
      replica_.OnSnapshotSaved(*std::move(made));
      made.reset();
    };
    pauses == nullptr ? put_away() : pauses->Time(put_away);
    Settle();
    return true;
  }

  const exchange::Exchange& exchange() const { return replica_.exchange(); }
  size_t snapshot_bytes() const { return snapshot_bytes_; }
  double seconds() { return host_.seconds(); }

 private:
  static server::ReplicaOptions OptionsOf(uint64_t log_bytes) {
    server::ReplicaOptions options;
    options.shard = ShardId(1);
    options.raft.id = NodeId(1);
    options.raft.configuration = consensus::MakeConfiguration({NodeId(1)});
    options.snapshot_log_bytes = log_bytes;
    return options;
  }
  exchange::SessionCommands NextGroup() const {
    return {SessionId(1), next_sequence_, next_sequence_ - 1, {}};
  }
  NewOrder NewAt(uint64_t id) {
    const bool buys = random_.Below(2) == 0;
    const auto distance = static_cast<Price>(1 + random_.Below(5'000));
    return {.symbol = SymbolId(1),
            .client_order_id = ClientOrderId(id),
            .side = buys ? Side::kBuy : Side::kSell,
            .price = 1'000'000 + (buys ? -distance : distance),
            .quantity = 10};
  }
  void Send(exchange::SessionCommands group, Pauses* pauses) {
    next_sequence_ += group.commands.size();
    Submit(std::move(group), pauses);
  }
  void Submit(exchange::Group group, Pauses* pauses) {
    std::string bytes = exchange::EncodeGroup(group);
    bool answered = false;
    const auto submit = [&] {
      replica_.Submit(std::move(bytes), host_.term, [&](const server::GroupReply& reply) {
        QB_CHECK(reply.refusal == nullptr);
        answered = true;
      });
      Settle();
    };
    pauses == nullptr ? submit() : pauses->Time(submit);
    QB_CHECK(answered);
  }
  void Settle() {
    while (host_.pump || host_.written.has_value()) {
      if (std::exchange(host_.pump, false)) replica_.Pump();
      if (!host_.written.has_value()) continue;
      const uint64_t sequence = *host_.written;
      host_.written.reset();
      replica_.OnPersisted(sequence);
    }
  }

  Random random_{1};
  Host host_;
  server::Replica replica_;
  std::vector<uint64_t> open_;  // client order ids
  uint64_t last_id_ = 0;
  uint64_t next_sequence_ = 1;
  size_t snapshot_bytes_ = 0;
};

int Run(uint64_t orders, int rounds, uint64_t log_mib) {
  Trading trading(orders, log_mib << 20);
  Pauses without, during, cuts, put_away;
  for (int made = 0; made < rounds;) {
    trading.Step(&without, &during, &cuts);
    if (trading.PutAway(&put_away)) ++made;
  }
  const auto open = static_cast<double>(trading.exchange().open_orders());
  std::printf(
      "open orders %.0f, snapshot %.1f bytes an order, made in %.2f s of processor time\n\n", open,
      static_cast<double>(trading.snapshot_bytes()) / open, trading.seconds());
  std::printf("%-28s %9s %9s %9s %9s\n", "ms on the replica's thread", "times", "median", "longest",
              "real");
  without.Print("a batch, no snapshot");
  during.Print("a batch, while one is made");
  cuts.Print("a batch that begins one");
  put_away.Print("putting it away");
  return 0;
}

}  // namespace
}  // namespace quorumbook::bench

int main(int argc, char** argv) {
  uint64_t orders = 1'000'000;
  int rounds = 3;
  uint64_t log_mib = 64;
  CLI::App app("Measures how long a snapshot holds up trading.");
  app.add_option("--orders", orders, "open orders")->check(CLI::Range(1'000, 10'000'000));
  app.add_option("--rounds", rounds, "snapshots")->check(CLI::Range(1, 100));
  app.add_option("--log", log_mib, "MiB of log after which there is one, as snapshot_log_bytes")
      ->check(CLI::Range(1, 1024));
  CLI11_PARSE(app, argc, argv);
  return quorumbook::bench::Run(orders, rounds, log_mib);
}
