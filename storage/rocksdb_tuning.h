// RocksDB options for a log that is appended, synced, compacted away from its front, and read only
// at start.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/rate_limiter.h>

#include <memory>
#include <vector>

namespace quorumbook::storage {

// With a rate limiter that does not limit yet: while a store is opened nobody waits for a sync.
rocksdb::DBOptions TunedDbOptions(rocksdb::Env* env,
                                  std::shared_ptr<rocksdb::EventListener> listener);
// From now on the syncs of log writes must not queue behind tables.
void LimitTableWrites(rocksdb::RateLimiter* limiter);

// In the order of enum Family.
std::vector<rocksdb::ColumnFamilyDescriptor> TunedFamilies();

}  // namespace quorumbook::storage
