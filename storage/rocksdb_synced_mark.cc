#include "storage/rocksdb_synced_mark.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include "common/bytes.h"
#include "common/digest.h"

namespace quorumbook::storage {
namespace {

std::string MarkPath(const std::string& directory) {
  return absl::StrCat(directory, "/quorumbook.synced");
}

std::string Encode(const Synced& synced) {
  std::string body;
  ByteWriter writer(&body);
  for (const SyncedFile& file : {synced.log, synced.manifest}) {
    writer.Put(file.number);
    writer.Put(file.bytes);
  }
  std::string record;
  ByteWriter(&record).Put(Checksum64(body));
  return record + body;
}

Synced Decode(std::string_view record) {
  ByteReader reader(record);
  const auto checksum = reader.Get<uint64_t>();
  Synced synced;
  for (SyncedFile* file : {&synced.log, &synced.manifest}) {
    file->number = reader.Get<uint64_t>();
    file->bytes = reader.Get<uint64_t>();
  }
  if (!reader.ok() || checksum != Checksum64(record.substr(sizeof(checksum)))) return {};
  return synced;
}

uint64_t ParseNumber(std::string_view digits) {
  uint64_t number = 0;
  return absl::SimpleAtoi(absl::string_view(digits.data(), digits.size()), &number) ? number : 0;
}

}  // namespace

uint64_t LogNumber(std::string_view name) {
  constexpr std::string_view kSuffix = ".log";
  if (!name.ends_with(kSuffix)) return 0;
  name.remove_suffix(kSuffix.size());
  return ParseNumber(name);
}

uint64_t ManifestNumber(std::string_view name) {
  constexpr std::string_view kPrefix = "MANIFEST-";
  if (!name.starts_with(kPrefix)) return 0;
  name.remove_prefix(kPrefix.size());
  return ParseNumber(name);
}

absl::StatusOr<Synced> SyncedMark::Read(rocksdb::Env* env, const std::string& directory) {
  const std::string path = MarkPath(directory);
  if (env->FileExists(path).IsNotFound()) return Synced();
  std::string record;
  if (rocksdb::Status status = rocksdb::ReadFileToString(env, path, &record); !status.ok()) {
    return absl::InternalError(absl::StrCat("cannot read ", path, ": ", status.ToString()));
  }
  return Decode(record);
}

SyncedMark::SyncedMark(rocksdb::Env* env, const std::string& directory)
    : env_(env), path_(MarkPath(directory)) {}

SyncedFile* SyncedMark::Find(const std::string& path) {
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  const uint64_t log = LogNumber(name);
  const uint64_t number = log != 0 ? log : ManifestNumber(name);
  if (number == 0) return nullptr;
  SyncedFile* const file = log != 0 ? &appended_.log : &appended_.manifest;
  // An older one may still be synced when a newer one is there.
  if (number < file->number) return nullptr;
  if (number > file->number) *file = {.number = number, .bytes = 0};
  return file;
}

void SyncedMark::Appended(const std::string& path, uint64_t bytes) {
  std::lock_guard lock(mutex_);
  if (SyncedFile* const file = Find(path); file != nullptr) file->bytes += bytes;
}

void SyncedMark::WasSynced(const std::string& path) {
  std::lock_guard lock(mutex_);
  const SyncedFile* const file = Find(path);
  if (file == nullptr) return;
  SyncedFile* const synced = file == &appended_.log ? &synced_.log : &synced_.manifest;
  if (*synced == *file) return;
  *synced = *file;
  Write();
}

void SyncedMark::Write() {
  const std::string record = Encode(synced_);
  if (file_ == nullptr && !env_->NewRandomRWFile(path_, &file_, rocksdb::EnvOptions()).ok()) {
    rocksdb::WriteStringToFile(env_, record, path_, /*should_sync=*/false).PermitUncheckedError();
    return;
  }
  if (!file_->Write(0, record).ok()) file_.reset();
}

}  // namespace quorumbook::storage
