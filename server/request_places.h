// A bound on what clients ask for besides commands, which are bounded by their bytes.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

namespace quorumbook::server {

// Of one service, open subscriptions included; beyond it the answer is kBusy.
inline constexpr size_t kMaxRequests = 65'536;

// Thread-safe. A copy has the same places.
class RequestPlaces {
 public:
  explicit RequestPlaces(size_t most = kMaxRequests) : most_(most) {}

  // To be kept as long as the request is under way, and may outlive this. Null: there is none left.
  std::shared_ptr<void> Take() {
    if (taken_->fetch_add(1, std::memory_order_relaxed) >= most_) {
      taken_->fetch_sub(1, std::memory_order_relaxed);
      return nullptr;
    }
    return {taken_.get(), [taken = taken_](void*) { taken->fetch_sub(1); }};
  }

 private:
  const size_t most_;
  const std::shared_ptr<std::atomic<size_t>> taken_ = std::make_shared<std::atomic<size_t>>(0);
};

}  // namespace quorumbook::server
