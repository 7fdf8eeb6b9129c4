// The matching path takes no memory from the heap once it is warm.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "exchange/command.h"
#include "exchange/exchange.h"
#include "random_flow.h"

namespace {

bool counting = false;
uint64_t allocations = 0;

void* Allocate(size_t size, size_t alignment) {
  allocations += counting;
  void* const memory =
      std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(size_t size) { return Allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new(size_t size, std::align_val_t alignment) {
  return Allocate(size, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }

namespace quorumbook::exchange {
namespace {

// Batches of a few accounts, each of which acknowledges what it was told, as clients do.
class AllocationTest : public testing::Test {
 protected:
  static constexpr uint64_t kAccounts = 4;

  AllocationTest() {
    for (uint64_t id = 1; id <= kAccounts; ++id) Apply(OpenSession{AccountId(id)});
    Apply(SessionCommands{SessionId(1), next_[0]++, 0, {AddSymbol{"A", {1, 0}, {1, 0}}}});
  }
  void Apply(Group group) {
    batch_.time += 1'000'000;
    batch_.groups.assign(1, std::move(group));
    exchange_.Apply(batch_, &result_);
  }
  // So many batches of 20 commands. Returns how many trades there were.
  uint64_t Run(uint64_t batches, RandomFlow* flow) {
    uint64_t trades = 0;
    for (uint64_t i = 0; i < batches; ++i) {
      uint64_t& next = next_[i % kAccounts];
      SessionCommands message{SessionId(i % kAccounts + 1), next, next - 1, {}};
      for (int command = 0; command < 20; ++command) message.commands.push_back(flow->Next());
      next += 20;
      batch_.time += 1'000;
      batch_.groups.assign(1, std::move(message));
      const std::string bytes = EncodeBatch(batch_);
      counting = true;
      const absl::Status status = exchange_.Apply(bytes, &result_);
      counting = false;
      EXPECT_TRUE(status.ok()) << status;
      for (const Event& event : result_.events) trades += event.type == EventType::kTrade;
    }
    return trades;
  }

  Exchange exchange_;
  ApplyResult result_;
  Batch batch_;
  uint64_t next_[kAccounts] = {1, 1, 1, 1};
};

TEST_F(AllocationTest, NoneWhenWarm) {
  RandomFlow flow(1, {.symbols = 1, .names = 400, .price_range = 40});
  Run(20'000, &flow);
  EXPECT_GT(allocations, 0u) << "it counts";
  allocations = 0;
  EXPECT_GT(Run(5'000, &flow), 10'000u);
  EXPECT_EQ(allocations, 0u);
}

}  // namespace
}  // namespace quorumbook::exchange
