// A WebSocket that carries books, trades and candles (docs/http.md).
#pragma once

#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "server/monitoring/http_session.h"

namespace quorumbook::server {

inline constexpr size_t kMaxSocketSubscriptions = 16;
inline constexpr size_t kMaxSocketMessageBytes = 4 << 10;
// Of what a client says in a second.
inline constexpr int kMaxSocketMessages = 100;
// Answers that wait to be sent; meanwhile nothing more is read.
inline constexpr size_t kMaxSocketAnswers = 128;
// Between two times that updates of a subscription are sent.
inline constexpr std::chrono::milliseconds kSocketInterval{50};

void StartBookSocket(boost::beast::tcp_stream stream,
                     boost::beast::http::request<boost::beast::http::string_body> request,
                     const HttpContext& context, OpenConnection open);

}  // namespace quorumbook::server
