// Every reason that the exchange gives has a meaning that its users can read.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>

#include "event_text.h"
#include "exchange/types.h"

namespace quorumbook::exchange {
namespace {

struct Row {
  std::string of;
  std::string fix;
  std::string meaning;
};

// The rows `| NAME | number | of | FIX | meaning |` under the heading "Reasons".
std::map<int, Row> DocumentedReasons() {
  std::ifstream in("docs/api.md");
  std::map<int, Row> rows;
  bool listed = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("#")) listed = line == "### Reasons";
    if (!listed || !line.starts_with("| `")) continue;
    std::istringstream cells(line.substr(1));
    std::string name, number, of, fix, meaning;
    std::getline(cells, name, '|');
    std::getline(cells, number, '|');
    std::getline(cells, of, '|');
    std::getline(cells, fix, '|');
    std::getline(cells, meaning, '|');
    EXPECT_TRUE(rows.emplace(std::stoi(number), Row{of, fix, meaning}).second) << line;
  }
  return rows;
}

TEST(Reasons, AreDocumentedOneByOne) {
  const std::map<int, Row> rows = DocumentedReasons();
  ASSERT_FALSE(rows.empty()) << "run from the root of the repository";
  for (int number = 1; number <= UINT8_MAX; ++number) {
    SCOPED_TRACE(number);
    const auto reason = static_cast<Reason>(number);
    ASSERT_EQ(rows.contains(number), IsKnown(reason));
    if (!IsKnown(reason)) continue;
    EXPECT_NE(ToText(reason), "?");
    const Row& row = rows.at(number);
    EXPECT_GT(row.meaning.size(), 2u);
    EXPECT_EQ(row.of.find("cancel") != std::string::npos, Cancels(reason)) << row.of;
  }
}

// Which commands a reason refuses is seen in the transcripts: a gateway must have a value for each.
TEST(Reasons, HaveAFixValueWhereverTheyRefuseOrders) {
  const std::map<int, Row> rows = DocumentedReasons();
  std::map<std::string, int> numbers;
  for (const auto& [number, row] : rows) {
    numbers[std::string(ToText(static_cast<Reason>(number)))] = number;
  }
  const std::map<std::string, std::string> tags = {{"new", "103 = "},
                                                   {"cancel", "102 = "},
                                                   {"reduce", "102 = "},
                                                   {"replace", "102 = "},
                                                   {"mass cancel", "532 = "}};
  const std::regex refusal("#[0-9]+ ([a-z ]+) [0-9]+/[0-9]+ rejected: ([a-z -]+[a-z]).*");
  size_t seen = 0;
  for (const auto& file : std::filesystem::directory_iterator("tests/unit/exchange/testdata")) {
    std::ifstream in(file.path());
    for (std::string line; std::getline(in, line);) {
      std::smatch parts;
      if (!std::regex_search(line, parts, refusal) || !tags.contains(parts[1])) continue;
      ++seen;
      ASSERT_TRUE(numbers.contains(parts[2])) << line;
      const Row& row = rows.at(numbers.at(parts[2]));
      EXPECT_NE(row.fix.find(tags.at(parts[1])), std::string::npos) << line << ": " << row.fix;
    }
  }
  EXPECT_GT(seen, 80u) << "transcripts are missing";
}

}  // namespace
}  // namespace quorumbook::exchange
