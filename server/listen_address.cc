#include "server/listen_address.h"

#include <absl/strings/numbers.h>
#include <fmt/format.h>

#include "common/check.h"

namespace quorumbook::server {

using boost::asio::ip::tcp;

std::optional<HostPort> SplitAddress(std::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string host(address.substr(0, colon));
  std::string port(address.substr(colon + 1));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find_first_of("[]:") != std::string::npos) {
    return std::nullopt;
  }
  uint32_t number = 0;
  if (host.empty() || !absl::SimpleAtoi(port, &number) || number == 0 || number > 65'535) {
    return std::nullopt;
  }
  return HostPort{std::move(host), std::move(port)};
}

absl::Status OpenListener(const std::string& address, std::string_view key,
                          tcp::acceptor* acceptor) {
  const std::optional<HostPort> split = SplitAddress(address);
  QB_CHECK(split.has_value());
  boost::system::error_code error;
  tcp::resolver resolver(acceptor->get_executor());
  const auto endpoints = resolver.resolve(split->host, split->port, error);
  if (error) {
    return absl::UnavailableError(fmt::format("{}: can not resolve {}: {} (check the name)", key,
                                              split->host, error.message()));
  }
  const tcp::endpoint endpoint = *endpoints.begin();
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(tcp::acceptor::max_listen_connections, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      fmt::format("{}: can not listen on {}: {} (is another node running, or is the address not of "
                  "this machine?)",
                  key, address, error.message()));
}

}  // namespace quorumbook::server
