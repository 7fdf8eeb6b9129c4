#include "tests/storage/fault_injection_file_system.h"

#include <rocksdb/system_clock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace quorumbook::storage {

using rocksdb::FileOptions;
using rocksdb::FSDirectory;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class WatchedFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WatchedFile(FaultInjectionFileSystem* system, std::string path,
              std::unique_ptr<FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)), system_(system), path_(std::move(path)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    uint64_t accepted = 0;
    const IOStatus verdict = system_->BeginAppend(data.size(), &accepted);
    if (accepted > 0) {
      const IOStatus written = FSWritableFileOwnerWrapper::Append(
          Slice(data.data(), static_cast<size_t>(accepted)), options, debug);
      if (!written.ok()) return written;
      system_->Appended(path_, accepted);
    }
    return verdict;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    const IOStatus status = FSWritableFileOwnerWrapper::Truncate(size, options, debug);
    if (status.ok()) system_->Truncated(path_, size);
    return status;
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    const IOStatus status = system_->BeginSync();
    if (status.ok()) system_->Synced(path_);
    return status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }

 private:
  FaultInjectionFileSystem* const system_;
  const std::string path_;
};

// One that is overwritten in place.
class WatchedMark : public rocksdb::FSRandomRWFileOwnerWrapper {
 public:
  WatchedMark(FaultInjectionFileSystem* system, std::string path,
              std::unique_ptr<rocksdb::FSRandomRWFile> file)
      : FSRandomRWFileOwnerWrapper(std::move(file)), system_(system), path_(std::move(path)) {}

  IOStatus Write(uint64_t offset, const Slice& data, const IOOptions& options,
                 IODebugContext* debug) override {
    IOStatus status = system_->BeginOverwrite(path_);
    if (!status.ok()) return status;
    return FSRandomRWFileOwnerWrapper::Write(offset, data, options, debug);
  }

 private:
  FaultInjectionFileSystem* const system_;
  const std::string path_;
};

class WatchedTable : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  WatchedTable(const FaultInjectionFileSystem* system,
               std::unique_ptr<rocksdb::FSRandomAccessFile> file)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), system_(system) {}

  IOStatus Read(uint64_t offset, size_t bytes, const IOOptions& options, Slice* result,
                char* scratch, IODebugContext* debug) const override {
    IOStatus status = system_->read_error(Reads::kTables);
    if (!status.ok()) return status;
    return FSRandomAccessFileOwnerWrapper::Read(offset, bytes, options, result, scratch, debug);
  }

 private:
  const FaultInjectionFileSystem* const system_;
};

class WatchedSequence : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  WatchedSequence(const FaultInjectionFileSystem* system,
                  std::unique_ptr<rocksdb::FSSequentialFile> file)
      : FSSequentialFileOwnerWrapper(std::move(file)), system_(system) {}

  IOStatus Read(size_t bytes, const IOOptions& options, Slice* result, char* scratch,
                IODebugContext* debug) override {
    IOStatus status = system_->read_error(Reads::kLogs);
    if (!status.ok()) return status;
    return FSSequentialFileOwnerWrapper::Read(bytes, options, result, scratch, debug);
  }

 private:
  const FaultInjectionFileSystem* const system_;
};

class WatchedDirectory : public rocksdb::FSDirectoryWrapper {
 public:
  WatchedDirectory(FaultInjectionFileSystem* system, std::string path,
                   std::unique_ptr<FSDirectory> directory)
      : FSDirectoryWrapper(std::move(directory)), system_(system), path_(std::move(path)) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    const IOStatus status = system_->BeginDirectorySync();
    if (status.ok()) system_->DirectorySynced(path_);
    return status;
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, debug);
  }

 private:
  FaultInjectionFileSystem* const system_;
  const std::string path_;
};

namespace {

// Of the bytes from `begin` to `end` some sectors were not written: they hold zeros, or what was in
// that place before.
void LoseSectors(const std::string& path, uint64_t begin, uint64_t end, std::mt19937_64* random) {
  constexpr uint64_t kSectorBytes = 512;
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  for (uint64_t at = begin; at < end;) {
    const uint64_t next = std::min((at / kSectorBytes + 1) * kSectorBytes, end);
    const uint64_t fate = (*random)() % 4;
    if (fate < 2) {
      std::string bytes(next - at, '\0');
      if (fate == 1) std::ranges::generate(bytes, [random] { return (*random)(); });
      file.seekp(static_cast<std::streamoff>(at));
      file.write(bytes.data(), std::ssize(bytes));
    }
    at = next;
  }
}

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

FaultInjectionFileSystem::FaultInjectionFileSystem()
    : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

uint64_t FaultInjectionFileSystem::operations() const {
  std::lock_guard lock(mutex_);
  return operations_;
}

void FaultInjectionFileSystem::LosePowerAfter(uint64_t operations) {
  std::lock_guard lock(mutex_);
  operations_left_ = operations;
}

void FaultInjectionFileSystem::Restart(std::mt19937_64* torn) {
  std::lock_guard lock(mutex_);
  for (const auto& [path, state] : files_) {
    if (!state.entry_synced) {
      target()->DeleteFile(path, IOOptions(), nullptr).PermitUncheckedError();
      continue;
    }
    const uint64_t unsynced = state.bytes - state.synced_bytes;
    if (unsynced == 0) continue;
    const uint64_t kept = torn != nullptr ? (*torn)() % (unsynced + 1) : 0;
    // Half of the torn files have their length, and the disk wrote the sectors in any order.
    const bool scattered = torn != nullptr && (*torn)() % 2 == 0;
    std::filesystem::resize_file(path, state.synced_bytes + (scattered ? unsynced : kept));
    if (scattered) LoseSectors(path, state.synced_bytes, state.bytes, torn);
  }
  for (const auto& [path, synced] : overwritten_) {
    if (torn == nullptr || (*torn)() % 2 == 0) {
      std::ofstream(path, std::ios::binary | std::ios::trunc) << synced;
    }
  }
  files_.clear();
  overwritten_.clear();
  operations_left_ = kUnlimited;
  free_bytes_ = kUnlimited;
  append_error_ = IOStatus::OK();
  sync_error_ = IOStatus::OK();
  next_sync_error_ = IOStatus::OK();
  directory_sync_error_ = IOStatus::OK();
  read_errors_.fill(IOStatus::OK());
}

void FaultInjectionFileSystem::SetFreeBytes(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  free_bytes_ = bytes;
}

void FaultInjectionFileSystem::FailAppends(IOStatus status) {
  std::lock_guard lock(mutex_);
  append_error_ = std::move(status);
}

void FaultInjectionFileSystem::FailSyncs(IOStatus status) {
  std::lock_guard lock(mutex_);
  sync_error_ = std::move(status);
}

void FaultInjectionFileSystem::FailNextSync(IOStatus status) {
  std::lock_guard lock(mutex_);
  next_sync_error_ = std::move(status);
}

void FaultInjectionFileSystem::FailDirectorySyncs(IOStatus status) {
  std::lock_guard lock(mutex_);
  directory_sync_error_ = std::move(status);
}

void FaultInjectionFileSystem::FailReads(IOStatus status, Reads which) {
  std::lock_guard lock(mutex_);
  read_errors_[static_cast<size_t>(which)] = std::move(status);
}

IOStatus FaultInjectionFileSystem::read_error(Reads which) const {
  std::lock_guard lock(mutex_);
  return read_errors_[static_cast<size_t>(which)];
}

uint64_t FaultInjectionFileSystem::most_unsynced_bytes() const {
  std::lock_guard lock(mutex_);
  return most_unsynced_bytes_;
}

IOStatus FaultInjectionFileSystem::NewRandomAccessFile(
    const std::string& path, const FileOptions& options,
    std::unique_ptr<rocksdb::FSRandomAccessFile>* file, IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSRandomAccessFile> opened;
  IOStatus status = FileSystemWrapper::NewRandomAccessFile(path, options, &opened, debug);
  if (status.ok()) *file = std::make_unique<WatchedTable>(this, std::move(opened));
  return status;
}

IOStatus FaultInjectionFileSystem::NewSequentialFile(
    const std::string& path, const FileOptions& options,
    std::unique_ptr<rocksdb::FSSequentialFile>* file, IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSSequentialFile> opened;
  IOStatus status = FileSystemWrapper::NewSequentialFile(path, options, &opened, debug);
  if (status.ok()) *file = std::make_unique<WatchedSequence>(this, std::move(opened));
  return status;
}

IOStatus FaultInjectionFileSystem::NewRandomRWFile(const std::string& path,
                                                   const FileOptions& options,
                                                   std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                                                   IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSRandomRWFile> opened;
  IOStatus status = FileSystemWrapper::NewRandomRWFile(path, options, &opened, debug);
  if (status.ok()) *file = std::make_unique<WatchedMark>(this, path, std::move(opened));
  return status;
}

IOStatus FaultInjectionFileSystem::BeginOverwrite(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (operations_left_ == 0) return IOStatus::IOError("the power is off");
  overwritten_.try_emplace(path, ReadWhole(path));
  return IOStatus::OK();
}

IOStatus FaultInjectionFileSystem::Begin() {
  std::lock_guard lock(mutex_);
  ++operations_;
  if (operations_left_ == 0) return IOStatus::IOError("the power is off");
  if (operations_left_ != kUnlimited) --operations_left_;
  return IOStatus::OK();
}

IOStatus FaultInjectionFileSystem::BeginAppend(uint64_t bytes, uint64_t* accepted) {
  IOStatus status = Begin();
  if (!status.ok()) return status;
  std::lock_guard lock(mutex_);
  if (!append_error_.ok()) return append_error_;
  *accepted = std::min(bytes, free_bytes_);
  if (free_bytes_ != kUnlimited) free_bytes_ -= *accepted;
  return *accepted == bytes ? IOStatus::OK() : IOStatus::NoSpace("no space left on device");
}

IOStatus FaultInjectionFileSystem::BeginSync() {
  IOStatus status = Begin();
  if (!status.ok()) return status;
  std::lock_guard lock(mutex_);
  if (!next_sync_error_.ok()) return std::exchange(next_sync_error_, IOStatus::OK());
  return sync_error_;
}

IOStatus FaultInjectionFileSystem::BeginDirectorySync() {
  IOStatus status = BeginSync();
  if (!status.ok()) return status;
  std::lock_guard lock(mutex_);
  return directory_sync_error_;
}

void FaultInjectionFileSystem::Appended(const std::string& path, uint64_t bytes) {
  std::lock_guard lock(mutex_);
  FileState& file = files_[path];
  file.bytes += bytes;
  most_unsynced_bytes_ = std::max(most_unsynced_bytes_, file.bytes - file.synced_bytes);
}

void FaultInjectionFileSystem::Synced(const std::string& path) {
  std::lock_guard lock(mutex_);
  files_[path].synced_bytes = files_[path].bytes;
}

void FaultInjectionFileSystem::Truncated(const std::string& path, uint64_t bytes) {
  std::lock_guard lock(mutex_);
  files_[path].bytes = bytes;
  files_[path].synced_bytes = std::min(files_[path].synced_bytes, bytes);
}

void FaultInjectionFileSystem::DirectorySynced(const std::string& directory) {
  std::lock_guard lock(mutex_);
  for (auto& [path, state] : files_) {
    if (path.rfind(directory, 0) == 0) state.entry_synced = true;
  }
}

IOStatus FaultInjectionFileSystem::NewWritableFile(const std::string& path,
                                                   const FileOptions& options,
                                                   std::unique_ptr<FSWritableFile>* file,
                                                   IODebugContext* debug) {
  IOStatus status = Begin();
  if (status.ok()) status = target()->NewWritableFile(path, options, file, debug);
  if (!status.ok()) return status;
  *file = std::make_unique<WatchedFile>(this, path, std::move(*file));
  std::lock_guard lock(mutex_);
  files_[path] = FileState();
  return status;
}

IOStatus FaultInjectionFileSystem::ReopenWritableFile(const std::string& path,
                                                      const FileOptions& options,
                                                      std::unique_ptr<FSWritableFile>* file,
                                                      IODebugContext* debug) {
  IOStatus status = Begin();
  if (status.ok()) status = target()->ReopenWritableFile(path, options, file, debug);
  if (!status.ok()) return status;
  uint64_t bytes = 0;
  status = target()->GetFileSize(path, IOOptions(), &bytes, debug);
  *file = std::make_unique<WatchedFile>(this, path, std::move(*file));
  std::lock_guard lock(mutex_);
  files_.try_emplace(path, FileState{.bytes = bytes, .synced_bytes = bytes, .entry_synced = true});
  return status;
}

IOStatus FaultInjectionFileSystem::NewDirectory(const std::string& path, const IOOptions& options,
                                                std::unique_ptr<FSDirectory>* directory,
                                                IODebugContext* debug) {
  IOStatus status = target()->NewDirectory(path, options, directory, debug);
  if (status.ok()) {
    *directory = std::make_unique<WatchedDirectory>(this, path, std::move(*directory));
  }
  return status;
}

IOStatus FaultInjectionFileSystem::DeleteFile(const std::string& path, const IOOptions& options,
                                              IODebugContext* debug) {
  IOStatus status = Begin();
  if (status.ok()) status = target()->DeleteFile(path, options, debug);
  if (!status.ok()) return status;
  DirectorySynced(std::filesystem::path(path).parent_path());
  std::lock_guard lock(mutex_);
  files_.erase(path);
  return status;
}

IOStatus FaultInjectionFileSystem::RenameFile(const std::string& from, const std::string& to,
                                              const IOOptions& options, IODebugContext* debug) {
  IOStatus status = Begin();
  if (status.ok()) status = target()->RenameFile(from, to, options, debug);
  if (!status.ok()) return status;
  DirectorySynced(std::filesystem::path(to).parent_path());
  std::lock_guard lock(mutex_);
  auto moved = files_.extract(from);
  files_.erase(to);
  if (moved.empty()) return status;
  moved.key() = to;
  files_.insert(std::move(moved));
  return status;
}

namespace {

class SleeplessClock : public rocksdb::SystemClockWrapper {
 public:
  SleeplessClock() : SystemClockWrapper(rocksdb::SystemClock::Default()) {}
  const char* Name() const override { return "SleeplessClock"; }
  void SleepForMicroseconds(int) override {}
};

class TestEnv : public rocksdb::EnvWrapper {
 public:
  explicit TestEnv(const std::shared_ptr<rocksdb::FileSystem>& system)
      : EnvWrapper(rocksdb::NewCompositeEnv(system)) {
    file_system_ = system;
    system_clock_ = std::make_shared<SleeplessClock>();
  }
};

}  // namespace

std::unique_ptr<rocksdb::Env> NewTestEnv(const std::shared_ptr<rocksdb::FileSystem>& system) {
  return std::make_unique<TestEnv>(system);
}

}  // namespace quorumbook::storage
