#include "exchange/account_table.h"

#include <absl/strings/string_view.h>

#include <algorithm>

namespace quorumbook::exchange {
namespace {

constexpr int kLeastExponent = -18;

auto PlaceOf(const std::vector<Balance>& balances, AssetId asset) {
  return std::ranges::lower_bound(balances, asset, {}, &Balance::asset);
}

}  // namespace

const Balance* Account::Find(AssetId asset) const {
  const auto it = PlaceOf(balances, asset);
  return it == balances.end() || it->asset != asset ? nullptr : &*it;
}

Balance& Account::FindOrAdd(AssetId asset) {
  const auto it = PlaceOf(balances, asset);
  if (it != balances.end() && it->asset == asset) {
    return balances[static_cast<size_t>(it - balances.begin())];
  }
  return *balances.insert(it, Balance{.asset = asset});
}

Reason CheckAsset(const AddAsset& asset) {
  const bool printable =
      std::ranges::all_of(asset.name, [](char c) { return c > ' ' && c <= '~'; });
  const bool valid = !asset.name.empty() && asset.name.size() <= kMaxAssetName && printable &&
                     asset.exponent >= kLeastExponent && asset.exponent <= 0;
  return valid ? Reason::kNone : Reason::kInvalidAsset;
}

const AssetInfo* AssetTable::Find(std::string_view name) const {
  const auto it = by_name_.find(absl::string_view(name.data(), name.size()));
  return it == by_name_.end() ? nullptr : Find(it->second);
}

AssetInfo& AssetTable::Add(const AddAsset& asset) {
  const AssetId id(static_cast<uint32_t>(assets_.size() + 1));
  by_name_.emplace(asset.name, id);
  return assets_.emplace_back(AssetInfo{.id = id, .name = asset.name, .exponent = asset.exponent});
}

AccountHandle& OrderOwners::operator[](OrderHandle handle) {
  const size_t chunk = handle / kChunk;
  if (chunk >= chunks_.size()) chunks_.resize(chunk + 1);
  if (chunks_[chunk] == nullptr) chunks_[chunk] = std::make_unique<AccountHandle[]>(kChunk);
  return chunks_[chunk][handle % kChunk];
}

Account* AccountTable::Find(AccountId id) {
  const AccountHandle handle = HandleOf(id);
  return handle == kNullHandle ? nullptr : &accounts_[handle];
}

Account* AccountTable::FindOrAdd(AccountId id) {
  if (Account* const account = Find(id); account != nullptr) return account;
  if (size() >= kMaxAccounts) return nullptr;
  by_id_.Insert(OrderIndex::HashOf(id.value()), static_cast<AccountHandle>(accounts_.size()));
  Account& account = accounts_.emplace_back();
  account.id = id;
  return &account;
}

void AccountTable::SetBlocked(Account* account, bool blocked) {
  if (account->blocked == blocked) return;
  account->blocked = blocked;
  blocked ? ++blocked_ : --blocked_;
}

}  // namespace quorumbook::exchange
