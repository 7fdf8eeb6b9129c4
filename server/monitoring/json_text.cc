#include "server/monitoring/json_text.h"

namespace quorumbook::server {

std::string ToText(const Json& document) {
  return document.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace quorumbook::server
