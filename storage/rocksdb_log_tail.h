// Tells a torn tail from damage in RocksDB's write-ahead logs and manifest.
#pragma once

#include <absl/status/status.h>
#include <rocksdb/env.h>

#include <string>

namespace quorumbook::storage {

// A loss of power can leave anything of what was appended after the last sync: a part of it, or its
// full length with zeros or old bytes in some sectors. RocksDB either takes this for damage, or
// (WALRecoveryMode::kPointInTimeRecovery) drops everything from any damage on, acknowledged writes
// included; and it passes over zeros, and over a length that is damaged near the end of a file.
// Here the two are told apart, before RocksDB sees the files. Each write is synced before the next
// one is appended, so that only the last record of the newest write-ahead log can be torn. Not
// sound is damage
//   - if a record begins behind it: what stood there had been synced when that was written;
//   - if it is, in part, what the mark says was synced (rocksdb_synced_mark.h);
//   - if it is in a write-ahead log that is followed by one with contents;
//   - if it is a record whose checksum fits a shorter length than it names: its length was changed
//     (but one time in 10^5 for a torn record, which then is an error without need).
// Otherwise it is torn, and was never acknowledged: it is cut off, durably. The manifest, of which
// RocksDB may append several records before a sync, is judged alike; a torn record of it that is
// followed by a whole one is an error without need.
//
// Damage to the last synced record is cut as well if the mark is lost, or older: after a loss of
// power within seconds of that write, when both happened.
//
// REQUIRES: nobody has the store open; it has a file CURRENT. Errors: kDataLoss names the file and
// the offset; kInternal when a file can not be read or cut, kResourceExhausted when it can not be
// cut because the disk is full.
// Format: https://github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format
absl::Status CutTornTails(rocksdb::Env* env, const std::string& directory);

}  // namespace quorumbook::storage
