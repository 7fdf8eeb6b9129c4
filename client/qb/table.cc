#include "client/qb/table.h"

#include <algorithm>

#include "common/check.h"

namespace quorumbook::qb {

void Table::AddRow(std::vector<std::string> cells) {
  QB_CHECK(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

void Table::Print(std::ostream& out) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t width = columns_[i].title.size();
    for (const auto& row : rows_) width = std::max(width, row[i].size());
    widths.push_back(width);
  }
  const auto print = [&](auto&& cell_of) {
    std::string line;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cell_of(i);
      const std::string padding(widths[i] - cell.size(), ' ');
      if (i > 0) line += "  ";
      line += columns_[i].align == kRight ? padding + cell : cell + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  };
  print([&](size_t i) -> const std::string& { return columns_[i].title; });
  for (const auto& row : rows_) print([&](size_t i) -> const std::string& { return row[i]; });
}

}  // namespace quorumbook::qb
