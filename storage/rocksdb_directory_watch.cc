#include "storage/rocksdb_directory_watch.h"

#include <rocksdb/file_system.h>

#include <string>
#include <utility>

namespace quorumbook::storage {
namespace {

using rocksdb::FSDirectory;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

class WatchedDirectory : public rocksdb::FSDirectoryWrapper {
 public:
  WatchedDirectory(std::unique_ptr<FSDirectory> directory, const std::function<void()>* failed)
      : FSDirectoryWrapper(std::move(directory)), failed_(*failed) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Watched(FSDirectoryWrapper::Fsync(options, debug));
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& what) override {
    return Watched(FSDirectoryWrapper::FsyncWithDirOptions(options, debug, what));
  }

 private:
  IOStatus Watched(IOStatus status) {
    if (!status.ok()) failed_();
    return status;
  }

  const std::function<void()>& failed_;
};

class WatchedFileSystem : public rocksdb::FileSystemWrapper {
 public:
  WatchedFileSystem(const std::shared_ptr<rocksdb::FileSystem>& base, std::function<void()> failed)
      : FileSystemWrapper(base), failed_(std::move(failed)) {}

  const char* Name() const override { return "QuorumbookDirectoryWatch"; }
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<FSDirectory>* directory, IODebugContext* debug) override {
    const IOStatus status = target()->NewDirectory(path, options, directory, debug);
    if (status.ok()) {
      *directory = std::make_unique<WatchedDirectory>(std::move(*directory), &failed_);
    }
    return status;
  }

 private:
  const std::function<void()> failed_;
};

class WatchedEnv : public rocksdb::EnvWrapper {
 public:
  WatchedEnv(rocksdb::Env* base, std::function<void()> failed) : EnvWrapper(base) {
    file_system_ = std::make_shared<WatchedFileSystem>(base->GetFileSystem(), std::move(failed));
    system_clock_ = base->GetSystemClock();
  }
};

}  // namespace

std::unique_ptr<rocksdb::Env> WatchDirectorySyncs(rocksdb::Env* base,
                                                  std::function<void()> failed) {
  return std::make_unique<WatchedEnv>(base, std::move(failed));
}

}  // namespace quorumbook::storage
