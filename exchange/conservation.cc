#include "exchange/conservation.h"

#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_cat.h>

#include <utility>
#include <vector>

namespace quorumbook::exchange {
namespace {

// What the open orders need, found anew from the orders.
struct Needs {
  Uint128 held = 0;
  Uint128 incoming = 0;
};
using AllNeeds = absl::flat_hash_map<std::pair<AccountId, AssetId>, Needs>;

void AddNeeds(const Symbol& symbol, const Order& order, AllNeeds* needs) {
  const auto leaves = static_cast<uint64_t>(order.leaves());
  const Uint128 goods = Uint128{leaves} * static_cast<uint64_t>(symbol.scale.base);
  if (order.side == Side::kSell) {
    (*needs)[{order.account, symbol.info.base}].held += goods;
    return;
  }
  (*needs)[{order.account, symbol.info.base}].incoming += goods;
  (*needs)[{order.account, symbol.info.quote}].held += Uint128{leaves} *
                                                       static_cast<uint64_t>(order.price) *
                                                       static_cast<uint64_t>(symbol.scale.quote);
}

AllNeeds NeedsOf(const Market& market) {
  AllNeeds needs;
  for (const auto& symbol : market.symbols()) {
    if (!symbol->funded()) continue;
    const auto add = [&](OrderHandle handle) {
      AddNeeds(*symbol, market.orders()[handle], &needs);
      return true;
    };
    for (const BookSide* side : {&symbol->bids(), &symbol->asks()}) {
      side->ForEachLevel([&](const Level& level) {
        for (OrderHandle at = level.first; at != kNullHandle; at = market.orders()[at].next) {
          add(at);
        }
        return true;
      });
    }
    symbol->parked.ForEach(add);
  }
  return needs;
}

}  // namespace

absl::Status CheckConservation(const Market& market) {
  const AllNeeds needs = NeedsOf(market);
  std::vector<Uint128> sums(market.accounts().assets().size() + 1, 0);
  size_t met = 0;
  for (const Account& account : market.accounts()) {
    for (const Balance& balance : account.balances) {
      const auto where = [&] {
        return absl::StrCat("account ", account.id.value(), ", asset ", balance.asset.value());
      };
      if (balance.free < 0 || balance.held < 0) {
        return absl::InternalError(absl::StrCat(where(), ": a negative balance, ", balance.free,
                                                " free and ", balance.held, " held"));
      }
      sums[balance.asset.value()] +=
          static_cast<Uint128>(balance.free) + static_cast<Uint128>(balance.held);
      const auto it = needs.find({account.id, balance.asset});
      const Needs need = it == needs.end() ? Needs() : it->second;
      met += it != needs.end();
      if (need.held != static_cast<Uint128>(balance.held) || need.incoming != balance.incoming) {
        return absl::InternalError(absl::StrCat(where(), ": ", balance.held,
                                                " are held, but open orders need ",
                                                static_cast<Amount>(need.held)));
      }
    }
  }
  if (met != needs.size()) return absl::InternalError("open orders of accounts without a balance");
  for (const AssetInfo& asset : market.accounts().assets()) {
    const Uint128 sum = sums[asset.id.value()] + static_cast<Uint128>(asset.fees);
    if (asset.fees < 0 || sum != static_cast<Uint128>(asset.deposited)) {
      return absl::InternalError(absl::StrCat("asset ", asset.name, ": ", static_cast<Amount>(sum),
                                              " in balances and fees, but ", asset.deposited,
                                              " were deposited and not withdrawn"));
    }
  }
  return absl::OkStatus();
}

}  // namespace quorumbook::exchange
