#include "server/monitoring/http_hosts.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>

#include <algorithm>

namespace quorumbook::server {
namespace {

// "NAME:80" and "[::1]:80" without the port, in lower case.
std::string WithoutPort(std::string_view host) {
  const size_t bracket = host.rfind(']');
  const size_t colon = host.rfind(':');
  const bool port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (port) host = host.substr(0, colon);
  return absl::AsciiStrToLower(absl::string_view(host.data(), host.size()));
}

// The first of four numbers with dots between; -1: it is no such address.
int FirstOfIpv4(const std::string& host) {
  const std::vector<std::string> parts = absl::StrSplit(host, '.');
  if (parts.size() != 4) return -1;
  int first = -1;
  for (const std::string& part : parts) {
    uint32_t number = 0;
    const bool digits = std::all_of(part.begin(), part.end(), [](char c) {
      return absl::ascii_isdigit(static_cast<unsigned char>(c));
    });
    if (!digits || !absl::SimpleAtoi(part, &number) || number > 255) return -1;
    if (first < 0) first = static_cast<int>(number);
  }
  return first;
}

bool IsIpv6(const std::string& host) {
  return host.size() > 2 && host.front() == '[' && host.back() == ']' &&
         std::all_of(host.begin() + 1, host.end() - 1, [](char c) {
           return absl::ascii_isxdigit(static_cast<unsigned char>(c)) || c == ':' || c == '.';
         });
}

}  // namespace

HttpHosts::HttpHosts(bool loopback, std::string_view names) : loopback_(loopback) {
  for (const absl::string_view name :
       absl::StrSplit(absl::string_view(names.data(), names.size()), ',')) {
    const absl::string_view plain = absl::StripAsciiWhitespace(name);
    if (!plain.empty()) names_.push_back(WithoutPort({plain.data(), plain.size()}));
  }
}

bool HttpHosts::Allow(std::string_view host) const {
  if (host.empty()) return true;
  const std::string name = WithoutPort(host);
  if (std::find(names_.begin(), names_.end(), name) != names_.end()) return true;
  if (name == "localhost" || name == "[::1]" || FirstOfIpv4(name) == 127) return true;
  if (loopback_) return false;
  // An address is nobody's name, so nobody can let it point to elsewhere.
  return names_.empty() || FirstOfIpv4(name) >= 0 || IsIpv6(name);
}

}  // namespace quorumbook::server
