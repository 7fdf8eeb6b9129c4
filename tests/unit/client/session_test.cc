// Order sessions over a cluster that fails in every way it can: each command executed exactly once,
// in order, and answered in order.
#include <gtest/gtest.h>

#include <future>
#include <random>
#include <thread>

#include "quorumbook/client.h"
#include "tests/unit/client/fake_exchange_server.h"

namespace quorumbook::client {
namespace {

using std::chrono::milliseconds;
using Results = std::vector<absl::StatusOr<v1::CommandResult>>;

v1::Command NewOrder(uint64_t client_order_id) {
  v1::Command command;
  v1::NewOrder& order = *command.mutable_new_order();
  order.set_symbol("ABC");
  order.set_client_order_id(client_order_id);
  order.set_side(v1::BUY);
  order.set_type(v1::LIMIT);
  order.set_time_in_force(v1::GOOD_TILL_CANCEL);
  order.set_price(100);
  order.set_quantity(1);
  return command;
}

class SessionTest : public testing::Test {
 protected:
  // Nothing hangs, so nothing is given up, however slow the machine.
  void SetUp() override { Connect(std::chrono::seconds(20)); }

  void Connect(milliseconds attempt_timeout) {
    auto connected = Client::Connect({.endpoints = cluster_.endpoints(),
                                      .timeout = std::chrono::seconds(20),
                                      .attempt_timeout = attempt_timeout});
    ASSERT_TRUE(connected.ok()) << connected.status();
    client_ = *std::move(connected);
    v1::AddSymbol symbol;
    symbol.set_name("ABC");
    symbol.mutable_tick_size()->set_mantissa(1);
    symbol.mutable_lot_size()->set_mantissa(1);
    auto added = client_->AddSymbol(symbol);
    ASSERT_TRUE(added.ok()) << added.status();
  }

  std::unique_ptr<OrderSession> Open(const SessionOptions& options) {
    auto session = client_->OpenSession("ABC", 1, options);
    EXPECT_TRUE(session.ok()) << session.status();
    return session.ok() ? *std::move(session) : nullptr;
  }

  // Submits orders 1 to `count`; results in the order of the callbacks.
  static Results SubmitOrders(OrderSession& session, uint64_t count) {
    Results results;
    results.reserve(count);
    for (uint64_t id = 1; id <= count; ++id) {
      absl::Status status =
          session.Submit(NewOrder(id), [&](auto result) { results.push_back(std::move(result)); });
      EXPECT_TRUE(status.ok()) << status;
    }
    session.Drain().IgnoreError();
    return results;
  }

  // Each order was accepted once, in the order of submission, and answered in that order.
  void ExpectExactlyOnce(const Results& results, uint64_t count) {
    ASSERT_EQ(results.size(), count);
    for (uint64_t i = 0; i < count; ++i) {
      ASSERT_TRUE(results[i].ok()) << results[i].status();
      EXPECT_EQ(results[i]->sequence(), i + 1);
      ASSERT_EQ(results[i]->reports_size(), 1);
      EXPECT_EQ(results[i]->reports(0).exec_type(), v1::ExecutionReport::NEW);
      EXPECT_EQ(results[i]->reports(0).client_order_id(), i + 1);
      EXPECT_EQ(results[i]->reports(0).order_id(), i + 1);
    }
    // The symbol and one event an order: no more were executed.
    EXPECT_EQ(cluster_.Look([](const auto& exchange) { return exchange.last_sequence(); }),
              count + 1);
  }

  FakeCluster cluster_{3};
  std::unique_ptr<Client> client_;
};

TEST_F(SessionTest, AnswersInOrder) {
  auto session = Open({});
  ExpectExactlyOnce(SubmitOrders(*session, 5'000), 5'000);
  const SessionStats stats = session->stats();
  EXPECT_EQ(stats.submitted, 5'000u);
  EXPECT_EQ(stats.answered, 5'000u);
  EXPECT_EQ(stats.resent, 0u);
  EXPECT_EQ(stats.repeated, 0u);
  EXPECT_EQ(stats.reconnects, 0u);
}

TEST_F(SessionTest, ExecuteWaitsForTheReports) {
  auto session = Open({});
  auto result = session->Execute(NewOrder(7));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->reports(0).client_order_id(), 7u);
}

struct FaultCase {
  const char* name;
  Fault fault;
};
class FaultTest : public SessionTest, public testing::WithParamInterface<FaultCase> {
 protected:
  void SetUp() override { Connect(milliseconds(200)); }
};

TEST_P(FaultTest, ExactlyOnceFromTheFirstBatch) {
  cluster_.Plan(GetParam().fault);
  auto session = Open({.max_batch = 10});
  ExpectExactlyOnce(SubmitOrders(*session, 300), 300);
  EXPECT_TRUE(cluster_.AllPlansMet());
  EXPECT_GE(session->stats().resent, 1u);
  EXPECT_GE(session->stats().reconnects, 1u);
}

TEST_P(FaultTest, ExactlyOnceInTheMidst) {
  cluster_.Plan(GetParam().fault, 7);
  cluster_.Plan(GetParam().fault, 5);
  auto session = Open({.max_batch = 10});
  ExpectExactlyOnce(SubmitOrders(*session, 300), 300);
  EXPECT_TRUE(cluster_.AllPlansMet());
  EXPECT_GE(session->stats().reconnects, 2u);
}

INSTANTIATE_TEST_SUITE_P(
    Faults, FaultTest,
    testing::Values(FaultCase{"DropBeforeExecuting", Fault::kDropBeforeExecuting},
                    FaultCase{"DropAfterExecuting", Fault::kDropAfterExecuting},
                    FaultCase{"ReplyToHalf", Fault::kReplyToHalf},
                    FaultCase{"LeadershipLost", Fault::kLeadershipLost},
                    FaultCase{"Busy", Fault::kBusy}, FaultCase{"WindowFull", Fault::kWindowFull},
                    FaultCase{"Gap", Fault::kGap}, FaultCase{"Hang", Fault::kHang},
                    FaultCase{"HangAfterExecuting", Fault::kHangAfterExecuting},
                    FaultCase{"GarbageDetail", Fault::kGarbageDetail},
                    FaultCase{"MoveLeader", Fault::kMoveLeader}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(SessionTest, ExactlyOnceOverRandomFaults) {
  const Fault faults[] = {Fault::kDropBeforeExecuting,
                          Fault::kDropAfterExecuting,
                          Fault::kReplyToHalf,
                          Fault::kLeadershipLost,
                          Fault::kBusy,
                          Fault::kWindowFull,
                          Fault::kGap,
                          Fault::kMoveLeader,
                          Fault::kGarbageDetail};
  const uint64_t seed = 20120621;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 60; ++i) {
    cluster_.Plan(faults[random() % std::size(faults)], static_cast<int>(1 + random() % 8));
  }
  auto session = Open({.max_batch = 20, .max_in_flight = 300});
  ExpectExactlyOnce(SubmitOrders(*session, 20'000), 20'000);
  EXPECT_TRUE(cluster_.AllPlansMet());
}

TEST_F(SessionTest, CountsRepeatsAndOutage) {
  cluster_.Plan(Fault::kDropAfterExecuting, 2);
  auto session = Open({.max_batch = 1, .max_in_flight = 1});
  ExpectExactlyOnce(SubmitOrders(*session, 3), 3);
  const SessionStats stats = session->stats();
  EXPECT_EQ(stats.repeated, 1u);
  EXPECT_EQ(stats.resent, 1u);
  EXPECT_EQ(stats.reconnects, 3u);  // both followers name node 1, which is then asked again
  EXPECT_GT(stats.longest_outage.count(), 0);
}

TEST_F(SessionTest, AFollowerThatNamesTheLeaderIsFollowed) {
  auto session = Open({.max_batch = 10});
  ASSERT_TRUE(session->Execute(NewOrder(1)).ok());
  cluster_.SetLeader(3);
  ASSERT_TRUE(session->Execute(NewOrder(2)).ok());
  // Node 1 was asked again and named node 3; node 2 was never in question.
  EXPECT_EQ(cluster_.node(2).streams_opened(), 0);
}

TEST_F(SessionTest, FollowersThatNameADeadLeaderDoNoHarm) {
  auto session = Open({.max_batch = 10});
  ASSERT_TRUE(session->Execute(NewOrder(1)).ok());
  const std::string dead = cluster_.node(1).address();
  cluster_.node(1).Stop();
  cluster_.node(2).NameLeader(dead);
  cluster_.SetLeader(3);
  auto result = session->Execute(NewOrder(2));
  ASSERT_TRUE(result.ok()) << result.status();
}

TEST_F(SessionTest, ANodeThatComesBackOnItsPortIsFoundAgain) {
  auto session = Open({.max_batch = 10});
  for (uint64_t id = 1; id <= 3; ++id) {
    auto done = std::async(std::launch::async, [&] { return session->Execute(NewOrder(id)); });
    cluster_.node(1).Stop();
    cluster_.node(1).Start();
    auto result = done.get();
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->reports(0).order_id(), id);
  }
}

TEST_F(SessionTest, SubmitWaitsWhileTheWindowIsFull) {
  auto session = Open({.max_batch = 3, .max_in_flight = 4});
  for (uint64_t id = 1; id <= 2'000; ++id) {
    ASSERT_TRUE(session->Submit(NewOrder(id), [](auto) {}).ok());
    const SessionStats stats = session->stats();
    ASSERT_LE(stats.submitted - stats.answered, 4u);
  }
  EXPECT_TRUE(session->Drain().ok());
}

TEST_F(SessionTest, AFloodGoesInFullBatches) {
  auto session = Open({.max_batch = 50});
  ExpectExactlyOnce(SubmitOrders(*session, 5'000), 5'000);
  EXPECT_EQ(cluster_.largest_batch(), 50u);
}

// A chain of orders, each submitted by the callback of the one before.
class Chain {
 public:
  Chain(OrderSession& session, uint64_t length) : session_(session), length_(length) {}
  absl::Status SubmitNext() {
    return session_.Submit(NewOrder(++submitted_), [this](auto result) {
      results_.push_back(std::move(result));
      if (submitted_ == length_) return;
      const absl::Status status = SubmitNext();
      EXPECT_TRUE(status.ok()) << status;
    });
  }
  const Results& results() const { return results_; }

 private:
  OrderSession& session_;
  const uint64_t length_;
  uint64_t submitted_ = 0;
  Results results_;
};

TEST_F(SessionTest, ACallbackMaySubmit) {
  for (uint64_t i = 0; i < 20; ++i) cluster_.Plan(Fault::kDropAfterExecuting, 7);
  auto session = Open({.max_batch = 10, .max_in_flight = 2});
  Chain chain(*session, 500);
  ASSERT_TRUE(chain.SubmitNext().ok());
  EXPECT_TRUE(session->Drain().ok()) << "everything that callbacks submitted was answered as well";
  ExpectExactlyOnce(chain.results(), 500);
  EXPECT_TRUE(cluster_.AllPlansMet());
}

TEST_F(SessionTest, WhatCallbacksSubmitGoesOutTogether) {
  auto session = Open({.max_batch = 10});
  const auto submit_more = [&](const auto&) {
    for (uint64_t id = 2; id <= 41; ++id) {
      EXPECT_TRUE(session->Submit(NewOrder(id), [](const auto&) {}).ok());
    }
  };
  // A stream that was not answered yet would hold back everything else anyway.
  ASSERT_TRUE(session->Execute(NewOrder(100)).ok());
  const size_t before = cluster_.batches();
  ASSERT_TRUE(session->Submit(NewOrder(1), submit_more).ok());
  ASSERT_TRUE(session->Drain().ok());
  EXPECT_EQ(session->stats().answered, 42u);
  EXPECT_EQ(cluster_.batches() - before, 5u) << "one, and four that are full";
}

TEST_F(SessionTest, SubmitOfACallbackDoesNotWait) {
  auto session = Open({.max_in_flight = 1});
  absl::Status status;
  ASSERT_TRUE(session
                  ->Submit(NewOrder(1),
                           [&](const auto&) { status = session->Submit(NewOrder(2), [](auto) {}); })
                  .ok());
  ASSERT_TRUE(session->Drain().ok());
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_TRUE(session->Execute(NewOrder(2)).ok()) << "there is room again";
}

TEST_F(SessionTest, ManyThreadsMaySubmit) {
  auto session = Open({.max_batch = 10, .max_in_flight = 64});
  std::atomic<uint64_t> accepted = 0;
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 1; i <= 500; ++i) {
        EXPECT_TRUE(session
                        ->Submit(NewOrder(t * 1'000 + i),
                                 [&](auto result) {
                                   if (result.ok() && result->reports_size() == 1) ++accepted;
                                 })
                        .ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(session->Drain().ok());
  EXPECT_EQ(accepted, 2'000u);
  EXPECT_EQ(cluster_.Look([](const auto& exchange) { return exchange.open_orders(); }), 2'000u);
}

TEST_F(SessionTest, DeadlineSaysWhatStoodInTheWay) {
  auto session = Open({.timeout = std::chrono::seconds(1)});
  cluster_.SetLeader(0);
  cluster_.node(3).Stop();
  auto result = session->Execute(NewOrder(1));
  ASSERT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded) << result.status();
  const std::string message(result.status().message());
  EXPECT_NE(message.find("command 1 of session"), std::string::npos) << message;
  EXPECT_NE(message.find(cluster_.node(1).address() + ": not the leader, and knows none"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find(cluster_.node(3).address()), std::string::npos) << message;
  // The session is over.
  EXPECT_EQ(session->Submit(NewOrder(2), [](auto) { ADD_FAILURE(); }).code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(SessionTest, DeadlineOfAHangingLeader) {
  Connect(milliseconds(200));
  for (int i = 0; i < 100; ++i) cluster_.Plan(Fault::kHang);
  auto session = Open({.timeout = std::chrono::seconds(1)});
  auto result = session->Execute(NewOrder(1));
  ASSERT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded) << result.status();
  EXPECT_NE(
      std::string(result.status().message()).find(cluster_.node(1).address() + ": did not answer"),
      std::string::npos)
      << result.status();
}

struct EndCase {
  const char* name;
  Fault fault;
  absl::StatusCode code;
};
class SessionEndTest : public SessionTest, public testing::WithParamInterface<EndCase> {};

TEST_P(SessionEndTest, EveryCommandFromThereOnGetsTheError) {
  cluster_.Plan(GetParam().fault, 3);
  auto session = Open({.max_batch = 1, .max_in_flight = 10});
  Results results;
  uint64_t submitted = 0;
  for (uint64_t id = 1; id <= 100; ++id) {
    absl::Status status =
        session->Submit(NewOrder(id), [&](auto result) { results.push_back(std::move(result)); });
    if (!status.ok()) {
      EXPECT_EQ(status.code(), GetParam().code) << status;
      break;
    }
    ++submitted;
  }
  EXPECT_EQ(session->Drain().code(), GetParam().code);
  ASSERT_EQ(results.size(), submitted);
  ASSERT_GE(submitted, 3u);
  for (uint64_t i = 0; i < submitted; ++i) {
    if (i < 2) {
      EXPECT_TRUE(results[i].ok()) << results[i].status();
    } else {
      EXPECT_EQ(results[i].status().code(), GetParam().code) << results[i].status();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Ends, SessionEndTest,
    testing::Values(EndCase{"SessionUnknown", Fault::kSessionUnknown,
                            absl::StatusCode::kFailedPrecondition},
                    EndCase{"LostState", Fault::kLostState, absl::StatusCode::kFailedPrecondition},
                    EndCase{"WrongSequence", Fault::kWrongSequence, absl::StatusCode::kInternal},
                    EndCase{"TooManyResults", Fault::kTooManyResults, absl::StatusCode::kInternal}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(SessionTest, DestructionAnswersWhatIsLeft) {
  cluster_.Plan(Fault::kHang);
  auto session = Open({});
  std::vector<absl::StatusCode> codes;
  for (uint64_t id = 1; id <= 3; ++id) {
    ASSERT_TRUE(
        session->Submit(NewOrder(id), [&](auto result) { codes.push_back(result.status().code()); })
            .ok());
  }
  session.reset();
  EXPECT_EQ(codes, std::vector<absl::StatusCode>(3, absl::StatusCode::kCancelled));
}

TEST_F(SessionTest, DestructionClosesTheSession) {
  const auto sessions = [&] {
    return cluster_.Look([](const auto& exchange) { return exchange.sessions(); });
  };
  EXPECT_EQ(sessions(), 0u);  // that of AddSymbol is closed
  auto session = Open({});
  ASSERT_TRUE(session->Execute(NewOrder(1)).ok());
  EXPECT_EQ(sessions(), 1u);
  session.reset();
  EXPECT_EQ(sessions(), 0u);
}

TEST_F(SessionTest, AcknowledgesWhatItHas) {
  // The exchange keeps at most 16,384 results: without acknowledgement it would refuse here.
  auto session = Open({.max_in_flight = 1'000});
  ExpectExactlyOnce(SubmitOrders(*session, 40'000), 40'000);
  EXPECT_EQ(session->stats().reconnects, 0u);
}

TEST_F(SessionTest, RefusesWhatNoExchangeUnderstands) {
  auto session = Open({});
  const auto refused = [&](v1::Command command, const char* field) {
    absl::Status status =
        session->Submit(std::move(command), [](auto) { FAIL() << "was sent all the same"; });
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(std::string(status.message()).find(field), std::string::npos) << status;
  };
  refused(v1::Command(), "kind");
  v1::Command command = NewOrder(1);
  command.mutable_new_order()->clear_side();
  refused(command, "side");
  command = NewOrder(1);
  command.mutable_new_order()->clear_type();
  refused(command, "type");
  command = NewOrder(1);
  command.mutable_new_order()->clear_time_in_force();
  refused(command, "time_in_force");
  command = NewOrder(1);
  command.mutable_new_order()->set_symbol("A-NAME-BEYOND-16-BYTES");
  refused(command, "symbol");
  command.Clear();
  command.mutable_add_symbol()->set_name("A-NAME-BEYOND-16-BYTES");
  refused(command, "name");
  command.mutable_add_symbol()->set_name("A");
  command.mutable_add_symbol()->mutable_tick_size()->set_exponent(1'000);
  refused(command, "tick_size");
  EXPECT_EQ(session->Submit(NewOrder(1), nullptr).code(), absl::StatusCode::kInvalidArgument);
  ExpectExactlyOnce(SubmitOrders(*session, 3), 3);
}

TEST_F(SessionTest, OptionsAreBounded) {
  for (const SessionOptions& options :
       {SessionOptions{.max_batch = 0}, SessionOptions{.max_batch = 1'001},
        SessionOptions{.max_in_flight = 0}, SessionOptions{.max_in_flight = 16'385}}) {
    EXPECT_EQ(client_->OpenSession("ABC", 1, options).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(client_->OpenSession("ABC", 0).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SessionTest, ASessionThatCancelsOnDisconnectKeepsAStreamOpen) {
  auto session = Open({.cancel_on_disconnect = true});
  const auto announced = [&](int times) {
    while (cluster_.announced() < times) std::this_thread::yield();
  };
  announced(1);  // without a command
  for (const auto& result : SubmitOrders(*session, 1)) EXPECT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(cluster_.Look(
                [](const auto& exchange) { return exchange.CancelOnDisconnectSessions().size(); }),
            1u);
  // The node of its stream fails: it finds the new leader though it has nothing to send.
  cluster_.SetLeader(2);
  cluster_.node(1).Stop();
  announced(2);
  const Results results = SubmitOrders(*session, 3);
  for (const auto& result : results) EXPECT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(cluster_.announced(), 2);
}

TEST_F(SessionTest, OtherSessionsDoNotAnnounceThemselves) {
  auto session = Open({});
  SubmitOrders(*session, 3);
  EXPECT_EQ(cluster_.announced(), 0);
}

}  // namespace
}  // namespace quorumbook::client
