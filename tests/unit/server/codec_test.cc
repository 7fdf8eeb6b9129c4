// The daemon's translations: public protocol and peer protocol, both ways.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <variant>

#include "server/order_codec.h"
#include "server/order_stream.h"
#include "server/peer_codec.h"

namespace quorumbook::server {
namespace {

using ::testing::HasSubstr;

v1::CommandBatch BatchWithOrder() {
  v1::CommandBatch batch;
  batch.set_shard(1);
  batch.set_session(7);
  batch.set_first_sequence(3);
  batch.set_acknowledged(2);
  v1::NewOrder* order = batch.add_commands()->mutable_new_order();
  order->set_symbol("AMZN");
  order->set_client_order_id(11);
  order->set_side(v1::SELL);
  order->set_type(v1::LIMIT);
  order->set_time_in_force(v1::FILL_OR_KILL);
  order->set_price(22395);
  order->set_quantity(100);
  return batch;
}

SymbolDirectory& Symbols() {
  static auto& symbols = *[] {
    auto* directory = new SymbolDirectory;
    directory->Add("AMZN", exchange::SymbolId(5));
    return directory;
  }();
  return symbols;
}

TEST(OrderCodec, TranslatesEveryCommand) {
  v1::CommandBatch batch = BatchWithOrder();
  v1::CancelOrder* cancel = batch.add_commands()->mutable_cancel_order();
  cancel->set_symbol("AMZN");
  cancel->set_client_order_id(12);
  v1::ReduceOrder* reduce = batch.add_commands()->mutable_reduce_order();
  reduce->set_symbol("AMZN");
  reduce->set_client_order_id(13);
  reduce->set_quantity(4);
  v1::ReplaceOrder* replace = batch.add_commands()->mutable_replace_order();
  replace->set_symbol("AMZN");
  replace->set_client_order_id(14);
  replace->set_price(8);
  replace->set_quantity(9);
  v1::AddSymbol* symbol = batch.add_commands()->mutable_add_symbol();
  symbol->set_name("MSFT");
  symbol->mutable_tick_size()->set_mantissa(1);
  symbol->mutable_tick_size()->set_exponent(-2);
  symbol->mutable_lot_size()->set_mantissa(10);

  const auto commands = FromProto(batch, Symbols());
  ASSERT_TRUE(commands.ok()) << commands.status();
  const exchange::SessionCommands expected{
      exchange::SessionId(7),
      3,
      2,
      {exchange::NewOrder{exchange::SymbolId(5), exchange::ClientOrderId(11), exchange::Side::kSell,
                          exchange::OrderType::kLimit, exchange::TimeInForce::kFillOrKill, 22395,
                          100},
       exchange::CancelOrder{exchange::SymbolId(5), exchange::ClientOrderId(12)},
       exchange::ReduceOrder{exchange::SymbolId(5), exchange::ClientOrderId(13), 4},
       exchange::ReplaceOrder{exchange::SymbolId(5), exchange::ClientOrderId(14), 8, 9},
       exchange::AddSymbol{"MSFT", {1, -2}, {10, 0}}}};
  EXPECT_EQ(*commands, expected);
}

TEST(OrderCodec, ASymbolThatIsNotThereIsLeftToTheExchange) {
  v1::CommandBatch batch = BatchWithOrder();
  batch.mutable_commands(0)->mutable_new_order()->set_symbol("NOPE");
  const auto commands = FromProto(batch, Symbols());
  ASSERT_TRUE(commands.ok());
  EXPECT_EQ(std::get<exchange::NewOrder>(commands->commands[0]).symbol, exchange::SymbolId());
}

TEST(OrderCodec, NamesTheMalformedCommand) {
  const auto error = [](const v1::CommandBatch& batch) {
    return std::string(FromProto(batch, Symbols()).status().message());
  };
  v1::CommandBatch batch = BatchWithOrder();
  batch.add_commands();
  EXPECT_THAT(error(batch), HasSubstr("commands[1]: holds no command"));
  batch = BatchWithOrder();
  batch.mutable_commands(0)->mutable_new_order()->set_side(v1::SIDE_UNSPECIFIED);
  EXPECT_THAT(error(batch), HasSubstr("commands[0]: side"));
  batch = BatchWithOrder();
  batch.mutable_commands(0)->mutable_new_order()->set_type(static_cast<v1::OrderType>(9));
  EXPECT_THAT(error(batch), HasSubstr("type"));
  batch = BatchWithOrder();
  batch.mutable_commands(0)->mutable_new_order()->set_time_in_force(
      static_cast<v1::TimeInForce>(4));
  EXPECT_THAT(error(batch), HasSubstr("time_in_force"));
  batch = BatchWithOrder();
  batch.mutable_commands(0)->mutable_add_symbol()->set_name("SEVENTEEN-LETTERS");
  EXPECT_THAT(error(batch), HasSubstr("longer than 16 bytes"));
  batch.mutable_commands(0)->mutable_add_symbol()->set_name("OK");
  batch.mutable_commands(0)->mutable_add_symbol()->mutable_tick_size()->set_exponent(200);
  EXPECT_THAT(error(batch), HasSubstr("exponent"));
  EXPECT_THAT(error(v1::CommandBatch()), HasSubstr("no commands"));
}

exchange::Event Trade() {
  exchange::Event event;
  event.sequence = 9;
  event.type = exchange::EventType::kTrade;
  event.account = exchange::AccountId(1);
  event.client_order_id = exchange::ClientOrderId(11);
  event.price = 100;
  event.quantity = 4;
  event.leaves = 6;
  event.executed = 4;
  event.maker_account = exchange::AccountId(2);
  event.maker_order_id = exchange::OrderId(50);
  event.maker_client_order_id = exchange::ClientOrderId(77);
  return event;
}

TEST(OrderCodec, ATradeHidesTheOtherAccountsOrderId) {
  exchange::Event event = Trade();
  v1::ExecutionReport report;
  ToProto(event, &report);
  EXPECT_EQ(report.exec_type(), v1::ExecutionReport::TRADE);
  EXPECT_EQ(report.order_status(), v1::PARTIALLY_FILLED);
  EXPECT_EQ(report.last_price(), 100);
  EXPECT_EQ(report.last_quantity(), 4);
  EXPECT_EQ(report.contra_order_id(), 50u);
  EXPECT_EQ(report.contra_client_order_id(), 0u);
  event.maker_account = event.account;
  event.leaves = 0;
  ToProto(event, &report);
  EXPECT_EQ(report.contra_client_order_id(), 77u);
  EXPECT_EQ(report.order_status(), v1::FILLED);
}

TEST(OrderCodec, StatusOfARefusedCancelIsNotTheOrders) {
  exchange::Event event;
  event.type = exchange::EventType::kCommandRejected;
  event.command = exchange::CommandKind::kCancelOrder;
  event.reason = exchange::Reason::kUnknownOrder;
  v1::ExecutionReport report;
  ToProto(event, &report);
  EXPECT_EQ(report.exec_type(), v1::ExecutionReport::REJECTED);
  EXPECT_EQ(report.order_status(), v1::ORDER_STATUS_UNSPECIFIED);
  EXPECT_EQ(report.reason(), v1::UNKNOWN_ORDER);
  event.command = exchange::CommandKind::kNewOrder;
  ToProto(event, &report);
  EXPECT_EQ(report.order_status(), v1::ORDER_REJECTED);
}

TEST(OrderStreamResults, SplitLargeAnswersWithoutLosingAny) {
  exchange::ApplyResult result;
  for (uint32_t i = 0; i < 10; ++i) {
    result.commands.push_back({100 + i, i * 5, 5, i == 0});
    for (int j = 0; j < 5; ++j) result.events.push_back(Trade());
  }
  const exchange::GroupResult group{exchange::SessionStatus::kOk, exchange::SessionId(1), 110, 0,
                                    10};
  const auto messages = MakeResults(result, group, 2'000);
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
  ASSERT_EQ(back.entries.size(), 2u);
  EXPECT_EQ(back.entries[1].index, Index(12));
  EXPECT_EQ(back.entries[1].chain, append.entries[1].chain);
  EXPECT_EQ(*back.entries[1].payload, std::string(3, '\0'));

  const auto answer =
      RoundTripBody(consensus::AppendEntriesResponse{true, Index(12), Index(6), Term(2), 77});
  EXPECT_TRUE(answer.accepted);
  EXPECT_EQ(answer.index, Index(12));
  EXPECT_EQ(answer.hint_index, Index(6));
  EXPECT_EQ(answer.hint_term, Term(2));
  EXPECT_EQ(answer.round, 77u);
}

TEST(PeerCodec, KeepsSnapshotChunks) {
  const consensus::SnapshotMeta meta{Index(5), Term(2), {.high = 3, .low = 4}};
  const auto chunk = RoundTripBody(consensus::InstallSnapshot{meta, 100, 40, 0xABCD, "data", 6});
  EXPECT_EQ(chunk.meta, meta);
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

TEST(PeerCodec, RefusesWhatIsNoMessage) {
  v1::PeerMessage empty;
  EXPECT_FALSE(FromProto(NodeId(1), NodeId(2), &empty).ok());
  v1::PeerMessage entry;
  entry.mutable_append_entries()->add_entries()->set_type(9);
  EXPECT_FALSE(FromProto(NodeId(1), NodeId(2), &entry).ok());
}

}  // namespace
}  // namespace quorumbook::server
