#include "server/monitoring/order_gateway.h"

#include <algorithm>
#include <utility>

namespace quorumbook::server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kRetryPause{60};
constexpr std::chrono::milliseconds kAttemptTimeout{2'000};

// Whether another attempt, perhaps elsewhere, may go better.
bool IsPassing(const CallResult& result) {
  switch (result.status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return true;
    default:
      return false;
  }
}

// Whether the node said for sure that it did not execute the batch now. What gRPC itself says of a
// call that broke may come after that.
bool IsNotExecuted(const CallResult& result) {
  switch (result.detail.code()) {
    case v1::ErrorDetail::CODE_UNSPECIFIED:
    case v1::ErrorDetail::LEADERSHIP_LOST:
    case v1::ErrorDetail::SESSION_FORGOTTEN:  // it was, earlier
      return false;
    default:
      return true;
  }
}

}  // namespace

OrderGateway::SharedSession OrderGateway::Find(uint32_t shard, uint64_t account) {
  const auto found = sessions_.find({shard, account});
  if (found != sessions_.end()) return found->second;
  if (sessions_.size() >= kMaxHttpSessions) {
    const auto idle = std::find_if(sessions_.begin(), sessions_.end(),
                                   [](const auto& item) { return item.second->pending.empty(); });
    if (idle == sessions_.end()) return nullptr;
    sessions_.erase(idle);  // the exchange forgets it by itself
  }
  return sessions_[{shard, account}] = std::make_shared<Session>(shard, account, &io_);
}

void OrderGateway::Submit(uint32_t shard, uint64_t account, v1::Command command, Done done) {
  if (stopping_) return done(Outcome::kRefused, "this node is shutting down", {});
  const SharedSession session = Find(shard, account);
  if (session == nullptr || session->pending.size() >= kMaxHttpOrders) {
    return done(Outcome::kTooMany, "too many orders are under way over HTTP", {});
  }
  session->pending.push_back(
      {std::move(command), Clock::now() + kHttpOrderTimeout, false, std::move(done)});
  Next(session);
}

uint32_t OrderGateway::LeaderOf(const Session& session) const {
  if (session.hint != 0) return session.hint;
  const auto& replicas = shards_.all();
  const auto found = replicas.find(ShardId(session.shard));
  return found == replicas.end() ? 0 : static_cast<uint32_t>(found->second->leader().value());
}

void OrderGateway::Next(const SharedSession& session) {
  if (session->busy || session->pending.empty()) return;
  session->busy = true;
  // Nobody waits for it any more: it must not come to pass.
  if (!session->pending.front().sent && Clock::now() > session->pending.front().deadline) {
    return Finish(session, Outcome::kRefused, "those before it took too long", {});
  }
  const uint32_t leader = LeaderOf(*session);
  session->hint = 0;
  if (leader == 0) {
    Retry(session, {{grpc::StatusCode::UNAVAILABLE, "the shard has no leader"}, {}});
  } else if (session->id == 0) {
    Open(session, leader);
  } else {
    Send(session, leader);
  }
}

void OrderGateway::Open(const SharedSession& session, uint32_t leader) {
  v1::OpenSessionRequest request;
  request.set_shard(session->shard);
  request.set_account(session->account);
  clients_.OpenSession(
      leader, request, kAttemptTimeout,
      [this, session](const CallResult& result, const v1::OpenSessionResponse& response) {
        if (!result.ok()) return Retry(session, result);
        session->id = response.session();
        session->next_sequence = 1;
        session->busy = false;
        Next(session);
      });
}

void OrderGateway::Send(const SharedSession& session, uint32_t leader) {
  Pending& pending = session->pending.front();
  v1::CommandBatch batch;
  batch.set_shard(session->shard);
  batch.set_session(session->id);
  batch.set_first_sequence(session->next_sequence);
  batch.set_acknowledged(session->next_sequence - 1);
  *batch.add_commands() = pending.command;
  clients_.Submit(leader, batch, kAttemptTimeout,
                  [this, session](const CallResult& result, const v1::CommandBatchResult& answer) {
                    OnAnswer(session, result, answer);
                  });
}

void OrderGateway::OnAnswer(const SharedSession& session, const CallResult& result,
                            const v1::CommandBatchResult& answer) {
  Pending& pending = session->pending.front();
  if (result.ok() && answer.results_size() == 1) {
    ++session->next_sequence;
    return Finish(session, Outcome::kExecuted, "", answer.results(0));
  }
  if (!IsNotExecuted(result)) pending.sent = true;
  if (result.detail.code() == v1::ErrorDetail::SESSION_UNKNOWN && !pending.sent) {
    session->id = 0;  // it was not used for long; nothing was executed
    session->busy = false;
    return Next(session);
  }
  Retry(session, result);
}

void OrderGateway::Retry(const SharedSession& session, const CallResult& result) {
  const Pending& pending = session->pending.front();
  const bool late = Clock::now() + kRetryPause > pending.deadline;
  if (late || stopping_ || !IsPassing(result)) {
    const bool unknown = pending.sent;
    // Under the number of a command whose fate is not known nothing else may be sent.
    if (unknown) session->id = 0;
    return Finish(session, unknown ? Outcome::kUnknown : Outcome::kRefused,
                  result.status.error_message(), {});
  }
  session->hint = result.detail.leader_id();
  session->timer.expires_after(kRetryPause);
  session->timer.async_wait([this, session](boost::system::error_code error) {
    if (error) return;
    session->busy = false;
    Next(session);
  });
}

void OrderGateway::Finish(const SharedSession& session, Outcome outcome, const std::string& why,
                          const v1::CommandResult& result) {
  const Done done = std::move(session->pending.front().done);
  session->pending.pop_front();
  session->busy = false;
  done(outcome, why, result);
  Next(session);
}

}  // namespace quorumbook::server
