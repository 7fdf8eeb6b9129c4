// Tells of failed syncs of directories, of which RocksDB (7.8) tells its listeners nothing.
#pragma once

#include <rocksdb/env.h>

#include <functional>
#include <memory>

namespace quorumbook::storage {

// An environment that does everything as `base`, and calls `failed` when the sync of a directory
// fails, from the thread that asked for it. REQUIRES: `base` outlives it; `failed` may be called as
// long as any file of it is open, by several threads at a time.
std::unique_ptr<rocksdb::Env> WatchDirectorySyncs(rocksdb::Env* base, std::function<void()> failed);

}  // namespace quorumbook::storage
