#include "client/replay/line_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/client/replay/recordings.h"

namespace quorumbook::replay {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Compress(const std::string& text) {
  std::string out(text.size() + 1'000, '\0');
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);  // 16: gzip
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

class LineReaderTest : public ::testing::Test {
 protected:
  // The lines, and how reading ended.
  std::pair<std::vector<std::string>, absl::Status> Read(const std::string& contents) {
    auto reader = LineReader::Open(directory_.Write("file", contents));
    EXPECT_TRUE(reader.ok()) << reader.status();
    std::vector<std::string> lines;
    for (;;) {
      auto line = (*reader)->Next();
      if (!line.ok()) return {lines, line.status()};
      if (!line->has_value()) return {lines, absl::OkStatus()};
      lines.emplace_back(**line);
      EXPECT_EQ((*reader)->line(), static_cast<int64_t>(lines.size()));
    }
  }

  TemporaryDirectory directory_;
};

TEST_F(LineReaderTest, ReadsLinesWithEitherEnd) {
  auto [lines, end] = Read("one\ntwo\r\n\nfour\n");
  EXPECT_TRUE(end.ok()) << end;
  EXPECT_THAT(lines, ElementsAre("one", "two", "", "four"));
}

TEST_F(LineReaderTest, AnEmptyFileHasNoLines) {
  auto [lines, end] = Read("");
  EXPECT_TRUE(end.ok()) << end;
  EXPECT_THAT(lines, IsEmpty());
}

TEST_F(LineReaderTest, ReadsCompressedFiles) {
  auto [lines, end] = Read(Compress("one\ntwo\n"));
  EXPECT_TRUE(end.ok()) << end;
  EXPECT_THAT(lines, ElementsAre("one", "two"));
}

TEST_F(LineReaderTest, LinesSurviveTheEdgesOfTheBuffer) {
  std::string contents;
  std::vector<std::string> expected;
  for (int i = 0; i < 20'000; ++i) {
    expected.push_back(std::string(static_cast<size_t>(i % 97), 'x') + std::to_string(i));
    contents += expected.back() + "\n";
  }
  for (const std::string& form : {contents, Compress(contents)}) {
    auto [lines, end] = Read(form);
    EXPECT_TRUE(end.ok()) << end;
    EXPECT_EQ(lines, expected);
  }
}

TEST_F(LineReaderTest, AFileThatEndsInALineIsTruncated) {
  auto [lines, end] = Read("one\ntwo\nthre");
  EXPECT_THAT(lines, ElementsAre("one", "two"));
  EXPECT_EQ(end.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(end.message()),
              HasSubstr("file:3: the file ends in the middle of a line"));
}

TEST_F(LineReaderTest, CompressedDataThatIsCutOffIsTruncated) {
  std::string contents;
  for (int i = 0; i < 10'000; ++i) contents += std::to_string(i * 7919) + "\n";
  std::string compressed = Compress(contents);
  compressed.resize(compressed.size() / 2);
  auto [lines, end] = Read(compressed);
  EXPECT_EQ(end.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(end.message()), HasSubstr("cut off"));
}

TEST_F(LineReaderTest, DamagedCompressedDataIsAnError) {
  std::string contents;
  for (int i = 0; i < 10'000; ++i) contents += std::to_string(i * 7919) + "\n";
  std::string compressed = Compress(contents);
  compressed[compressed.size() / 2] ^= 0x55;
  EXPECT_EQ(Read(compressed).second.code(), absl::StatusCode::kDataLoss);
}

TEST_F(LineReaderTest, ALineHasABound) {
  const std::string longest(LineReader::kMaxLineBytes, 'x');
  auto [lines, end] = Read(longest + "\nshort\n");
  EXPECT_TRUE(end.ok()) << end;
  EXPECT_THAT(lines, ElementsAre(longest, "short"));
  auto [none, error] = Read(std::string(LineReader::kMaxLineBytes * 20, 'x') + "\n");
  EXPECT_THAT(none, IsEmpty());
  EXPECT_THAT(std::string(error.message()), HasSubstr("file:1: line of more than"));
}

TEST_F(LineReaderTest, BinaryIsNotText) {
  auto [lines, end] = Read(std::string("one\ntw\0o\nthree\n", 15));
  EXPECT_THAT(lines, ElementsAre("one"));
  EXPECT_THAT(std::string(end.message()), HasSubstr("file:2: not a text file"));
}

TEST_F(LineReaderTest, AnErrorStays) {
  auto reader = LineReader::Open(directory_.Write("file", "one"));
  ASSERT_TRUE(reader.ok());
  EXPECT_FALSE((*reader)->Next().ok());
  EXPECT_FALSE((*reader)->Next().ok());
}

TEST_F(LineReaderTest, SaysWhatCanNotBeOpened) {
  const std::string missing = (directory_.path() / "missing.csv").string();
  auto reader = LineReader::Open(missing);
  EXPECT_EQ(reader.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(reader.status().message()), HasSubstr(missing));
  EXPECT_EQ(LineReader::Open(directory_.path().string()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(LineReaderTest, KnowsHowMuchIsRead) {
  auto reader = LineReader::Open(directory_.Write("file", "one\ntwo\n"));
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ((*reader)->fraction_read(), 0);
  while ((*reader)->Next()->has_value()) {
  }
  EXPECT_EQ((*reader)->fraction_read(), 1);
}

TEST(SplitFields, CountsFields) {
  std::array<absl::string_view, 3> fields;
  EXPECT_TRUE(SplitFields("a,,c", 3, 3, fields.data()));
  EXPECT_EQ(fields[0], "a");
  EXPECT_EQ(fields[1], "");
  EXPECT_EQ(fields[2], "c");
  EXPECT_TRUE(SplitFields("a,b", 2, 3, fields.data()));
  EXPECT_FALSE(SplitFields("a", 2, 3, fields.data()));
  EXPECT_FALSE(SplitFields("a,b,c,d", 2, 3, fields.data()));
}

TEST(ParseNumbers, TakesWholeDecimalIntegersThatFit) {
  int64_t value = 0;
  EXPECT_TRUE(ParseInt("-9223372036854775808", &value));
  EXPECT_EQ(value, INT64_MIN);
  for (const char* bad : {"", "-", "+1", " 1", "1 ", "1.0", "0x1", "9223372036854775808", "1e3"}) {
    EXPECT_FALSE(ParseInt(bad, &value)) << bad;
  }
  uint64_t number = 0;
  EXPECT_TRUE(ParseUint("18446744073709551615", &number));
  EXPECT_EQ(number, UINT64_MAX);
  EXPECT_FALSE(ParseUint("-1", &number));
  EXPECT_FALSE(ParseUint("18446744073709551616", &number));
}

}  // namespace
}  // namespace quorumbook::replay
