// When leases may rely on the clock of a node.
#include "server/clock_check.h"

#include <gtest/gtest.h>

namespace quorumbook::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A machine whose clock runs by `percent` of the hardware's rate, and is suspended for `suspended`.
class Machine {
 public:
  bool Second(int percent = 100, milliseconds suspended = {}) {
    now_.raw += seconds(1);
    now_.monotonic += milliseconds(10 * percent);
    now_.boot += milliseconds(10 * percent) + suspended;
    return check_.Add(now_);
  }
  bool Seconds(int count, int percent = 100) {
    for (int i = 0; i < count; ++i) Second(percent);
    return check_.trusted();
  }

 private:
  ClockReading now_{seconds(500), seconds(400), seconds(300)};
  ClockCheck check_;
};

TEST(ClockCheckTest, IsTrustedWhenItHasRunEvenlyForAWhile) {
  Machine machine;
  EXPECT_FALSE(machine.Seconds(10));
  EXPECT_TRUE(machine.Second());
}

TEST(ClockCheckTest, SlewingIsNoMatter) {
  Machine machine;
  EXPECT_TRUE(machine.Seconds(20, 101));
  EXPECT_TRUE(machine.Seconds(20, 99));
}

TEST(ClockCheckTest, ARateThatIsFarOffEndsTheTrust) {
  for (const int percent : {90, 110}) {
    Machine machine;
    EXPECT_TRUE(machine.Seconds(20));
    EXPECT_FALSE(machine.Second(percent)) << percent;
    EXPECT_FALSE(machine.Seconds(30, percent)) << percent;
    EXPECT_FALSE(machine.Seconds(9)) << percent;
    EXPECT_TRUE(machine.Second()) << percent;
  }
}

TEST(ClockCheckTest, ASuspensionEndsTheTrustForAWhile) {
  Machine machine;
  EXPECT_TRUE(machine.Seconds(20));
  EXPECT_FALSE(machine.Second(100, seconds(3)));
  EXPECT_FALSE(machine.Seconds(9));
  EXPECT_TRUE(machine.Second());
}

TEST(ClockCheckTest, TheClocksOfThisMachineGoOn) {
  const ClockReading first = ReadClocks();
  const consensus::Instant now = ClockNow();
  const ClockReading second = ReadClocks();
  EXPECT_LE(first.boot, now);
  EXPECT_LE(now, second.boot);
  EXPECT_LT(first.raw, second.raw);
  EXPECT_LE(first.monotonic, second.monotonic);
}

}  // namespace
}  // namespace quorumbook::server
