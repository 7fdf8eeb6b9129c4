// The HTTP listener of a node, on Boost.Beast: hands requests to the router, and connections that
// become streams to their hubs. Everything happens on the thread that runs `io`.
#pragma once

#include <absl/status/status.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "server/monitoring/book_hub.h"
#include "server/monitoring/event_hub.h"
#include "server/monitoring/http_metrics.h"
#include "server/monitoring/router.h"

namespace quorumbook::server {

inline constexpr uint64_t kMaxHttpConnections = 512;
inline constexpr uint64_t kMaxEventStreams = 64;
inline constexpr uint64_t kMaxWebSockets = 256;
inline constexpr uint32_t kMaxHttpHeaderBytes = 8 << 10;
inline constexpr uint64_t kMaxHttpBodyBytes = 64 << 10;
// Until the next request of a connection is there, as a whole.
inline constexpr std::chrono::seconds kHttpReadTimeout{30};
inline constexpr std::chrono::seconds kHttpAnswerTimeout{10};
// Until a client has taken what it is sent.
inline constexpr std::chrono::seconds kHttpWriteTimeout{15};

// What a connection uses; all outlives it.
struct HttpContext {
  const Router* router = nullptr;
  EventHub* events = nullptr;
  BookHub* books = nullptr;
  HttpMetrics* metrics = nullptr;
};

class HttpServer {
 public:
  HttpServer(boost::asio::io_context* io, const HttpContext& context)
      : acceptor_(*io), context_(context) {}

  // `address`: host:port. Errors say what to do.
  absl::Status Listen(const std::string& address);
  // Takes no more connections; those that are there go on.
  void Close();

 private:
  void Accept();
  void Refuse(boost::asio::ip::tcp::socket socket) const;

  boost::asio::ip::tcp::acceptor acceptor_;
  const HttpContext context_;
};

}  // namespace quorumbook::server
