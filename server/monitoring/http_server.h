// The HTTP listener of a node, on Boost.Beast: hands requests to the router, and connections that
// become streams to their hubs. Everything happens on the thread that runs `io`.
#pragma once

#include <absl/status/status.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "server/monitoring/book_hub.h"
#include "server/monitoring/event_hub.h"
#include "server/monitoring/http_hosts.h"
#include "server/monitoring/http_metrics.h"
#include "server/monitoring/router.h"

namespace quorumbook::server {

inline constexpr uint64_t kMaxHttpConnections = 512;
// Connections above the bound at a time that are asked what they want: probes and metrics are
// answered, else they are told. Others are closed without a word.
inline constexpr uint64_t kMaxHttpRefusals = 32;
// So long they have to say it.
inline constexpr std::chrono::seconds kHttpRefusalTimeout{2};
inline constexpr uint64_t kMaxEventStreams = 64;
inline constexpr uint64_t kMaxWebSockets = 256;
inline constexpr uint32_t kMaxHttpHeaderBytes = 8 << 10;
inline constexpr uint64_t kMaxHttpBodyBytes = 64 << 10;
// Until the next request of a connection is there, as a whole.
inline constexpr std::chrono::seconds kHttpReadTimeout{30};
inline constexpr std::chrono::seconds kHttpAnswerTimeout{10};
// Until a client has taken what it is sent.
inline constexpr std::chrono::seconds kHttpWriteTimeout{15};

// Without files, or memory for sockets, connections wait in the kernel's queue: so long between two
// attempts to take one, and between two lines about it in the log.
inline constexpr std::chrono::milliseconds kAcceptPause{100};
inline constexpr std::chrono::seconds kAcceptLogInterval{60};

// What a connection uses; all outlives it.
struct HttpContext {
  const Router* router = nullptr;
  EventHub* events = nullptr;
  BookHub* books = nullptr;
  HttpMetrics* metrics = nullptr;
  const HttpHosts* hosts = nullptr;
};

class HttpServer {
 public:
  // `context` without hosts: those are the server's.
  HttpServer(boost::asio::io_context* io, const HttpContext& context)
      : acceptor_(*io), pause_(*io), context_(context) {}

  // `address`: host:port, an IPv6 host in brackets. `hosts`: http.hosts. Errors say what to do.
  absl::Status Listen(const std::string& address, const std::string& hosts);
  // Takes no more connections; those that are there go on.
  void Close();

 private:
  void Accept();
  void OnAcceptError(const boost::system::error_code& error);

  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  std::chrono::steady_clock::time_point next_log_;
  std::unique_ptr<const HttpHosts> hosts_;
  HttpContext context_;
};

}  // namespace quorumbook::server
