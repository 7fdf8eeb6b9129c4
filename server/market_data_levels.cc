#include "server/market_data_levels.h"

#include <algorithm>
#include <utility>

#include "server/market_codec.h"

namespace quorumbook::server {

void LevelHistory::Reset(Levels now) {
  now_ = std::move(now);
  changes_.clear();
}

void LevelHistory::Advance(Levels now) {
  before_ = std::exchange(now_, std::move(now));
  changes_.clear();
  to_.assign(before_.size(), kChanged);
  from_.assign(now_.size(), kChanged);
  uint32_t b = 0;
  uint32_t n = 0;
  while (b < before_.size() || n < now_.size()) {
    const bool was =
        b < before_.size() && (n == now_.size() || !Better(now_[n].price, before_[b].price));
    const bool is =
        n < now_.size() && (b == before_.size() || !Better(before_[b].price, now_[n].price));
    if (was && is && before_[b].quantity == now_[n].quantity &&
        before_[b].orders == now_[n].orders) {
      to_[b] = n;
      from_[n] = b;
    } else {
      changes_.push_back({b, n, was, is});
    }
    b += was ? 1 : 0;
    n += is ? 1 : 0;
  }
}

size_t LevelHistory::FirstBeyond(const std::vector<uint32_t>& positions, uint32_t depth) {
  size_t first = std::min<size_t>(depth, positions.size());
  while (first > 0 && positions[first - 1] >= depth) --first;
  return first;
}

void LevelHistory::AddChanges(uint32_t depth,
                              google::protobuf::RepeatedPtrField<v1::Level>* out) const {
  if (changes_.empty()) return;
  for (const Change& change : changes_) {
    if (change.before >= depth && change.now >= depth) break;  // so are all that follow
    if (change.is && change.now < depth) {
      ToProto(now_[change.now], out->Add());
    } else if (change.was && change.before < depth) {
      out->Add()->set_price(before_[change.before].price);
    }
  }
  // What did not change and is out of sight, because better ones came, or in sight, because some
  // went.
  for (size_t b = FirstBeyond(to_, depth); b < std::min<size_t>(depth, to_.size()); ++b) {
    if (to_[b] != kChanged) out->Add()->set_price(before_[b].price);
  }
  for (size_t n = FirstBeyond(from_, depth); n < std::min<size_t>(depth, from_.size()); ++n) {
    if (from_[n] != kChanged) ToProto(now_[n], out->Add());
  }
}

bool LevelsTopic::Snapshot(const exchange::Exchange& exchange, uint32_t limit,
                           v1::MarketDataUpdate* out) const {
  const exchange::Depth depth = exchange.GetDepth(symbol_, limit);
  ToProto(depth.bids, out->mutable_levels()->mutable_bids());
  ToProto(depth.asks, out->mutable_levels()->mutable_asks());
  return true;
}

void LevelsTopic::Reset(const exchange::Exchange& exchange, uint32_t depth) {
  exchange::Depth now = exchange.GetDepth(symbol_, depth);
  bids_.Reset(std::move(now.bids));
  asks_.Reset(std::move(now.asks));
}

void LevelsTopic::Advance(const exchange::Exchange& exchange, uint32_t depth) {
  exchange::Depth now = exchange.GetDepth(symbol_, depth);
  bids_.Advance(std::move(now.bids));
  asks_.Advance(std::move(now.asks));
}

bool LevelsTopic::Update(const exchange::Exchange&, exchange::Time,
                         const std::vector<const exchange::Event*>&, uint32_t depth,
                         v1::MarketDataUpdate* out) {
  v1::LevelChanges* const levels = out->mutable_levels();
  bids_.AddChanges(depth, levels->mutable_bids());
  asks_.AddChanges(depth, levels->mutable_asks());
  return levels->bids_size() + levels->asks_size() > 0;
}

}  // namespace quorumbook::server
