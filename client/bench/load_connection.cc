#include "client/bench/load_connection.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace quorumbook::bench {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kDaySeconds = 86'400;

LoadConnection::LoadConnection(uint32_t number, std::unique_ptr<Client> client,
                               std::unique_ptr<OrderSession> session, OrderFlow flow,
                               const Limits& limits, const Window* window, ClosedLoop* loop,
                               ReadyList* ready)
    : number_(number),
      client_(std::move(client)),
      flow_(std::move(flow)),
      limits_(limits),
      window_(*window),
      loop_(*loop),
      ready_(*ready),
      due_ns_(std::bit_ceil(limits.orders)),
      session_(std::move(session)) {}

bool LoadConnection::WaitForRoom() {
  wants_room_ = true;
  // An answer between the caller's look and the line above did not see the wish.
  return !(HasRoom() && wants_room_.exchange(false));
}

void LoadConnection::Pump() {
  std::lock_guard lock(pump_mutex_);
  // One window full at most, so that the others get their turn.
  for (uint32_t room = limits_.orders; room >= limits_.group && !failed_ && HasRoom();
       room -= limits_.group) {
    const int64_t now_ns = NowNs();
    if (!loop_.open(now_ns)) return;
    const int64_t orders = loop_.Take(limits_.group);
    if (orders == 0) {
      ready_.Add(number_);
      return;
    }
    for (int64_t i = 0; i < orders; ++i) {
      Submit(loop_.only_adds() ? flow_.NextAdd() : flow_.Next(), now_ns);
    }
  }
}

void LoadConnection::Submit(v1::Command command, int64_t due_ns) {
  const uint64_t number = sent_;
  due_ns_[number & (due_ns_.size() - 1)] = due_ns;
  if (number == answered_) waiting_since_ns_ = NowNs();
  sent_ = number + 1;
  const absl::Status submitted = session_->Submit(
      std::move(command),
      [this](const absl::StatusOr<v1::CommandResult>& result) { OnAnswer(result); });
  if (submitted.ok()) return;
  // The session is over, or about to be; the callbacks of what it had taken tell why.
  sent_ = number;
  failed_ = true;
}

void LoadConnection::GiveUp(int64_t due_ns, int64_t now_ns) {
  if (due_ns < window_.start_ns) return;
  ++tally_.not_sent;
  tally_.latency.Record(now_ns - due_ns);
}

void LoadConnection::OnAnswer(const absl::StatusOr<v1::CommandResult>& result) {
  const int64_t now_ns = NowNs();
  if (result.ok()) {
    OnExecuted(*result, now_ns);
  } else {
    ++tally_.errors;
    tally_.first_error.Update(result.status());
    failed_ = true;
  }
  ++answered_;
  if (wants_room_ && (HasRoom() || failed_) && wants_room_.exchange(false)) ready_.Add(number_);
  if (HasRoom() && loop_.open(now_ns)) Pump();
}

void LoadConnection::OnExecuted(const v1::CommandResult& result, int64_t now_ns) {
  ++tally_.answered_in_all;
  const int64_t due_ns = due_ns_[answered_ & (due_ns_.size() - 1)];
  const int64_t start_ns = window_.start_ns;
  const int64_t end_ns = window_.end_ns;
  if (due_ns >= start_ns && due_ns < end_ns) tally_.latency.Record(now_ns - due_ns);
  OnGap(std::exchange(waiting_since_ns_, now_ns), now_ns);
  tally_.last_answer_ns = now_ns;
  if (now_ns < start_ns || now_ns >= end_ns) return;
  ++tally_.answered;
  for (const v1::ExecutionReport& report : result.reports()) {
    if (report.exec_type() == v1::ExecutionReport::REJECTED) ++tally_.rejects;
  }
  const int64_t second = std::min((now_ns - start_ns) / kSecondNs, kDaySeconds - 1);
  if (tally_.by_second.size() <= static_cast<size_t>(second)) {
    tally_.by_second.resize(static_cast<size_t>(second) + 1);
  }
  ++tally_.by_second[static_cast<size_t>(second)];
}

void LoadConnection::OnGap(int64_t from_ns, int64_t to_ns) {
  if (to_ns < window_.start_ns || from_ns >= window_.end_ns) return;
  tally_.longest_outage_ns = std::max(tally_.longest_outage_ns, to_ns - from_ns);
  if (to_ns - from_ns < kMinOutageNs || tally_.outages.size() == kMaxOutages) return;
  tally_.outages.push_back({from_ns, to_ns});
}

}  // namespace quorumbook::bench
