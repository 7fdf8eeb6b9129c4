#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <rocksdb/env.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>

#include "storage/rocksdb_database.h"
#include "storage/rocksdb_store.h"

namespace quorumbook::storage {
namespace {

namespace fs = std::filesystem;

// More than one is a disk that should be replaced; and each takes the space of a store.
constexpr int kSetAsideMax = 4;

absl::Status CannotMove(const fs::path& from, const fs::path& to, const std::string& why) {
  return absl::FailedPreconditionError(absl::StrCat(
      "cannot move the damaged store in ", from.string(), " to ", to.string(), ": ", why,
      "; move it away by hand (if it is a mount point: what is in it), then start the node again"));
}

absl::Status SyncDirectory(const fs::path& directory) {
  const int descriptor = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && fsync(descriptor) == 0;
  const std::string why = std::strerror(errno);
  if (descriptor >= 0) close(descriptor);
  if (synced) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("cannot sync ", directory.string(), ": ", why));
}

absl::Status WriteAndSync(const fs::path& file, const std::string& text) {
  const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const bool written = descriptor >= 0 &&
                       write(descriptor, text.data(), text.size()) == std::ssize(text) &&
                       fsync(descriptor) == 0;
  const std::string why = std::strerror(errno);
  if (descriptor >= 0) close(descriptor);
  if (written) return SyncDirectory(file.parent_path());
  return absl::InternalError(absl::StrCat("cannot write ", file.string(), ": ", why));
}

fs::path WithoutSlash(const std::string& directory) {
  std::error_code error;
  const fs::path path = fs::absolute(directory, error).lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

// Where the store goes that is the so many-th, from 1, to be set aside.
fs::path Place(const fs::path& from, int number) {
  return absl::StrCat(from.string(), ".damaged", number == 1 ? "" : absl::StrCat(".", number));
}

bool Exists(const fs::path& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

// The first name that is free.
absl::StatusOr<fs::path> NameFor(const fs::path& from) {
  for (int number = 1; number <= kSetAsideMax; ++number) {
    fs::path to = Place(from, number);
    if (!Exists(to)) return to;
  }
  return absl::FailedPreconditionError(
      absl::StrCat("the store in ", from.string(), " is damaged, and ", kSetAsideMax,
                   " damaged ones before it are still beside it (", from.string(),
                   ".damaged and so on): find out why, move them away, then start the node again"));
}

absl::Status Move(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) return CannotMove(from, to, error.message());
  return SyncDirectory(to.parent_path());
}

}  // namespace

absl::Status MarkDamaged(const std::string& directory, const absl::Status& damage) {
  return WriteAndSync(DamagedMark(directory), damage.ToString() + "\n");
}

absl::StatusOr<std::string> SetAside(const std::string& directory) {
  const fs::path from = WithoutSlash(directory);
  std::error_code error;
  if (!fs::is_directory(from, error)) {
    return absl::NotFoundError(absl::StrCat("no directory ", directory, " to set aside"));
  }
  const absl::StatusOr<fs::path> to = NameFor(from);
  if (!to.ok()) return to.status();
  rocksdb::Env* env = rocksdb::Env::Default();
  rocksdb::FileLock* lock = nullptr;
  if (rocksdb::Status status = env->LockFile(LockPath(from), &lock); !status.ok()) {
    return absl::AlreadyExistsError(absl::StrCat(
        "cannot set ", from.string(), " aside, it is in use: stop the process that has it open (",
        status.ToString(), ")"));
  }
  absl::Status status = Move(from, *to);
  env->UnlockFile(lock);
  if (!status.ok()) return status;
  return to->string();
}

uint64_t CountSetAside(const std::string& directory) {
  const fs::path from = WithoutSlash(directory);
  uint64_t count = 0;
  for (int number = 1; number <= kSetAsideMax; ++number)
    count += Exists(Place(from, number)) ? 1 : 0;
  return count;
}

}  // namespace quorumbook::storage
