// Which ids the names of symbols and assets have on one shard, for threads beside the shard's own.
// Ids never change and neither symbols nor assets are taken away, so that an answer stays right.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>

#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "exchange/types.h"

namespace quorumbook::server {

// Thread-safe.
template <typename Id>
class NameTable {
 public:
  // 0 when there is no such name (yet).
  Id Find(std::string_view name) const {
    const std::shared_lock lock(mutex_);
    const auto it = ids_.find(absl::string_view(name.data(), name.size()));
    return it == ids_.end() ? Id() : it->second;
  }
  size_t size() const {
    const std::shared_lock lock(mutex_);
    return ids_.size();
  }
  void Add(std::string_view name, Id id) {
    const std::unique_lock lock(mutex_);
    ids_.emplace(std::string(name), id);
  }

 private:
  mutable std::shared_mutex mutex_;
  absl::flat_hash_map<std::string, Id> ids_;  // guarded by mutex_
};

struct NameDirectory {
  NameTable<exchange::SymbolId> symbols;
  NameTable<exchange::AssetId> assets;
};

}  // namespace quorumbook::server
