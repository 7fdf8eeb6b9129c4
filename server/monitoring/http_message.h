// Requests and answers of the HTTP server, without sockets (docs/http.md).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quorumbook::server {

struct HttpRequest {
  std::string method;
  std::string path;                               // percent-encoded, as it was sent
  std::map<std::string, std::string> query;       // decoded; the first of several wins
  std::map<std::string, std::string> parameters;  // of the route's path, decoded
  std::string authorization;
  std::string content_type;
  std::string body;

  // "" when it is not there.
  std::string Query(const std::string& name) const;
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
};

// To be called once, on the thread that handled the request.
using Respond = std::function<void(HttpResponse)>;

// Further fields of a problem; left out when empty or 0.
struct ProblemFields {
  std::string_view reason = {};
  uint64_t leader = 0;
  uint64_t client_order_id = 0;
};
// An application/problem+json answer.
HttpResponse Problem(unsigned status, std::string_view code, std::string_view detail,
                     std::string_view hint, const ProblemFields& fields = {});

// Splits "/path?a=b", or "http://host/path?a=b", into path and query. False: malformed.
bool ParseTarget(std::string_view target, HttpRequest* request);
// False: malformed.
bool PercentDecode(std::string_view text, bool plus_is_space, std::string* out);

std::string_view StatusText(unsigned status);

}  // namespace quorumbook::server
