// Events and views as lines of text, for transcripts and for messages of failed tests.
#pragma once

#include <ostream>
#include <string>
#include <string_view>

#include "exchange/event.h"
#include "exchange/exchange.h"

namespace quorumbook::exchange {

std::string_view ToText(Reason reason);
std::string_view ToText(CommandKind kind);
std::string_view ToText(SessionStatus status);
std::string_view ToText(OrderStatus status);
std::string_view ToText(Side side);
std::string_view ToText(Phase phase);
std::string ToText(const Event& event);
std::string ToText(const OrderInfo& order);

inline std::ostream& operator<<(std::ostream& out, const Event& event) {
  return out << ToText(event);
}

}  // namespace quorumbook::exchange
