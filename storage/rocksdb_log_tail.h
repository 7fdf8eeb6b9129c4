// Tells a torn tail from a damaged one in RocksDB's write-ahead logs and manifest.
#pragma once

#include <absl/status/status.h>
#include <rocksdb/env.h>

#include <string>

namespace quorumbook::storage {

// RocksDB takes a record that ends beyond the end of its file for one that a crash has cut, and
// drops it with everything after it (WALRecoveryMode::kTolerateCorruptedTailRecords; every other
// mode that survives a crash drops more). A flipped bit in a length field near the end of a file
// looks the same, and would make acknowledged writes vanish without an error. It is told apart by
// the record's checksum: it fits none of the lengths that are there when the record was cut (but
// one time in 10^5 for a cut record, which then is an error without need).
//
// Looks at the last 32 KiB block of each write-ahead log and manifest in `directory`; of the rest
// RocksDB itself reports damage. REQUIRES: nobody has the store open. Errors: kDataLoss names the
// file and the offset; kInternal when a file cannot be read.
// Format: https://github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format
absl::Status CheckLogTails(rocksdb::Env* env, const std::string& directory);

}  // namespace quorumbook::storage
