// An order session on a market in this process.
#pragma once

#include <deque>
#include <functional>
#include <utility>

#include "quorumbook/order_session.h"
#include "quorumbook/v1/exchange.pb.h"

namespace quorumbook::replay {

// Executes at once and answers late: only when `answer_after` commands wait for their answer, or in
// Drain. Whoever plans by looking at answers would go wrong here.
class LocalSession : public OrderSession {
 public:
  using Execution = std::function<v1::CommandResult(const v1::Command&)>;

  explicit LocalSession(Execution execute, size_t answer_after = 1'000)
      : execute_(std::move(execute)), answer_after_(answer_after) {}

  // From the n-th command on (from 1) nothing is sent any more.
  void FailSubmitFrom(uint64_t n) { fail_submit_from_ = n; }
  // From the n-th command on the answer is that the fate is not known.
  void FailAnswersFrom(uint64_t n) { fail_answers_from_ = n; }

  absl::Status Submit(v1::Command command, Callback callback) override {
    if (stats_.submitted + 1 >= fail_submit_from_) {
      return absl::FailedPreconditionError("the session is over");
    }
    ++stats_.submitted;
    if (stats_.submitted >= fail_answers_from_) {
      waiting_.emplace_back(std::move(callback), absl::DeadlineExceededError("no answer"));
    } else {
      v1::CommandResult result = execute_(command);
      result.set_sequence(stats_.submitted);
      waiting_.emplace_back(std::move(callback), std::move(result));
    }
    if (waiting_.size() >= answer_after_) AnswerAll();
    return absl::OkStatus();
  }
  absl::StatusOr<v1::CommandResult> Execute(v1::Command command) override {
    return execute_(command);
  }
  absl::Status Drain() override {
    AnswerAll();
    return first_error_;
  }
  uint64_t id() const override { return 1; }
  uint32_t shard() const override { return 1; }
  uint64_t account() const override { return 1; }
  SessionStats stats() const override { return stats_; }

 private:
  void AnswerAll() {
    while (!waiting_.empty()) {
      auto [callback, result] = std::move(waiting_.front());
      waiting_.pop_front();
      ++stats_.answered;
      if (first_error_.ok()) first_error_ = result.status();
      callback(std::move(result));
    }
  }

  const Execution execute_;
  const size_t answer_after_;
  uint64_t fail_submit_from_ = UINT64_MAX;
  uint64_t fail_answers_from_ = UINT64_MAX;
  std::deque<std::pair<Callback, absl::StatusOr<v1::CommandResult>>> waiting_;
  absl::Status first_error_;
  SessionStats stats_;
};

}  // namespace quorumbook::replay
