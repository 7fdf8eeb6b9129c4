#include "server/monitoring/http_server.h"

#include <absl/strings/str_cat.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "server/listen_address.h"
#include "server/monitoring/http_session.h"

namespace quorumbook::server {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

}  // namespace

absl::Status HttpServer::Listen(const std::string& address, const std::string& hosts) {
  if (absl::Status status = OpenListener(address, "listen.http", &acceptor_); !status.ok()) {
    return absl::UnavailableError(
        absl::StrCat(std::string(status.message()), "; `listen.http: off` does without"));
  }
  error_code error;
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
