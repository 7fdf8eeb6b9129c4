// A connection that carries server-sent events.
#pragma once

#include <boost/beast/core/tcp_stream.hpp>
#include <set>
#include <string>

#include "server/monitoring/http_session.h"

namespace quorumbook::server {

// "a,b": topics; "": all. False: one of them is none.
bool ParseTopics(const std::string& text, std::set<std::string>* topics);

void StartEventStream(boost::beast::tcp_stream stream, std::set<std::string> topics,
                      const HttpContext& context, OpenConnection open);

}  // namespace quorumbook::server
