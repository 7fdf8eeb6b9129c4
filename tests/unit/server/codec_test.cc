// The daemon's translations: answers on streams, and the peer protocol both ways.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <variant>

#include "server/order_stream.h"
#include "server/peer_codec.h"

namespace quorumbook::server {
namespace {

exchange::Event Trade() {
  exchange::Event event;
  event.type = exchange::EventType::kTrade;
  event.leaves = 6;
  event.executed = 4;
  return event;
}

TEST(OrderStreamResults, SplitLargeAnswersWithoutLosingAny) {
  exchange::ApplyResult result;
  for (uint32_t i = 0; i < 10; ++i) {
    result.commands.push_back({100 + i, i * 5, 5, i == 0});
    for (int j = 0; j < 5; ++j) result.events.push_back(Trade());
  }
  const exchange::GroupResult group{exchange::SessionStatus::kOk, exchange::SessionId(1), 110, 0,
                                    10};
  SpareResults spare;
  const auto messages = MakeResults(result, group, 2'000, &spare);
  EXPECT_GT(messages.size(), 1u);
  uint64_t next = 100;
  for (const v1::CommandBatchResult& message : messages) {
    EXPECT_EQ(message.first_sequence(), next);
    for (const v1::CommandResult& command : message.results()) {
      EXPECT_EQ(command.sequence(), next);
      EXPECT_EQ(command.repeated(), next == 100);
      EXPECT_EQ(command.reports_size(), 5);
      ++next;
    }
  }
  EXPECT_EQ(next, 110u);
}

TEST(OrderStreamResults, MessagesThatAreFilledAgainHoldNothingOfBefore) {
  exchange::Event open;
  open.type = exchange::EventType::kOrderAccepted;
  exchange::ApplyResult before;
  exchange::ApplyResult after;
  before.commands.push_back({1, 0, 2, true});
  before.events = {Trade(), Trade()};
  after.commands.push_back({2, 0, 1, false});
  after.events = {open};
  const exchange::GroupResult group{exchange::SessionStatus::kOk, exchange::SessionId(1), 3, 0, 1};
  SpareResults none;
  const std::string fresh = MakeResults(after, group, 2'000, &none).front().SerializeAsString();
  SpareResults spare;
  spare.Give(std::move(MakeResults(before, group, 2'000, &spare).front()));
  EXPECT_EQ(MakeResults(after, group, 2'000, &spare).front().SerializeAsString(), fresh);
}

// Peer messages.

using consensus::Index;
using consensus::Term;

consensus::Message RoundTrip(const consensus::Message& message) {
  v1::PeerMessage proto;
  ToProto(ShardId(3), message, &proto);
  EXPECT_EQ(proto.shard(), 3u);
  v1::PeerMessage parsed;
  EXPECT_TRUE(parsed.ParseFromString(proto.SerializeAsString()));
  auto back = FromProto(message.from, message.to, &parsed);
  EXPECT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->term, message.term);
  EXPECT_EQ(back->from, message.from);
  EXPECT_EQ(back->to, message.to);
  EXPECT_EQ(back->body.index(), message.body.index());
  return *back;
}

template <typename Body>
Body RoundTripBody(Body body) {
  return std::get<Body>(RoundTrip({NodeId(1), NodeId(2), Term(9), std::move(body)}).body);
}

TEST(PeerCodec, KeepsEveryFieldOfVotes) {
  const auto vote = RoundTripBody(consensus::RequestVote{Index(5), Term(4), true, true});
  EXPECT_EQ(vote.last_log_index, Index(5));
  EXPECT_EQ(vote.last_log_term, Term(4));
  EXPECT_TRUE(vote.pre_vote);
  EXPECT_TRUE(vote.leadership_transfer);
  const auto response = RoundTripBody(consensus::RequestVoteResponse{true, true});
  EXPECT_TRUE(response.pre_vote);
  EXPECT_TRUE(response.granted);
  RoundTripBody(consensus::TimeoutNow{});
}

TEST(PeerCodec, KeepsEntriesAndNumbersThem) {
  consensus::AppendEntries append;
  append.prev_index = Index(10);
  append.prev_term = Term(2);
  append.prev_chain = {.high = 1, .low = 2};
  append.commit = Index(8);
  append.round = 77;
  append.quiesce = true;
  for (uint64_t i = 11; i <= 12; ++i) {
    append.entries.push_back({Term(3), Index(i), consensus::EntryType::kCommand,
                              Digest{.high = i, .low = 0},
                              std::make_shared<const std::string>(std::string(3, '\0'))});
  }
  const auto back = RoundTripBody(append);
  EXPECT_EQ(back.prev_index, Index(10));
  EXPECT_EQ(back.prev_term, Term(2));
  EXPECT_EQ(back.prev_chain, append.prev_chain);
  EXPECT_EQ(back.commit, Index(8));
  EXPECT_EQ(back.round, 77u);
  EXPECT_TRUE(back.quiesce);
  ASSERT_EQ(back.entries.size(), 2u);
  EXPECT_EQ(back.entries[1].index, Index(12));
  EXPECT_EQ(back.entries[1].chain, append.entries[1].chain);
  EXPECT_EQ(*back.entries[1].payload, std::string(3, '\0'));

  const auto answer = RoundTripBody(consensus::AppendEntriesResponse{
      true, Index(12), Index(6), Term(2), 77, false, 4, Digest{.high = 5, .low = 6}, true});
  EXPECT_TRUE(answer.accepted);
  EXPECT_EQ(answer.index, Index(12));
  EXPECT_EQ(answer.hint_index, Index(6));
  EXPECT_EQ(answer.hint_term, Term(2));
  EXPECT_EQ(answer.round, 77u);
  EXPECT_FALSE(answer.clock_trusted);
  EXPECT_EQ(answer.priority, 4u);
  EXPECT_EQ(answer.chain, (Digest{.high = 5, .low = 6}));
  EXPECT_TRUE(answer.corrupt);
}

TEST(PeerCodec, KeepsSnapshotChunks) {
  const consensus::SnapshotMeta meta{Index(5), Term(2), {.high = 3, .low = 4}};
  const consensus::Configuration members =
      consensus::MakeConfiguration({NodeId(1), NodeId(2)}, {NodeId(3)});
  const Digest digest{.high = 7, .low = 8};
  const auto chunk =
      RoundTripBody(consensus::InstallSnapshot{meta, members, digest, 100, 40, 0xABCD, "data", 6});
  EXPECT_EQ(chunk.meta, meta);
  EXPECT_EQ(chunk.configuration, members);
  EXPECT_EQ(chunk.data_digest, digest);
  EXPECT_EQ(chunk.total_bytes, 100u);
  EXPECT_EQ(chunk.offset, 40u);
  EXPECT_EQ(chunk.checksum, 0xABCDu);
  EXPECT_EQ(chunk.data, "data");
  EXPECT_EQ(chunk.round, 6u);
  const auto answer = RoundTripBody(consensus::InstallSnapshotResponse{meta, 44, true, 6});
  EXPECT_EQ(answer.meta, meta);
  EXPECT_EQ(answer.next_offset, 44u);
  EXPECT_TRUE(answer.installed);
}

TEST(PeerCodec, KeepsStateDigests) {
  const auto back = RoundTripBody(
      consensus::StateDigest{Index(9), {.high = 1, .low = 2}, {.high = 3, .low = 4}, 5});
  EXPECT_EQ(back.index, Index(9));
  EXPECT_EQ(back.digest, (Digest{.high = 1, .low = 2}));
  EXPECT_EQ(back.chain, (Digest{.high = 3, .low = 4}));
  EXPECT_EQ(back.format, 5u);
}

TEST(PeerCodec, RefusesWhatIsNoMessage) {
  v1::PeerMessage empty;
  EXPECT_FALSE(FromProto(NodeId(1), NodeId(2), &empty).ok());
  v1::PeerMessage entry;
  entry.mutable_append_entries()->add_entries()->set_type(9);
  EXPECT_FALSE(FromProto(NodeId(1), NodeId(2), &entry).ok());
}

}  // namespace
}  // namespace quorumbook::server
