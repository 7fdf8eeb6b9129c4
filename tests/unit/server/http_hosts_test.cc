#include "server/monitoring/http_hosts.h"

#include <gtest/gtest.h>

namespace quorumbook::server {
namespace {

TEST(HttpHosts, ANodeOfThisMachineAloneHasItsNamesAlone) {
  const HttpHosts hosts(true, "");
  for (const char* host : {"localhost", "LocalHost:8080", "127.0.0.1", "127.0.0.1:8080",
                           "127.8.9.10:80", "[::1]", "[::1]:8080", ""}) {
    EXPECT_TRUE(hosts.Allow(host)) << host;
  }
  for (const char* host : {"evil.example", "evil.example:8080", "127.0.0.1.evil.example",
                           "localhost.evil.example", "127.0.0", "127.0.0.256", "127.0.0.1.",
                           "127.1", "10.0.0.1", "[::2]", "[::1", "::1", "0.0.0.0", ".", ":8080"}) {
    EXPECT_FALSE(hosts.Allow(host)) << host;
  }
}

TEST(HttpHosts, FurtherNamesAreThoseOfTheConfiguration) {
  const HttpHosts local(true, "book.example.com, Other:99");
  EXPECT_TRUE(local.Allow("Book.Example.com:443"));
  EXPECT_TRUE(local.Allow("other"));
  EXPECT_FALSE(local.Allow("book.example.com.evil.example"));
  EXPECT_FALSE(local.Allow("10.0.0.1"));
  const HttpHosts open(false, "book.example.com");
  EXPECT_TRUE(open.Allow("book.example.com"));
  EXPECT_TRUE(open.Allow("localhost"));
  EXPECT_TRUE(open.Allow("10.0.0.1:8080")) << "an address can not be made to point elsewhere";
  EXPECT_TRUE(open.Allow("[fe80::1]:8080"));
  EXPECT_FALSE(open.Allow("evil.example"));
  EXPECT_FALSE(open.Allow("[evil.example]"));
}

TEST(HttpHosts, WithoutNamesANodeThatOthersReachTakesAnyName) {
  EXPECT_TRUE(HttpHosts(false, "").Allow("node1:8080"));
}

}  // namespace
}  // namespace quorumbook::server
