// When a session's client counts as lost.
#include "server/session_watch.h"

#include <gtest/gtest.h>

namespace quorumbook::server {
namespace {

using std::chrono::seconds;
using Keys = std::vector<SessionKey>;

constexpr SessionKey kOne{ShardId(1), exchange::SessionId(1)};
constexpr SessionKey kTwo{ShardId(1), exchange::SessionId(2)};
constexpr SessionKey kElsewhere{ShardId(2), exchange::SessionId(1)};

SessionWatch::Instant At(int second) { return SessionWatch::Instant(seconds(second)); }

TEST(SessionWatch, AClientIsLostWhenItsLastStreamEndedLongAgo) {
  SessionWatch watch;
  watch.Attach(kOne);
  watch.Attach(kOne);
  EXPECT_EQ(watch.TakeLost(At(1'000)), Keys());
  watch.Detach(kOne, At(10));
  EXPECT_EQ(watch.TakeLost(At(1'000)), Keys());
  watch.Detach(kOne, At(20));
  EXPECT_EQ(watch.TakeLost(At(19)), Keys());
  EXPECT_EQ(watch.TakeLost(At(20)), Keys{kOne});
  EXPECT_EQ(watch.TakeLost(At(1'000)), Keys()) << "told once";
  EXPECT_EQ(watch.size(), 0u);
}

TEST(SessionWatch, AClientThatComesBackInTimeIsNotLost) {
  SessionWatch watch;
  watch.Attach(kOne);
  watch.Detach(kOne, At(10));
  watch.Attach(kOne);
  EXPECT_EQ(watch.TakeLost(At(1'000)), Keys());
  watch.Detach(kOne, At(30));
  EXPECT_EQ(watch.TakeLost(At(30)), Keys{kOne});
}

TEST(SessionWatch, WhoIsExpectedMustCome) {
  SessionWatch watch;
  watch.Attach(kTwo);
  watch.Expect(kOne, At(10));
  watch.Expect(kOne, At(99));  // the first holds
  watch.Expect(kTwo, At(10));  // it is there
  EXPECT_EQ(watch.TakeLost(At(9)), Keys());
  EXPECT_EQ(watch.TakeLost(At(10)), Keys{kOne});
}

TEST(SessionWatch, ForgetsWhatWasClosedAndWhatOthersLookAfter) {
  SessionWatch watch;
  for (const SessionKey& key : {kOne, kTwo, kElsewhere}) watch.Expect(key, At(10));
  watch.Forget(kTwo);
  EXPECT_EQ(watch.size(), 2u);
  watch.Forget(ShardId(1));
  EXPECT_EQ(watch.TakeLost(At(10)), Keys{kElsewhere});
}

TEST(SessionWatch, AStreamStaysAttachedWhenItsShardIsForgotten) {
  SessionWatch watch;
  watch.Attach(kOne);
  watch.Forget(kOne.shard);
  watch.Expect(kOne, At(5));
  EXPECT_EQ(watch.TakeLost(At(5)), Keys());
  watch.Detach(kOne, At(10));
  EXPECT_EQ(watch.TakeLost(At(10)), Keys{kOne});
}

}  // namespace
}  // namespace quorumbook::server
