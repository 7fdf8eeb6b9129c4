// Addresses as the configuration has them, host:port, and listening on them.
#pragma once

#include <absl/status/status.h>

#include <boost/asio/ip/tcp.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace quorumbook::server {

struct HostPort {
  std::string host;  // an IPv6 address without its brackets
  std::string port;  // a number from 1 to 65535
};
// "host:port" or "[::1]:port"; nothing when it is neither. An IPv6 address without brackets is not:
// where it ends can not be told.
std::optional<HostPort> SplitAddress(std::string_view address);

// Opens, binds and listens. kUnavailable says why not and what to do, in the words of the
// configuration key `key`. REQUIRES: SplitAddress takes `address`.
absl::Status OpenListener(const std::string& address, std::string_view key,
                          boost::asio::ip::tcp::acceptor* acceptor);

}  // namespace quorumbook::server
