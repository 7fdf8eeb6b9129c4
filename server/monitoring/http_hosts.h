// Under which names the HTTP server may be asked (docs/http.md).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace quorumbook::server {

// Keeps pages of elsewhere from reading by a name of theirs that they let point to this node (DNS
// rebinding): what a browser sends as Host is the name that its page was loaded from.
class HttpHosts {
 public:
  // `loopback`: whether only this machine reaches the listener. `names`: http.hosts, commas between
  // them.
  HttpHosts(bool loopback, std::string_view names);

  // `host`: the header; "" when there is none, as no browser does.
  bool Allow(std::string_view host) const;

 private:
  const bool loopback_;
  std::vector<std::string> names_;  // in lower case, without ports
};

}  // namespace quorumbook::server
