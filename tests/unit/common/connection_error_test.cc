#include "common/connection_error.h"

#include <gtest/gtest.h>

namespace quorumbook {
namespace {

constexpr KnownConnectionError kKnown[] = {
    {true, "wrong version", "plain text"},
    {true, "wrong", "something else"},
    {false, "closed", "TLS"},
};

TEST(ConnectionError, IsExplainedByTheFirstThatIsKnown) {
  EXPECT_EQ(ExplainConnectionError(kKnown, true, "failed to connect: wrong version number"),
            "failed to connect: wrong version number (plain text)");
  EXPECT_EQ(ExplainConnectionError(kKnown, true, "failed to connect: closed"),
            "failed to connect: closed")
      << "without TLS only";
  EXPECT_EQ(ExplainConnectionError(kKnown, false, "failed to connect: closed"),
            "failed to connect: closed (TLS)");
  EXPECT_EQ(ExplainConnectionError(kKnown, false, "closed"), "closed") << "it was connected";
}

}  // namespace
}  // namespace quorumbook
