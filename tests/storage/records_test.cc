// The bytes of stored records: golden ones, and what decoding makes of damage.
#include "storage/records.h"

#include <absl/strings/escaping.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "common/bytes.h"
#include "tests/storage/store_fixtures.h"

namespace quorumbook::storage {
namespace {

using consensus::Entry;
using consensus::EntryType;
using consensus::HardState;
using consensus::Index;
using consensus::Term;

const Entry kEntry{.term = Term(0x0102),
                   .index = Index(5),
                   .type = EntryType::kCommand,
                   .chain = {.high = 3, .low = 4},
                   .payload = std::make_shared<const std::string>("pay")};

std::string Encoded(const Entry& entry) {
  std::string record;
  EncodeEntry(LogKey(ShardId(1), entry.index.value()), entry, &record);
  return record;
}

std::string Hex(const std::string& bytes) { return absl::BytesToHexString(bytes); }

TEST(StorageRecordsTest, KeysSortLikeTheirNumbers) {
  EXPECT_EQ(Hex(LogKey(ShardId(1), 0x0203)), "00000000000000010000000000000203");
  EXPECT_EQ(Hex(SnapshotKey(ShardId(1), 2, 3)), "0000000000000001000000000000000200000003");
  EXPECT_LT(LogKey(ShardId(1), 255), LogKey(ShardId(1), 256));
  EXPECT_LT(LogKey(ShardId(1), kNoUpperBound), LogKey(ShardId(2), 0));
  ParsedLogKey log;
  ASSERT_TRUE(ParseLogKey(LogKey(ShardId(77), 1 << 20), &log));
  EXPECT_EQ(log.shard, ShardId(77));
  EXPECT_EQ(log.index, 1U << 20);
  ParsedSnapshotKey snapshot;
  ASSERT_TRUE(ParseSnapshotKey(SnapshotKey(ShardId(77), 8, 9), &snapshot));
  EXPECT_EQ(snapshot.generation, 8U);
  EXPECT_EQ(snapshot.chunk, 9U);
  EXPECT_FALSE(ParseLogKey(ShardKey(ShardId(1)), &log));
  EXPECT_FALSE(ParseSnapshotKey(LogKey(ShardId(1), 1), &snapshot));
}

// The bytes of version 1: stores on disk hold them, so they may not change.
TEST(StorageRecordsTest, BytesAreAsDocumented) {
  EXPECT_EQ(Hex(Encoded(kEntry)),
            "de2b114866b4aa74"
            "01040000"
            "0201000000000000"
            "03000000000000000400000000000000"
            "02"
            "706179");
  EXPECT_EQ(Hex(EncodeHardState(ShardKey(ShardId(1)),
                                {.term = Term(9), .vote = NodeId(2), .commit = Index(7)})),
            "e40f2bea5bd4d37c"
            "01020000"
            "0900000000000000"
            "0200000000000000"
            "0700000000000000");
}

TEST(StorageRecordsTest, RoundTrips) {
  const std::string key = LogKey(ShardId(1), 5);
  absl::StatusOr<Entry> entry = DecodeEntry(Index(5), key, Encoded(kEntry));
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_EQ(entry->term, kEntry.term);
  EXPECT_EQ(entry->index, kEntry.index);
  EXPECT_EQ(entry->type, kEntry.type);
  EXPECT_EQ(entry->chain, kEntry.chain);
  EXPECT_EQ(*entry->payload, "pay");

  const SnapshotPointer pointer{
      .generation = 3,
      .meta = {.index = Index(4), .term = Term(5), .chain = {.high = 6, .low = 7}},
      .configuration = consensus::MakeConfiguration({NodeId(7)}, {NodeId(8)}),
      .total_bytes = 2 * kSnapshotChunkBytes + 1,
      .data_digest = {.high = 8, .low = 9}};
  EXPECT_EQ(pointer.chunks(), 3U);
  absl::StatusOr<SnapshotPointer> back =
      DecodeSnapshotPointer(key, EncodeSnapshotPointer(key, pointer));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->generation, pointer.generation);
  EXPECT_EQ(back->meta, pointer.meta);
  EXPECT_EQ(back->configuration, pointer.configuration);
  EXPECT_EQ(back->total_bytes, pointer.total_bytes);
  EXPECT_EQ(back->data_digest, pointer.data_digest);

  absl::StatusOr<StoreIdentity> identity = DecodeIdentity(key, EncodeIdentity(key, kTestIdentity));
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(*identity, kTestIdentity);
}

struct Decoder {
  const char* name;
  std::string record;
  std::function<absl::Status(std::string_view key, std::string_view record)> decode;
};

std::vector<Decoder> Decoders(const std::string& key) {
  return {
      {"identity", EncodeIdentity(key, kTestIdentity),
       [](auto k, auto r) { return DecodeIdentity(k, r).status(); }},
      {"hard state", EncodeHardState(key, {.term = Term(1), .vote = {}, .commit = {}}),
       [](auto k, auto r) { return DecodeHardState(k, r).status(); }},
      {"log start", EncodeLogStart(key, {.first = Index(4)}),
       [](auto k, auto r) { return DecodeLogStart(k, r).status(); }},
      {"entry", Encoded(kEntry),
       [](auto k, auto r) { return DecodeEntry(Index(5), k, r).status(); }},
      {"pointer", EncodeSnapshotPointer(key, {}),
       [](auto k, auto r) { return DecodeSnapshotPointer(k, r).status(); }},
      {"chunk", EncodeSnapshotChunk(key, "some data"),
       [](auto k, auto r) { return DecodeSnapshotChunk(k, r).status(); }},
  };
}

TEST(StorageRecordsTest, DamageNeverDecodes) {
  const std::string key = LogKey(ShardId(1), 5);
  for (const Decoder& decoder : Decoders(key)) {
    SCOPED_TRACE(decoder.name);
    ASSERT_TRUE(decoder.decode(key, decoder.record).ok());
    EXPECT_TRUE(absl::IsDataLoss(decoder.decode(LogKey(ShardId(1), 6), decoder.record)))
        << "found under another key";
    for (size_t size = 0; size < decoder.record.size(); ++size) {
      EXPECT_TRUE(absl::IsDataLoss(decoder.decode(key, decoder.record.substr(0, size)))) << size;
    }
    EXPECT_TRUE(absl::IsDataLoss(decoder.decode(key, decoder.record + '\0')));
    for (size_t bit = 0; bit < decoder.record.size() * 8; ++bit) {
      std::string damaged = decoder.record;
      damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
      EXPECT_TRUE(absl::IsDataLoss(decoder.decode(key, damaged))) << "bit " << bit;
    }
    for (uint64_t seed = 0; seed < 200; ++seed) {
      EXPECT_TRUE(absl::IsDataLoss(decoder.decode(key, PseudoRandomBytes(seed, seed)))) << seed;
    }
  }
}

// A record whose checksum is right and whose body is not: written by a bug, or by a forger.
std::string Sealed(const std::string& key, std::string rest) {
  std::string record;
  ByteWriter(&record).Put(Checksum64(rest, Checksum64(key)));
  return record + rest;
}

TEST(StorageRecordsTest, WellSealedNonsenseIsRefused) {
  const std::string key = LogKey(ShardId(1), 5);
  const std::string entry = Encoded(kEntry).substr(8);
  ASSERT_TRUE(DecodeEntry(Index(5), key, Sealed(key, entry)).ok());
  std::string other_version = entry;
  other_version[0] = 2;
  EXPECT_TRUE(absl::IsDataLoss(DecodeEntry(Index(5), key, Sealed(key, other_version)).status()));
  std::string other_kind = entry;
  other_kind[1] = 2;
  EXPECT_TRUE(absl::IsDataLoss(DecodeEntry(Index(5), key, Sealed(key, other_kind)).status()));
  std::string reserved = entry;
  reserved[2] = 1;
  EXPECT_TRUE(absl::IsDataLoss(DecodeEntry(Index(5), key, Sealed(key, reserved)).status()));
  std::string type = entry;
  type[28] = 9;
  EXPECT_TRUE(absl::IsDataLoss(DecodeEntry(Index(5), key, Sealed(key, type)).status()));
  EXPECT_TRUE(
      absl::IsDataLoss(DecodeEntry(Index(5), key, Sealed(key, entry.substr(0, 20))).status()));
  const std::string hard_state = EncodeHardState(key, {}).substr(8);
  EXPECT_TRUE(absl::IsDataLoss(DecodeHardState(key, Sealed(key, hard_state + "x")).status()));
}

TEST(StorageRecordsTest, AnotherFormatIsToldFromDamage) {
  const std::string key = "identity";
  std::string rest = EncodeIdentity(key, kTestIdentity).substr(8);
  for (const char version : {kFormatVersion + 1, kFormatVersion - 1}) {
    rest[4] = version;
    const absl::Status status =
        DecodeIdentity(key, Sealed(key, rest + "whatever it has more")).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  }
  rest[4] = 0;
  EXPECT_TRUE(absl::IsDataLoss(DecodeIdentity(key, Sealed(key, rest)).status()));
}

}  // namespace
}  // namespace quorumbook::storage
