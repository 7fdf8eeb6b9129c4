// Which handler answers a request; refuses what none does, and who has no token.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/monitoring/http_message.h"

namespace quorumbook::server {

class Router {
 public:
  using Handler = std::function<void(const HttpRequest&, Respond)>;

  // What requests to routes of traders and operators must send; an empty `token`: they are refused.
  // An empty `operator_token`: operators send the other one.
  explicit Router(std::string token, std::string operator_token = "")
      : token_(std::move(token)), operator_token_(std::move(operator_token)) {}

  enum class Access : uint8_t { kOpen, kTrader, kOperator };
  // `pattern` is a path in which {name} stands for one segment, e.g. "/api/book/{symbol}".
  void Add(std::string_view method, std::string_view pattern, Access access, Handler handler);
  // Answers GET requests whose path no pattern fits.
  void SetFallback(Handler handler) { fallback_ = std::move(handler); }

  // The pattern that fits the path: what a metric may be labelled with. "other": none.
  std::string RouteOf(const HttpRequest& request) const;

  // HEAD is answered as GET; to leave the body out is up to the server.
  void Handle(HttpRequest request, Respond respond) const;

  bool has_token() const { return !token_.empty() || !operator_token_.empty(); }

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;
    std::string pattern;
    Access access;
    Handler handler;
  };
  static bool Fits(const Route& route, const std::vector<std::string_view>& path,
                   HttpRequest* request);
  // Why the request may not; status 200: it may.
  HttpResponse Refusal(const HttpRequest& request, Access access) const;

  const std::string token_;
  const std::string operator_token_;
  std::vector<Route> routes_;
  Handler fallback_;
};

}  // namespace quorumbook::server
