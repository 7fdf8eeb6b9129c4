#include "server/monitoring/http_server.h"

#include <absl/strings/str_cat.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "server/monitoring/http_session.h"

namespace quorumbook::server {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

// What is left of "[::1]:8080" and "host:80" before the port.
std::string HostOf(const std::string& address, size_t colon) {
  const bool brackets = colon >= 2 && address.front() == '[' && address[colon - 1] == ']';
  return brackets ? address.substr(1, colon - 2) : address.substr(0, colon);
}

}  // namespace

absl::Status HttpServer::Listen(const std::string& address, const std::string& hosts) {
  const size_t colon = address.rfind(':');
  tcp::resolver resolver(acceptor_.get_executor());
  error_code error;
  const auto endpoints = resolver.resolve(HostOf(address, colon), address.substr(colon + 1), error);
  if (!error) {
    const tcp::endpoint endpoint = *endpoints.begin();
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
  }
  if (error) {
    return absl::UnavailableError(absl::StrCat(
        "listen.http: can not listen on ", address, ": ", error.message(),
        " (is another node running, or is the address not of this machine? `off` does without)"));
  }
  const bool loopback = acceptor_.local_endpoint(error).address().is_loopback();
  hosts_ = std::make_unique<const HttpHosts>(loopback, hosts);
  context_.hosts = hosts_.get();
  Accept();
  return absl::OkStatus();
}

void HttpServer::Close() {
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

void HttpServer::Accept() {
  acceptor_.async_accept([this](error_code error, tcp::socket socket) {
    if (error == boost::asio::error::operation_aborted) return;
    if (error) return OnAcceptError(error);
    const uint64_t connections = context_.metrics->connections;
    if (connections < kMaxHttpConnections) {
      StartHttpSession(std::move(socket), context_);
    } else {
      ++context_.metrics->refused;
      const bool told = connections < kMaxHttpConnections + kMaxHttpRefusals;
      if (told) RefuseHttpSession(std::move(socket), context_);
    }
    Accept();
  });
}

// The connection stays in the kernel's queue, so the next attempt would fail at once again.
void HttpServer::OnAcceptError(const error_code& error) {
  ++context_.metrics->accept_errors;
  const auto now = std::chrono::steady_clock::now();
  if (now >= next_log_) {
    next_log_ = now + kAcceptLogInterval;
    spdlog::warn("http: can not take connections: {} (see ulimit -n)", error.message());
  }
  pause_.expires_after(kAcceptPause);
  pause_.async_wait([this](error_code stopped) {
    if (!stopped) Accept();
  });
}

}  // namespace quorumbook::server
