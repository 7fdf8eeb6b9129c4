// One connection of a benchmark: an order session, the orders it sends, and what it measured.
#pragma once

#include <absl/status/status.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "client/bench/latency_histogram.h"
#include "client/bench/order_flow.h"
#include "client/bench/outages.h"
#include "client/bench/ready_list.h"
#include "quorumbook/client.h"

namespace quorumbook::bench {

// Of the steady clock.
inline int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// What is measured: orders due in [start, end), answers that come in it. Set before it begins.
struct Window {
  std::atomic<int64_t> start_ns = std::numeric_limits<int64_t>::max();
  std::atomic<int64_t> end_ns = std::numeric_limits<int64_t>::max();
};

// Written by the thread that answers. Read it when everything is answered.
struct LoadTally {
  LatencyHistogram latency;  // of the orders due in the window
  uint64_t answered = 0;     // in the window
  uint64_t answered_in_all = 0;
  uint64_t rejects = 0;   // refused by the exchange, in the window
  uint64_t errors = 0;    // orders whose fate is not known
  uint64_t not_sent = 0;  // due in the window, and never sent
  absl::Status first_error;
  std::vector<Outage> outages;  // in the window
  int64_t longest_outage_ns = 0;
  int64_t last_answer_ns = 0;
  std::vector<uint32_t> by_second;  // answers in each second of the window, of the first day
};

// What the connections of a closed loop may still send.
class ClosedLoop {
 public:
  // From now on: until `until_ns`, and so many orders. Only adds, or what the flow brings.
  void Begin(int64_t until_ns, int64_t orders, bool only_adds) {
    left_ = orders;
    only_adds_ = only_adds;
    until_ns_ = until_ns;
  }
  void End() { until_ns_ = 0; }
  bool open(int64_t now_ns) const { return now_ns < until_ns_; }
  bool only_adds() const { return only_adds_; }
  int64_t left() const { return std::max<int64_t>(left_, 0); }
  // How many of `orders` may be sent.
  int64_t Take(int64_t orders) { return std::clamp<int64_t>(left_.fetch_sub(orders), 0, orders); }

 private:
  std::atomic<int64_t> until_ns_ = 0;
  std::atomic<int64_t> left_ = 0;
  std::atomic<bool> only_adds_ = false;
};

// In an open loop orders are sent by one thread; in a closed one by the thread that brings the
// answers, since waking another one up for each order would be measured along.
class LoadConnection {
 public:
  struct Limits {
    uint32_t orders = 1;  // in flight at most
    uint32_t group = 1;   // room for this many at a time makes it ready
  };
  // `client` may be null when the session has none to keep. REQUIRES: `window`, `loop` and `ready`
  // outlive it; the session takes limits.orders in flight without waiting.
  LoadConnection(uint32_t number, std::unique_ptr<Client> client,
                 std::unique_ptr<OrderSession> session, OrderFlow flow, const Limits& limits,
                 const Window* window, ClosedLoop* loop, ReadyList* ready);

  // Whether a group of orders can be sent without exceeding the limit.
  bool HasRoom() const { return sent_ - answered_ + limits_.group <= limits_.orders; }
  // Has itself added to the ready list as soon as there is room. False: there is already.
  bool WaitForRoom();
  // Sends the flow's next order. Latency counts from `due_ns`.
  void Send(int64_t due_ns) { Submit(flow_.Next(), due_ns); }
  // Sends all that the closed loop and the room allow; from then on each answer does. Adds itself
  // to the ready list when it finds that the loop's orders are sent.
  void Pump();
  // An order that was due and will not be sent: it has waited until now.
  void GiveUp(int64_t due_ns, int64_t now_ns);

  // The session is over, so that nothing will be sent any more.
  bool failed() const { return failed_; }
  const Limits& limits() const { return limits_; }
  uint64_t sent() const { return sent_; }
  uint64_t answered() const { return answered_; }
  OrderSession& session() { return *session_; }
  const LoadTally& tally() const { return tally_; }

 private:
  void Submit(v1::Command command, int64_t due_ns);
  void OnAnswer(const absl::StatusOr<v1::CommandResult>& result);
  void OnExecuted(const v1::CommandResult& result, int64_t now_ns);
  void OnGap(int64_t from_ns, int64_t to_ns);

  const uint32_t number_;
  const std::unique_ptr<Client> client_;
  OrderFlow flow_;
  const Limits limits_;
  const Window& window_;
  ClosedLoop& loop_;
  ReadyList& ready_;

  std::mutex pump_mutex_;

  std::vector<int64_t> due_ns_;  // of the orders in flight, a ring
  std::atomic<uint64_t> sent_ = 0;
  std::atomic<uint64_t> answered_ = 0;
  std::atomic<bool> wants_room_ = false;
  std::atomic<bool> failed_ = false;
  int64_t waiting_since_ns_ = 0;  // the last answer, or the sending after an idle time
  LoadTally tally_;

  // The last member, so that its threads end before the rest goes.
  const std::unique_ptr<OrderSession> session_;
};

}  // namespace quorumbook::bench
