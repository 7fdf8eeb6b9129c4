#include "flow_coverage.h"

#include <array>
#include <string_view>
#include <variant>

#include "event_text.h"

namespace quorumbook::exchange {
namespace {

constexpr std::array kTypes = {"limit", "market", "stop", "stop-limit", "trailing"};
constexpr std::array kChoices = {"allow", "taker", "maker", "both", "decrement"};

std::string TypeOf(OrderType type, const OrderTerms& terms) {
  if (terms.all_or_none) return "all-or-none";
  if (terms.display != 0 && type == OrderType::kLimit) return "iceberg";
  return kTypes.at(static_cast<size_t>(type) - 1);
}

std::string PhaseText(Phase phase) { return std::string(ToText(phase)); }

}  // namespace

void FlowCoverage::Begin(const ReferenceMarket& market) {
  what_.clear();
  self_trade_.clear();
  phases_.clear();
  for (uint32_t id = 1; id <= market.symbols(); ++id) {
    phases_[SymbolId(id)] = market.phase(SymbolId(id));
  }
}

void FlowCoverage::Others(const ReferenceMarket& market, const std::vector<Event>& events) {
  Begin(market);
  for (const Event& event : events) CountEvent(market, event);
}

void FlowCoverage::Before(const ReferenceMarket& market, AccountId account,
                          const Command& command) {
  Begin(market);
  const auto note_order = [&](const NewOrder& order, const OrderTerms& terms) {
    if (!phases_.contains(order.symbol)) return;
    what_ = "new " + TypeOf(order.type, terms) + ", " + PhaseText(phases_[order.symbol]);
    self_trade_ = kChoices.at(static_cast<size_t>(order.self_trade));
  };
  if (const auto* plain = std::get_if<NewOrder>(&command)) note_order(*plain, {});
  if (const auto* special = std::get_if<SpecialOrder>(&command)) {
    note_order(special->order, special->terms);
  }
  if (const auto* replace = std::get_if<ReplaceOrder>(&command)) {
    const auto order = market.FindOrder({account, replace->symbol, replace->client_order_id});
    if (!order.has_value() || order->leaves == 0) return;
    what_ = "replace " + TypeOf(order->type, order->terms) + (order->parked ? " parked" : "") +
            ", " + PhaseText(phases_[order->symbol]);
  }
  if (const auto* mass = std::get_if<MassCancel>(&command)) {
    what_ = mass->symbol == SymbolId() ? "mass cancel of all"
            : mass->side == Side{}     ? "mass cancel of a symbol"
                                       : "mass cancel of a side";
  }
}

void FlowCoverage::CountEvent(const ReferenceMarket& market, const Event& event) {
  const std::string reason(ToText(event.reason));
  if (event.type == EventType::kOrderCanceled) {
    if (event.reason == Reason::kSelfTradePrevented && !self_trade_.empty()) {
      Count("self-trade " + self_trade_);
    }
    const auto order = market.FindOrder({event.account, event.symbol, event.client_order_id});
    const std::string type = order.has_value() ? TypeOf(order->type, {}) : "";
    if (all_or_none_.contains(event.order_id)) Count(reason + " of all-or-none");
    Count(reason + ", " + PhaseText(phases_[event.symbol]));
    Count(reason + " of " + type);
  }
  if (event.command == CommandKind::kNone && event.reason != Reason::kNone) {
    Count("later: " + reason);
  }
}

void FlowCoverage::After(const ReferenceMarket& market, const std::vector<Event>& events) {
  if (!what_.empty() && !events.empty()) {
    const Event& first = events.front();
    const bool refused = first.type == EventType::kCommandRejected;
    Count(what_ + (refused ? ": refused" : ": done"));
    const std::string kind = what_.substr(0, what_.find(' '));
    if (refused) Count(kind + ": " + std::string(ToText(first.reason)));
    if (kind == "new" && !refused) {
      all_or_none_.erase(first.order_id);  // that of another run
      if (what_.starts_with("new all-or-none")) all_or_none_.insert(first.order_id);
    }
  }
  for (const Event& event : events) CountEvent(market, event);
}

std::vector<std::string> FlowCoverage::Missing() const {
  std::vector<std::string> wanted = {"mass cancel of all: done",    "mass cancel of a symbol: done",
                                     "mass cancel of a side: done", "new: price outside band",
                                     "replace: price outside band", "later: price outside band"};
  const auto want = [&](const std::string& name) { wanted.push_back(name); };
  for (int phase = 1; phase <= 6; ++phase) {
    const std::string in = ", " + PhaseText(static_cast<Phase>(phase));
    const bool closed =
        phase == static_cast<int>(Phase::kHalt) || phase == static_cast<int>(Phase::kClosed);
    for (const std::string type :
         {"limit", "market", "stop", "stop-limit", "trailing", "iceberg", "all-or-none"}) {
      want("new " + type + in + ": refused");
      const bool collected = type != "all-or-none" &&
                             (type != "market" || static_cast<Phase>(phase) != Phase::kPreOpen);
      if (!closed && (collected || static_cast<Phase>(phase) == Phase::kContinuous)) {
        want("new " + type + in + ": done");
      }
    }
    for (const std::string type : {"limit", "iceberg", "stop parked", "stop-limit parked",
                                   "trailing parked", "all-or-none parked"}) {
      want("replace " + type + in + (closed ? ": refused" : ": done"));
    }
    for (const Reason reason : {Reason::kKillSwitch, Reason::kDisconnected, Reason::kMassCanceled,
                                Reason::kDelisted, Reason::kExpired, Reason::kRequested}) {
      want(std::string(ToText(reason)) + in);
    }
  }
  for (const Reason reason : {Reason::kKillSwitch, Reason::kDisconnected, Reason::kMassCanceled,
                              Reason::kDelisted, Reason::kDayOver, Reason::kExpired}) {
    want(std::string(ToText(reason)) + " of all-or-none");
    for (const std::string type : kTypes) {
      // Is never a day order, nor good till a time.
      const bool ends = reason == Reason::kDayOver || reason == Reason::kExpired;
      if (ends && type == "market") continue;
      want(std::string(ToText(reason)) + " of " + type);
    }
  }
  // Of orders that wait for an auction's end, perhaps through a halt.
  for (const Phase phase : {Phase::kOpeningAuction, Phase::kClosingAuction, Phase::kHalt}) {
    want("unfilled remainder, " + PhaseText(phase));
  }
  want("unfilled remainder of market");
  for (const char* choice : {"taker", "maker", "both", "decrement"}) {
    want(std::string("self-trade ") + choice);
  }
  for (const Reason reason :
       {Reason::kOrderQuantityLimit, Reason::kNotionalTooLarge, Reason::kNotionalLimit,
        Reason::kPositionLimit, Reason::kInsufficientBalance, Reason::kAccountBlocked,
        Reason::kWouldTrade, Reason::kTooManyDisplays, Reason::kInvalidPrice,
        Reason::kInvalidQuantity, Reason::kInvalidClientOrderId, Reason::kInvalidDisplay,
        Reason::kInvalidMinimum, Reason::kInvalidStopPrice, Reason::kStopTriggered,
        Reason::kExpiryPassed, Reason::kNoProtection, Reason::kNoReferencePrice,
        Reason::kDuplicateClientOrderId}) {
    want("new: " + std::string(ToText(reason)));
  }
  std::vector<std::string> missing;
  for (const std::string& name : wanted) {
    if (!counts_.contains(name)) missing.push_back(name);
  }
  return missing;
}

}  // namespace quorumbook::exchange
