#include "server/monitoring/router.h"

#include <absl/strings/match.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <set>
#include <utility>

namespace quorumbook::server {
namespace {

constexpr std::string_view kBearer = "bearer ";

std::vector<std::string_view> Segments(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const size_t end = path.find('/');
    segments.push_back(path.substr(0, end));
    path = end == std::string_view::npos ? std::string_view() : path.substr(end);
  }
  return segments;
}

bool IsParameter(std::string_view segment) { return !segment.empty() && segment.front() == '{'; }

// Takes the same time wherever the two differ.
bool SameToken(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  int difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= a[i] ^ b[i];
  return difference == 0;
}

// RFC 9110, 11.6.1: an answer of 401 names the scheme.
HttpResponse Unauthorized(HttpResponse problem) {
  problem.headers.emplace_back("WWW-Authenticate", "Bearer");
  return problem;
}

}  // namespace

void Router::Add(std::string_view method, std::string_view pattern, Access access,
                 Handler handler) {
  std::vector<std::string> segments;
  for (const std::string_view segment : Segments(pattern)) segments.emplace_back(segment);
  routes_.push_back(
      {std::string(method), std::move(segments), std::string(pattern), access, std::move(handler)});
}

bool Router::Fits(const Route& route, const std::vector<std::string_view>& path,
                  HttpRequest* request) {
  if (route.segments.size() != path.size()) return false;
  std::map<std::string, std::string> parameters;
  for (size_t i = 0; i < path.size(); ++i) {
    const std::string_view expected = route.segments[i];
    if (!IsParameter(expected)) {
      if (expected != path[i]) return false;
      continue;
    }
    std::string value;
    if (!PercentDecode(path[i], false, &value) || value.empty()) return false;
    parameters.emplace(expected.substr(1, expected.size() - 2), std::move(value));
  }
  request->parameters = std::move(parameters);
  return true;
}

std::string Router::RouteOf(const HttpRequest& request) const {
  HttpRequest scratch;
  const std::vector<std::string_view> path = Segments(request.path);
  for (const Route& route : routes_) {
    if (Fits(route, path, &scratch)) return route.pattern;
  }
  return "other";
}

HttpResponse Router::Refusal(const HttpRequest& request, Access access) const {
  const bool of_operators = access == Access::kOperator && !operator_token_.empty();
  const std::string& token = of_operators ? operator_token_ : token_;
  const std::string& of_others = of_operators ? token_ : operator_token_;
  const std::string key = of_operators ? "http.operator_token" : "http.token";
  if (token.empty()) {
    return Problem(403, "writes_off",
                   of_others.empty() ? "this node has no token, so nothing can be changed over HTTP"
                                     : "this node has no http.token, so nobody trades over HTTP",
                   "set http.token or http.token_file in its configuration and restart it");
  }
  const std::string_view sent = request.authorization;
  // The name of a scheme is the same in any case (RFC 9110, 11.1).
  if (!absl::EqualsIgnoreCase(absl::string_view(sent.data(), std::min(sent.size(), kBearer.size())),
                              absl::string_view(kBearer.data(), kBearer.size()))) {
    return Unauthorized(
        Problem(401, "token_required", "this needs a token",
                "send the header `Authorization: Bearer TOKEN` with the node's " + key));
  }
  const std::string_view given = sent.substr(kBearer.size());
  if (SameToken(given, token)) return {};
  if (!of_others.empty() && SameToken(given, of_others)) {
    return Problem(403, "wrong_role",
                   of_operators ? "this is for operators, and the token is that of traders"
                                : "this is for traders, and the token is that of operators",
                   "send " + key + " of the node's configuration");
  }
  return Unauthorized(Problem(401, "wrong_token", "this is not the token of this node",
                              "see " + key + " or " + key + "_file in the node's configuration"));
}

void Router::Handle(HttpRequest request, Respond respond) const {
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  const std::vector<std::string_view> path = Segments(request.path);
  std::set<std::string> methods;
  for (const Route& route : routes_) {
    if (!Fits(route, path, &request)) continue;
    if (route.method != method) {
      methods.insert(route.method);
      continue;
    }
    if (route.access != Access::kOpen) {
      HttpResponse refusal = Refusal(request, route.access);
      if (refusal.status != 200) return respond(std::move(refusal));
    }
    return route.handler(request, std::move(respond));
  }
  if (!methods.empty()) {
    const std::string allowed = absl::StrJoin(methods, ", ");
    HttpResponse response = Problem(
        405, "wrong_method", request.method + " is not for " + request.path, "use " + allowed);
    response.headers.emplace_back("Allow", allowed);
    return respond(std::move(response));
  }
  if (fallback_ && method == "GET") return fallback_(request, std::move(respond));
  respond(Problem(404, "unknown_path", "there is nothing at " + request.path,
                  "/api/openapi.json lists what there is"));
}

}  // namespace quorumbook::server
