// Assets, and the accounts that have them.
//
// For each asset sum(free + held) + fees = deposited: amounts are moved, or come and go with a
// deposit or withdrawal. As `deposited` is at most kMaxAmount, no sum of balances overflows.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/check.h"
#include "exchange/command.h"
#include "exchange/exchange.h"
#include "exchange/order.h"
#include "exchange/order_index.h"
#include "exchange/types.h"

namespace quorumbook::exchange {

using AccountHandle = uint32_t;

struct Balance {
  AssetId asset;
  Amount free = 0;
  Amount held = 0;            // for open orders
  Uint128 incoming = 0;       // what open orders would buy
  Amount position_limit = 0;  // 0: none
};

struct Account {
  AccountId id;
  AccountLimits limits;
  bool blocked = false;
  uint64_t open_orders = 0;       // in symbols with assets
  std::vector<Balance> balances;  // by asset

  // nullptr when the account never had any.
  const Balance* Find(AssetId asset) const;
  Balance* Find(AssetId asset) {
    return const_cast<Balance*>(static_cast<const Account*>(this)->Find(asset));
  }
  Balance& FindOrAdd(AssetId asset);
};

// Why an asset can not have that name and exponent; kNone when it can.
Reason CheckAsset(const AddAsset& asset);

class AssetTable {
 public:
  size_t size() const { return assets_.size(); }
  AssetInfo* Find(AssetId id) {
    const size_t slot = size_t{id.value()} - 1;
    return slot < assets_.size() ? &assets_[slot] : nullptr;
  }
  const AssetInfo* Find(AssetId id) const { return const_cast<AssetTable*>(this)->Find(id); }
  const AssetInfo* Find(std::string_view name) const;
  // REQUIRES: CheckAsset accepts it, no asset has its name, size() < kMaxAssets.
  AssetInfo& Add(const AddAsset& asset);

  auto begin() const { return assets_.begin(); }
  auto end() const { return assets_.end(); }

 private:
  std::deque<AssetInfo> assets_;
  absl::flat_hash_map<std::string, AssetId> by_name_;
};

// Whose each order of a symbol with assets is. Kept apart from the orders, which most markets'
// recordings and benchmarks fill without accounts.
class OrderOwners {
 public:
  AccountHandle& operator[](OrderHandle handle);
  AccountHandle operator[](OrderHandle handle) const {
    return chunks_[handle / kChunk][handle % kChunk];
  }

 private:
  static constexpr size_t kChunk = 4'096;
  std::vector<std::unique_ptr<AccountHandle[]>> chunks_;
};

class AccountTable {
 public:
  size_t size() const { return accounts_.size(); }
  // How many are blocked by the kill switch.
  size_t blocked() const { return blocked_; }

  Account* Find(AccountId id);
  const Account* Find(AccountId id) const { return const_cast<AccountTable*>(this)->Find(id); }
  // nullptr when there is no room. REQUIRES: id is not 0.
  Account* FindOrAdd(AccountId id);
  void SetBlocked(Account* account, bool blocked);

  Account& operator[](AccountHandle handle) { return accounts_[handle]; }
  const Account& operator[](AccountHandle handle) const { return accounts_[handle]; }
  // kNullHandle when there is none.
  AccountHandle HandleOf(AccountId id) const {
    return by_id_.Find(OrderIndex::HashOf(id.value()),
                       [&](AccountHandle handle) { return accounts_[handle].id == id; });
  }

  // Remembers whose order it is. REQUIRES: there is an account.
  void Own(OrderHandle order, AccountId id) {
    const AccountHandle handle = HandleOf(id);
    QB_CHECK(handle != kNullHandle);
    owners_[order] = handle;
  }
  Account& OwnerOf(OrderHandle order) { return accounts_[owners_[order]]; }

  AssetTable& assets() { return assets_; }
  const AssetTable& assets() const { return assets_; }

  // In the order in which they first came.
  auto begin() const { return accounts_.begin(); }
  auto end() const { return accounts_.end(); }

 private:
  AssetTable assets_;
  std::deque<Account> accounts_;
  OrderIndex by_id_;
  OrderOwners owners_;
  size_t blocked_ = 0;
};

}  // namespace quorumbook::exchange
