// What waits to be sent to one subscriber: bounded, and what happens at the bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>

namespace quorumbook::server {

// A serialized MarketDataUpdate without its sequence, shared by all whom it is sent to.
using SharedUpdate = std::shared_ptr<const std::string>;

// Updates that wait for a subscriber of a channel that can be conflated: when there are more, all
// of them are dropped, and it gets a snapshot when it can take one.
inline constexpr size_t kMaxPendingUpdates = 64;
// Bytes that wait for a subscriber of another channel: when there would be more, it is cut. One
// update is always taken: who has taken all before it is not slow.
inline constexpr uint64_t kMaxPendingBytes = uint64_t{4} << 20;

// Not thread-safe.
class MarketDataQueue {
 public:
  explicit MarketDataQueue(bool may_conflate) : may_conflate_(may_conflate) {}

  // False: the bound is reached and the subscriber must be cut.
  bool Push(SharedUpdate update, bool snapshot) {
    if (snapshot) {
      Clear();
      stale_ = false;
      refreshing_ = false;
    }
    if (may_conflate_ && updates_.size() >= kMaxPendingUpdates) {
      Clear();
      stale_ = true;
    }
    if (stale_) {
      ++dropped_;
      return true;
    }
    const bool room = updates_.empty() || bytes_ + update->size() <= kMaxPendingBytes;
    if (!may_conflate_ && !room) {
      ++dropped_;
      return false;
    }
    bytes_ += update->size();
    updates_.push_back(std::move(update));
    return true;
  }

  bool empty() const { return updates_.empty(); }
  // Updates that the subscriber is behind; when they were dropped, the bound.
  size_t behind() const { return stale_ ? kMaxPendingUpdates : updates_.size(); }
  // Whether updates were dropped, so that only a snapshot can go on from here.
  bool wants_snapshot() const { return stale_; }
  // The same, once until the snapshot is pushed: true tells the caller to ask for it.
  bool BeginRefresh() { return stale_ && !std::exchange(refreshing_, true); }
  // Whether a snapshot was asked for and is not there yet.
  bool refreshing() const { return refreshing_; }

  // REQUIRES: !empty().
  SharedUpdate Pop() {
    SharedUpdate update = std::move(updates_.front());
    updates_.pop_front();
    bytes_ -= update->size();
    return update;
  }
  void Clear() {
    dropped_ += updates_.size();
    updates_.clear();
    bytes_ = 0;
  }
  // Updates that were pushed and will not be popped, since the last call.
  size_t TakeDropped() { return std::exchange(dropped_, 0); }

 private:
  const bool may_conflate_;
  bool stale_ = false;
  bool refreshing_ = false;
  size_t dropped_ = 0;
  uint64_t bytes_ = 0;
  std::deque<SharedUpdate> updates_;
};

}  // namespace quorumbook::server
