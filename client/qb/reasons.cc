// What a reason means and what to do about it.
#include "client/qb/render.h"

namespace quorumbook::qb {
namespace {

const char* OfOrders(v1::Reason reason) {
  switch (reason) {
    case v1::INVALID_QUANTITY:
      return "the quantity must be 1 to 500,000,000,000 lots";
    case v1::INVALID_PRICE:
      return "the price must be 1 to 1,000,000,000,000 ticks";
    case v1::DUPLICATE_CLIENT_ORDER_ID:
      return "an open order of this account in the symbol has that id; choose another";
    case v1::UNKNOWN_ORDER:
      return "this account has no such order in the symbol, or it finished too long ago; check the "
             "id and --account";
    case v1::ORDER_FINISHED:
      return "too late: the order is filled or cancelled already; see `qb order status`";
    case v1::INVALID_ORDER:
      return "its fields contradict each other; e.g. a market order is ioc or fok and has no price";
    case v1::TOO_MANY_ORDERS:
      return "the shard has 16,777,216 open orders already; cancel some";
    case v1::INVALID_CLIENT_ORDER_ID:
      return "an order id is 1 or more";
    case v1::PRICE_OUTSIDE_BAND:
      return "the price is too far from the reference price or the last trade; see `qb symbol "
             "list`";
    case v1::NO_REFERENCE_PRICE:
      return "a market order in an auction, or a trailing stop before any trade, needs the "
             "symbol's "
             "reference price; use a limit order";
    case v1::NO_PROTECTION:
      return "the order has no bound on its price; give --protection, or set the symbol's";
    case v1::WOULD_TRADE:
      return "a post-only order that would trade at once; give it a price further away";
    case v1::INVALID_STOP_PRICE:
      return "--stop is missing or out of range, or the order has none";
    case v1::STOP_TRIGGERED:
      return "the market is at the stop price already; use a market or limit order";
    case v1::INVALID_TRAIL:
      return "--trail is missing or out of range, or the order has none";
    case v1::INVALID_DISPLAY:
      return "--display is above the quantity, or the order can not rest";
    case v1::INVALID_MINIMUM:
      return "--minimum is above the quantity, or the order can not have one (stops, post-only)";
    case v1::INVALID_EXPIRY:
      return "--expires is missing with --tif gtd, or given without it";
    case v1::EXPIRY_PASSED:
      return "the time of --expires has passed";
    case v1::TOO_MANY_TRAILING_STOPS:
      return "the symbol has 1,024 trailing stops already";
    case v1::TOO_MANY_ALL_OR_NONE:
      return "this side of the symbol has 64 all-or-none orders already";
    case v1::INVALID_SELECTION:
      return "a side can be cancelled of one symbol only; name it with --symbol";
    default:
      return "";
  }
}

const char* OfSymbols(v1::Reason reason) {
  switch (reason) {
    case v1::UNKNOWN_SYMBOL:
      return "there is no such symbol; `qb symbol list` shows those there are";
    case v1::SYMBOL_EXISTS:
      return "it exists with other sizes or assets";
    case v1::INVALID_SYMBOL:
      return "a name has 1 to 16 printable ASCII characters without spaces, sizes are positive; a "
             "lot, and a lot times a tick, must be whole units of the assets";
    case v1::TOO_MANY_SYMBOLS:
      return "the shard has 100,000 symbols already";
    case v1::SYMBOL_DELISTED:
      return "the symbol was delisted";
    case v1::WRONG_PHASE:
      return "the symbol's phase does not take this; `qb symbol list` shows it";
    case v1::SYMBOL_BUSY:
      return "an uncrossing, an expiry of many orders or a delisting goes on; repeat";
    case v1::INVALID_RULES:
      return "a rule is negative, or a band or fee is above 10,000 bp";
    case v1::PHASE_UNCHANGED:
      return "the symbol is in that phase already";
    default:
      return "";
  }
}

const char* OfCancellations(v1::Reason reason) {
  switch (reason) {
    case v1::REQUESTED:
      return "cancelled on request";
    case v1::UNFILLED_REMAINDER:
      return "what an ioc or market order could not trade, at once or in its auction, is cancelled";
    case v1::NOT_FILLABLE:
      return "a fok order that can not trade whole at once is cancelled";
    case v1::FILL_LIMIT:
      return "one command has at most 16,384 fills; the rest is cancelled";
    case v1::REPLACED_BELOW_EXECUTED:
      return "the new quantity is not above what is executed already";
    case v1::EXPIRED:
      return "its time is over";
    case v1::DAY_OVER:
      return "a day order, and the day is over";
    case v1::SELF_TRADE_PREVENTED:
      return "it would have traded with an order of its own account";
    case v1::MINIMUM_NOT_MET:
      return "less than its minimum quantity could trade at once";
    case v1::MASS_CANCELED:
      return "cancelled with others on request";
    case v1::KILL_SWITCH:
      return "the account's kill switch was engaged";
    case v1::DISCONNECTED:
      return "the client of its session was lost";
    case v1::DELISTED:
      return "the symbol was delisted";
    case v1::PROTECTION_REACHED:
      return "the rest would trade beyond its price protection";
    default:
      return "";
  }
}

const char* OfAccounts(v1::Reason reason) {
  switch (reason) {
    case v1::UNKNOWN_ASSET:
      return "there is no such asset; `qb asset list` shows those there are";
    case v1::INVALID_ASSET:
      return "a name has 1 to 16 printable ASCII characters without spaces, decimals are 0 to 18";
    case v1::ASSET_EXISTS:
      return "it exists with other decimals";
    case v1::TOO_MANY_ASSETS:
      return "the shard has 4,096 assets already";
    case v1::UNKNOWN_ACCOUNT:
      return "the account never had a deposit, limits or the kill switch; see `qb account deposit`";
    case v1::INVALID_ACCOUNT:
      return "an account is 1 or more";
    case v1::TOO_MANY_ACCOUNTS:
      return "the shard has 1,000,000 accounts already";
    case v1::INVALID_AMOUNT:
      return "an amount must be 1 to 4 * 10^18 units, a limit not negative";
    case v1::AMOUNT_LIMIT:
      return "there would be more than 4 * 10^18 units of the asset";
    case v1::INSUFFICIENT_BALANCE:
      return "the free balance is less than needed; see `qb account show`";
    case v1::NOTIONAL_TOO_LARGE:
      return "price times quantity is above 4 * 10^18 units";
    case v1::ACCOUNT_BLOCKED:
      return "the account's kill switch is engaged; see `qb account kill-switch`";
    case v1::ORDER_QUANTITY_LIMIT:
      return "the quantity is outside the limits of the account or the symbol";
    case v1::OPEN_ORDER_LIMIT:
      return "the account has as many open orders as it may";
    case v1::NOTIONAL_LIMIT:
      return "price times quantity is above the account's limit";
    case v1::POSITION_LIMIT:
      return "the account would have more of the asset than it may";
    case v1::TOO_MANY_DISPLAYS:
      return "the iceberg shows less than 1/1,024 of its quantity at a time: show more of it";
    case v1::TOO_MANY_STOPS:
      return "the symbol has as many waiting stop orders as it may: try again later";
    default:
      return "";
  }
}

}  // namespace

std::string Explain(v1::Reason reason) {
  using Explainer = const char* (*)(v1::Reason);
  for (const Explainer explain : {&OfOrders, &OfSymbols, &OfCancellations, &OfAccounts}) {
    const std::string text = explain(reason);
    if (!text.empty()) return text;
  }
  return "";
}

}  // namespace quorumbook::qb
