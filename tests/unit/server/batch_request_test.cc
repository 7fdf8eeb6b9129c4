// Which batches are not even tried.
#include "server/batch_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/order_codec.h"

namespace quorumbook::server {
namespace {

using ::testing::HasSubstr;

class ReadBatchTest : public testing::Test {
 protected:
  ReadBatchTest() {
    config_.shards = {ShardId(1), ShardId(2)};
    config_.default_shard = ShardId(1);
    config_.symbol_shards["MSFT"] = ShardId(2);
  }
  static v1::CommandBatch Adding(uint32_t shard, const std::string& symbol) {
    v1::CommandBatch batch;
    batch.set_shard(shard);
    batch.add_commands()->mutable_cancel_order()->set_symbol("ANY");
    batch.add_commands()->mutable_add_symbol()->set_name(symbol);
    return batch;
  }

  Config config_;
  NameDirectory names_;
  std::string group_;
};

TEST_F(ReadBatchTest, ASymbolIsAddedWhereClientsLookForIt) {
  for (const auto& [shard, symbol] : {std::pair(1u, "AMZN"), std::pair(2u, "MSFT")}) {
    group_.clear();
    EXPECT_EQ(ReadBatch(config_, names_, Adding(shard, symbol), &group_).code, RefusalCode::kNone);
    EXPECT_NE(group_, "");
    const Refusal refusal = ReadBatch(config_, names_, Adding(3 - shard, symbol), &group_);
    EXPECT_EQ(refusal.code, RefusalCode::kMalformed);
    EXPECT_THAT(refusal.message, HasSubstr("commands[1]: symbol '" + std::string(symbol) +
                                           "' lives on shard " + std::to_string(shard)));
  }
}

TEST_F(ReadBatchTest, WhatIsTooLargeOrMalformedIsNotTried) {
  v1::CommandBatch batch = Adding(1, "AMZN");
  batch.mutable_commands(1)->mutable_add_symbol()->set_name(std::string(17, 'x'));
  EXPECT_EQ(ReadBatch(config_, names_, batch, &group_).code, RefusalCode::kMalformed);
  for (int i = 2; i <= kMaxBatchCommands; ++i) *batch.add_commands() = batch.commands(0);
  EXPECT_EQ(ReadBatch(config_, names_, batch, &group_).code, RefusalCode::kBatchTooLarge);
  EXPECT_EQ(group_, "");
}

}  // namespace
}  // namespace quorumbook::server
