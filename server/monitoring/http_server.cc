#include "server/monitoring/http_server.h"

#include <absl/strings/str_cat.h>

#include <boost/asio/write.hpp>
#include <utility>

#include "server/monitoring/http_session.h"

namespace quorumbook::server {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr char kFull[] =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"
    "Connection: close\r\nRetry-After: 1\r\n\r\n"
    "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
    "\"code\":\"too_many\",\"detail\":\"this node has as many connections as it takes\","
    "\"hint\":\"close some, or ask another node\"}\n";

}  // namespace

absl::Status HttpServer::Listen(const std::string& address) {
  const size_t colon = address.rfind(':');
  tcp::resolver resolver(acceptor_.get_executor());
  error_code error;
  const auto endpoints =
      resolver.resolve(address.substr(0, colon), address.substr(colon + 1), error);
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
  Accept();
  return absl::OkStatus();
}

void HttpServer::Close() {
  error_code ignored;
  acceptor_.close(ignored);
}

void HttpServer::Accept() {
  acceptor_.async_accept([this](error_code error, tcp::socket socket) {
    if (error == boost::asio::error::operation_aborted) return;
    if (!error) {
      if (context_.metrics->connections >= kMaxHttpConnections) {
        ++context_.metrics->refused;
        Refuse(std::move(socket));
      } else {
        StartHttpSession(std::move(socket), context_);
      }
    }
    Accept();
  });
}

void HttpServer::Refuse(tcp::socket socket) const {
  auto kept = std::make_shared<tcp::socket>(std::move(socket));
  boost::asio::async_write(*kept, boost::asio::buffer(kFull, sizeof(kFull) - 1),
                           [kept](error_code, size_t) {});
}

}  // namespace quorumbook::server
