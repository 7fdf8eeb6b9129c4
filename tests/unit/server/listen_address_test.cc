// Addresses, and why nobody can listen on one.
#include "server/listen_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <string>

namespace quorumbook::server {
namespace {

using boost::asio::ip::tcp;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(SplitAddress, TakesNamesAndAddressesOfBothKinds) {
  const auto expect = [](const std::string& address, const std::string& host) {
    const std::optional<HostPort> split = SplitAddress(address);
    ASSERT_TRUE(split) << address;
    EXPECT_EQ(split->host, host);
    EXPECT_EQ(split->port, "7001");
  };
  expect("node1:7001", "node1");
  expect("127.0.0.1:7001", "127.0.0.1");
  expect("[::1]:7001", "::1");
  for (const char* bad : {"", ":7001", "node1", "node1:", "node1:0", "node1:65536", "node1:x",
                          "::1:7001", "[::1]7001", "[]:7001", "[::1:7001", "::1]:7001"}) {
    EXPECT_FALSE(SplitAddress(bad)) << bad;
  }
}

class OpenListenerTest : public testing::Test {
 protected:
  // What is wrong with `address`; empty: nothing.
  std::string Fault(const std::string& address) {
    tcp::acceptor acceptor(io_);
    return std::string(OpenListener(address, "listen.peer", &acceptor).message());
  }

  boost::asio::io_context io_;
};

TEST_F(OpenListenerTest, SaysWhatIsInTheWay) {
  tcp::acceptor taken(io_, {boost::asio::ip::address_v4::loopback(), 0});
  const std::string port = std::to_string(taken.local_endpoint().port());
  EXPECT_THAT(Fault("127.0.0.1:" + port),
              AllOf(HasSubstr("listen.peer: can not listen on 127.0.0.1:" + port),
                    HasSubstr("is another node running")));
  taken.close();
  EXPECT_EQ(Fault("127.0.0.1:" + port), "");
  // No resolver is asked for what can not be a name.
  EXPECT_THAT(Fault("no name:7001"),
              AllOf(HasSubstr("listen.peer: can not resolve no name"), HasSubstr("check the name"),
                    Not(HasSubstr("another node"))));
}

// Where there is no IPv6 the address is not of this machine, but it is one.
TEST_F(OpenListenerTest, TakesIpv6AddressesInBrackets) {
  tcp::acceptor free(io_, {boost::asio::ip::address_v4::loopback(), 0});
  const std::string port = std::to_string(free.local_endpoint().port());
  EXPECT_THAT(Fault("[::1]:" + port), Not(HasSubstr("resolve")));
}

}  // namespace
}  // namespace quorumbook::server
