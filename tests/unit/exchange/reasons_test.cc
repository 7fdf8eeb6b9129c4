// Every reason that the exchange gives has a meaning that its users can read.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "event_text.h"
#include "exchange/types.h"

namespace quorumbook::exchange {
namespace {

struct Row {
  std::string of;
  std::string meaning;
};

// The rows `| NAME | number | of | meaning |` under the heading "Reasons".
std::map<int, Row> DocumentedReasons() {
  std::ifstream in("docs/api.md");
  std::map<int, Row> rows;
  bool listed = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("#")) listed = line == "### Reasons";
    if (!listed || !line.starts_with("| `")) continue;
    std::istringstream cells(line.substr(1));
    std::string name, number, of, meaning;
    std::getline(cells, name, '|');
    std::getline(cells, number, '|');
    std::getline(cells, of, '|');
    std::getline(cells, meaning, '|');
    EXPECT_TRUE(rows.emplace(std::stoi(number), Row{of, meaning}).second) << line;
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

}  // namespace
}  // namespace quorumbook::exchange
