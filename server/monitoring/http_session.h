// One connection of the HTTP server.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "server/monitoring/http_server.h"

namespace quorumbook::server {

// Serves the connection until it ends, and counts it among the open ones meanwhile.
void StartHttpSession(boost::asio::ip::tcp::socket socket, const HttpContext& context);
// Answers one probe, or says that there are too many, and closes; counts it meanwhile.
void RefuseHttpSession(boost::asio::ip::tcp::socket socket, const HttpContext& context);

// Of a stream: beyond it a client that does not read is noticed, and its data waits no longer in
// the kernel (which by itself would take some MiB for each).
inline constexpr int kStreamSendBufferBytes = 128 << 10;

// Counts one connection, of any kind, as long as it lives.
class OpenConnection {
 public:
  explicit OpenConnection(uint64_t* count) : count_(count) { ++*count_; }
  OpenConnection(OpenConnection&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
  OpenConnection& operator=(OpenConnection&&) = delete;
  ~OpenConnection() {
    if (count_ != nullptr) --*count_;
  }

 private:
  uint64_t* count_;
};

}  // namespace quorumbook::server
