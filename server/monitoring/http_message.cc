#include "server/monitoring/http_message.h"

#include "server/monitoring/json_text.h"

namespace quorumbook::server {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string HttpRequest::Query(const std::string& name) const {
  const auto found = query.find(name);
  return found == query.end() ? "" : found->second;
}

std::string_view StatusText(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Error";
  }
}

HttpResponse Problem(unsigned status, std::string_view code, std::string_view detail,
                     std::string_view hint, const ProblemFields& fields) {
  Json body = {{"type", "about:blank"}, {"title", StatusText(status)},
               {"status", status},      {"code", code},
               {"detail", detail},      {"hint", hint}};
  if (!fields.reason.empty()) body["reason"] = fields.reason;
  if (fields.leader != 0) body["leader"] = fields.leader;
  if (fields.client_order_id != 0) {
    body["client_order_id"] = std::to_string(fields.client_order_id);
  }
  return {status, "application/problem+json", ToText(body) + "\n"};
}

bool PercentDecode(std::string_view text, bool plus_is_space, std::string* out) {
  out->clear();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      *out += ' ';
    } else if (text[i] == '%') {
      if (i + 2 >= text.size()) return false;
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high < 0 || low < 0) return false;
      *out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      *out += text[i];
    }
  }
  return true;
}

bool ParseTarget(std::string_view target, HttpRequest* request) {
  // Proxies may send the whole URL (RFC 9112, 3.2.2).
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    const size_t path = target.find('/', scheme.size());
    target = path == std::string_view::npos ? "/" : target.substr(path);
  }
  if (target.empty() || target[0] != '/') return false;
  const size_t question = target.find('?');
  request->path = target.substr(0, question);
  if (question == std::string_view::npos) return true;
  std::string_view rest = target.substr(question + 1);
  while (!rest.empty()) {
    const size_t end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    std::string name;
    std::string value;
    if (!PercentDecode(pair.substr(0, equals), true, &name)) return false;
    const bool has_value = equals != std::string_view::npos;
    if (has_value && !PercentDecode(pair.substr(equals + 1), true, &value)) return false;
    request->query.emplace(std::move(name), std::move(value));
  }
  return true;
}

}  // namespace quorumbook::server
