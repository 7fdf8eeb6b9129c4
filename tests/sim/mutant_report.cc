#include "tests/sim/mutant_report.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/sim/report.h"

namespace quorumbook::sim {

void MutantReport::Add(const NamedMutant& mutant, std::optional<uint64_t> seeds,
                       const std::string& noticed) {
  rows_.push_back({.name = std::string(mutant.name),
                   .what = std::string(mutant.what),
                   .seeds = seeds,
                   .noticed = noticed.substr(0, noticed.find('\n'))});
}

size_t MutantReport::Survivors() const {
  return static_cast<size_t>(
      std::ranges::count_if(rows_, [](const Row& row) { return !row.seeds.has_value(); }));
}

std::optional<uint64_t> MutantReport::Median() const {
  std::vector<uint64_t> needed;
  for (const Row& row : rows_) {
    if (row.seeds) needed.push_back(*row.seeds);
  }
  if (needed.empty()) return std::nullopt;
  std::ranges::sort(needed);
  return needed[needed.size() / 2];
}

bool MutantReport::MedianIsLow() const { return Median().value_or(kMedianBelow) < kMedianBelow; }

bool MutantReport::ok() const { return Survivors() == 0 && (!all_ || MedianIsLow()); }

std::string MutantReport::Line() const {
  const Row& row = rows_.back();
  return absl::StrFormat("%-28s %8s  %s\n", row.name,
                         row.seeds ? absl::StrCat(*row.seeds) : "SURVIVED",
                         row.seeds ? row.noticed : row.what);
}

std::string MutantReport::Summary() const {
  const std::optional<uint64_t> median = Median();
  return absl::StrFormat("%d mutants, %d survived %d seeds; median of the others: %s seeds%s\n%s\n",
                         rows_.size(), Survivors(), kMutantSeeds,
                         median ? absl::StrCat(*median) : "-",
                         all_ ? absl::StrFormat(" (%s: below %d is required)",
                                                MedianIsLow() ? "good" : "MISSED", kMedianBelow)
                              : "",
                         HowMeasured(options_));
}

std::string MutantReport::ToJson() const {
  nlohmann::ordered_json json;
  json["measured"] = HowMeasured(options_);
  json["ok"] = ok();
  json["seeds_at_most"] = kMutantSeeds;
  json["survived"] = Survivors();
  json["median"] = nullptr;
  if (const std::optional<uint64_t> median = Median()) json["median"] = *median;
  json["median_below"] = kMedianBelow;
  json["mutants"] = nlohmann::ordered_json::array();
  for (const Row& row : rows_) {
    nlohmann::ordered_json one{{"name", row.name}, {"what", row.what}, {"seeds", nullptr}};
    if (row.seeds) {
      one["seeds"] = *row.seeds;
      one["noticed"] = row.noticed;
    }
    json["mutants"].push_back(std::move(one));
  }
  return json.dump(2) + "\n";
}

}  // namespace quorumbook::sim
