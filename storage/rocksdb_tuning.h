// RocksDB options for a log that is appended, synced, compacted away from its front, and read only
// at start.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>

#include <memory>
#include <vector>

namespace quorumbook::storage {

rocksdb::DBOptions TunedDbOptions(rocksdb::Env* env,
                                  std::shared_ptr<rocksdb::EventListener> listener);

// In the order of enum Family.
std::vector<rocksdb::ColumnFamilyDescriptor> TunedFamilies();

}  // namespace quorumbook::storage
