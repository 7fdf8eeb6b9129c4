#include "server/replica/proposal_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "exchange/command.h"

namespace quorumbook::server {
namespace {

using consensus::Index;
using consensus::Term;
using ::testing::ElementsAre;

std::string NameOf(RefusalCode code) {
  if (code == RefusalCode::kNotLeader) return "NOT_LEADER";
  if (code == RefusalCode::kLeadershipLost) return "LEADERSHIP_LOST";
  if (code == RefusalCode::kMalformed) return "MALFORMED";
  return "another code";
}

// A group whose answer is noted as "NAME ok" or "NAME CODE".
WaitingGroup Group(const std::string& name, uint64_t account, std::vector<std::string>* answers) {
  return {exchange::EncodeGroup(exchange::OpenSession{exchange::AccountId(account)}),
          [name, answers](const GroupReply& reply) {
            answers->push_back(name + " " +
                               (reply.refusal == nullptr
                                    ? "session " + std::to_string(reply.group->session.value())
                                    : NameOf(reply.refusal->code)));
          }};
}

exchange::ApplyResult ResultOf(size_t groups) {
  exchange::ApplyResult result;
  for (size_t i = 0; i < groups; ++i) {
    exchange::GroupResult group;
    group.session = exchange::SessionId(i + 1);
    result.groups.push_back(group);
  }
  return result;
}

TEST(ProposalQueue, PacksInOrderWithinItsBoundAndOneAtLeast) {
  std::vector<std::string> answers;
  ReplicaCounters counters;
  ProposalQueue queue(&counters);
  for (uint64_t i = 1; i <= 3; ++i) queue.Add(Group("g", i, &answers));
  const uint64_t one = queue.waiting_bytes() / 3;
  EXPECT_EQ(queue.Pack(0, 1).groups, 1u) << "however large";
  const ProposalQueue::Packed two = queue.Pack(55, 2 * one);
  EXPECT_EQ(two.groups, 2u);
  const auto batch = exchange::DecodeBatch(*two.payload);
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_EQ(batch->time, 55);
  EXPECT_EQ(std::get<exchange::OpenSession>(batch->groups[1]).account, exchange::AccountId(2));
  EXPECT_EQ(queue.waiting_bytes(), 3 * one) << "still waiting until proposed";
  queue.Proposed(two.groups, Index(1), Term(1), consensus::Instant());
  EXPECT_EQ(queue.waiting_bytes(), one);
  EXPECT_EQ(queue.unanswered_bytes(), 3 * one);
  EXPECT_THAT(answers, ElementsAre());
}

TEST(ProposalQueue, CountsThoseThatItRefusesWhileTheyWait) {
  std::vector<std::string> answers;
  ReplicaCounters counters;
  ProposalQueue queue(&counters);
  queue.Add(Group("a", 1, &answers));
  queue.Add(Group("b", 1, &answers));
  queue.FailWaiting({RefusalCode::kNotLeader, "", NodeId()});
  EXPECT_THAT(answers, ElementsAre("a NOT_LEADER", "b NOT_LEADER"));
  EXPECT_EQ(counters.refused[static_cast<size_t>(RefusalCode::kNotLeader)], 2u);
  EXPECT_EQ(counters.failed, 0u) << "they were not proposed";
}

TEST(ProposalQueue, AnswersGroupsOfTheEntryThatWasApplied) {
  std::vector<std::string> answers;
  ReplicaCounters counters;
  ProposalQueue queue(&counters);
  queue.Add(Group("a", 1, &answers));
  queue.Add(Group("b", 1, &answers));
  queue.Add(Group("c", 1, &answers));
  queue.Proposed(2, Index(4), Term(2), consensus::Instant());
  queue.Proposed(1, Index(5), Term(2), consensus::Instant());
  queue.Applied(Index(3), Term(2), ResultOf(1), consensus::Instant());  // somebody else's
  EXPECT_THAT(answers, ElementsAre());
  queue.Applied(Index(4), Term(2), ResultOf(2), consensus::Instant());
  EXPECT_THAT(answers, ElementsAre("a session 1", "b session 2"));
  EXPECT_TRUE(queue.HasProposed());
  queue.Applied(Index(5), Term(2), ResultOf(1), consensus::Instant());
  EXPECT_EQ(answers.back(), "c session 1");
  EXPECT_FALSE(queue.HasProposed());
}

TEST(ProposalQueue, AnotherTermsEntryInItsPlaceIsNoAnswer) {
  std::vector<std::string> answers;
  ReplicaCounters counters;
  ProposalQueue queue(&counters);
  queue.Add(Group("a", 1, &answers));
  queue.Proposed(1, Index(4), Term(2), consensus::Instant());
  queue.Applied(Index(4), Term(3), ResultOf(1), consensus::Instant());
  EXPECT_THAT(answers, ElementsAre("a LEADERSHIP_LOST"));
}

TEST(ProposalQueue, FailuresAnswerEachGroupOnce) {
  std::vector<std::string> answers;
  ReplicaCounters counters;
  ProposalQueue queue(&counters);
  queue.Add(Group("a", 1, &answers));
  queue.Proposed(1, Index(4), Term(2), consensus::Instant());
  queue.Add(Group("b", 1, &answers));
  queue.FailWaiting({RefusalCode::kNotLeader, "", NodeId()});
  EXPECT_THAT(answers, ElementsAre("b NOT_LEADER"));
  EXPECT_EQ(queue.waiting_bytes(), 0u);
  queue.FailProposed({RefusalCode::kLeadershipLost, "", NodeId()});
  queue.Applied(Index(4), Term(2), ResultOf(1), consensus::Instant());
  EXPECT_THAT(answers, ElementsAre("b NOT_LEADER", "a LEADERSHIP_LOST"));
}

TEST(ProposalQueue, ABatchThatWasRefusedWholeIsAnswered) {
  std::vector<std::string> answers;
  ReplicaCounters counters;
  ProposalQueue queue(&counters);
  queue.Add(Group("a", 1, &answers));
  queue.Proposed(1, Index(4), Term(2), consensus::Instant());
  queue.Applied(Index(4), Term(2), exchange::ApplyResult(), consensus::Instant());
  EXPECT_THAT(answers, ElementsAre("a MALFORMED"));
}

}  // namespace
}  // namespace quorumbook::server
