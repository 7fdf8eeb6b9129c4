#include "storage/rocksdb_database.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <rocksdb/convenience.h>

#include <filesystem>
#include <mutex>
#include <shared_mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "storage/identity.h"
#include "storage/records.h"
#include "storage/rocksdb_directory_watch.h"
#include "storage/rocksdb_log_tail.h"
#include "storage/rocksdb_tuning.h"

namespace quorumbook::storage {
namespace {

constexpr std::string_view kIdentityKey = "identity";
constexpr std::string_view kFoundersKey = "founders";

absl::Status DataLossIn(const std::string& directory, absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat("store in ", directory, " is damaged: ", what,
                   "; keep the directory for inspection and rebuild the node from its peers in an "
                   "empty one"));
}

absl::Status DiskFull(const std::string& directory, const rocksdb::Status& status) {
  return absl::ResourceExhaustedError(
      absl::StrCat("no space left for the store in ", directory,
                   ": nothing was written; free space on that file system, writing then goes on "
                   "by itself (",
                   status.ToString(), ")"));
}

// As `status`, with more said if it is one of damage.
absl::Status RefusedIn(const std::string& directory, const absl::Status& status) {
  return absl::IsDataLoss(status) ? DataLossIn(directory, status.message()) : status;
}

rocksdb::Status ClosedForLackOfSpace() {
  return rocksdb::Status::NoSpace("closed until there is space");
}

rocksdb::ReadOptions ScanOptions() {
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  options.fill_cache = false;
  return options;
}

}  // namespace

absl::Status ReadError(const rocksdb::Status& status) {
  // Also a file that another one names and that is not there.
  if (status.IsCorruption() || status.IsPathNotFound()) {
    return absl::DataLossError(status.ToString());
  }
  return absl::InternalError(
      absl::StrCat("cannot read the store: ", status.ToString(),
                   "; what is in it is unknown until it can be read: check the disk, then start "
                   "the node again"));
}

std::string LockPath(const std::string& directory) {
  return absl::StrCat(directory, "/quorumbook.lock");
}

std::string DamagedMark(const std::string& directory) {
  return absl::StrCat(directory, "/DAMAGED");
}

void Database::ErrorWatch::OnFileWriteFinish(const rocksdb::FileOperationInfo& info) {
  if (info.status.ok()) mark_.Appended(info.path, info.length);
}

void Database::ErrorWatch::OnFileSyncFinish(const rocksdb::FileOperationInfo& info) {
  if (info.status.ok()) mark_.WasSynced(info.path);
  if (sync_times_ == nullptr || !absl::EndsWith(info.path, ".log")) return;
  sync_times_->Add(info.duration);
}

void Database::ErrorWatch::OnIOError(const rocksdb::IOErrorInfo& info) {
  switch (info.operation) {
    case rocksdb::FileOperationType::kSync:
    case rocksdb::FileOperationType::kFsync:
    case rocksdb::FileOperationType::kRangeSync:
      SyncFailed();
      break;
    default:
      break;
  }
}

Database::Database(const RocksDbOptions& options, rocksdb::Env* env)
    : directory_(options.directory),
      error_watch_(std::make_shared<ErrorWatch>(env, options.directory, options.sync_times)),
      env_(WatchDirectorySyncs(env, [watch = error_watch_] { watch->SyncFailed(); })) {}

Database::~Database() {
  Close();
  if (lock_ != nullptr) env_->UnlockFile(lock_);
}

void Database::Close() {
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* family : families_) db_->DestroyColumnFamilyHandle(family);
  db_->Close().PermitUncheckedError();
  db_.reset();
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const RocksDbOptions& options) {
  if (absl::Status status = CheckIdentityIsValid(options.identity); !status.ok()) return status;
  rocksdb::Env* env = options.env != nullptr ? options.env : rocksdb::Env::Default();
  std::unique_ptr<Database> database(new Database(options, env));
  if (absl::Status status = database->Lock(); !status.ok()) return status;
  if (absl::Status status = database->CheckDirectory(); !status.ok()) return status;
  if (absl::Status status = database->OpenRocksDb(/*first_opening=*/true); !status.ok())
    return status;
  absl::Status status = database->CheckIdentity(options.identity);
  if (!status.ok()) return status;
  return database;
}

absl::Status Database::Lock() {
  if (rocksdb::Status status = env_->CreateDirIfMissing(directory_); !status.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "cannot create data directory ", directory_,
        ": its parent must exist and be writable for this user (", status.ToString(), ")"));
  }
  rocksdb::Status status = env_->LockFile(LockPath(directory_), &lock_);
  if (status.ok()) return absl::OkStatus();
  lock_ = nullptr;
  if (absl::StrContains(status.ToString(), "open a file for lock")) {
    return absl::FailedPreconditionError(absl::StrCat("cannot write in data directory ", directory_,
                                                      ": make it writable for this user (",
                                                      status.ToString(), ")"));
  }
  return absl::AlreadyExistsError(
      absl::StrCat("data directory ", directory_,
                   " is in use by another process: stop that one, or configure another directory (",
                   status.ToString(), ")"));
}

absl::Status Database::CheckDirectory() {
  std::vector<std::string> names;
  if (rocksdb::Status status = env_->GetChildren(directory_, &names); !status.ok()) {
    return absl::InternalError(absl::StrCat("cannot list ", directory_, ": ", status.ToString()));
  }
  bool has_current = false;
  bool has_data = false;
  for (const std::string& name : names) {
    has_current |= name == "CURRENT";
    has_data |= absl::EndsWith(name, ".sst") || absl::EndsWith(name, ".log");
  }
  if (env_->FileExists(DamagedMark(directory_)).ok()) {
    return DataLossIn(directory_, absl::StrCat("an earlier process met damage while it ran (",
                                               DamagedMark(directory_), " says which)"));
  }
  // RocksDB would begin a new database here and delete what it does not know.
  if (has_data && !has_current) return DataLossIn(directory_, "file CURRENT is missing");
  if (!has_current) return absl::OkStatus();
  RemoveTrash();
  absl::Status status = CutTornTails(env_.get(), directory_);
  return absl::IsDataLoss(status) ? DataLossIn(directory_, status.message()) : status;
}

void Database::RemoveTrash() {
  std::vector<std::string> names;
  env_->GetChildren(directory_, &names).PermitUncheckedError();
  for (const std::string& name : names) {
    if (!absl::EndsWith(name, ".trash")) continue;
    env_->DeleteFile(absl::StrCat(directory_, "/", name)).PermitUncheckedError();
  }
}

absl::Status Database::OpenRocksDb(bool first_opening) {
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::DBOptions options = TunedDbOptions(env_.get(), error_watch_);
  const rocksdb::Status status =
      rocksdb::DB::Open(options, directory_, TunedFamilies(), &handles, &db);
  if (status.ok()) {
    LimitTableWrites(options.rate_limiter.get());
    db_.reset(db);
    for (size_t i = 0; i < kFamilies; ++i) {
      families_[i] = handles[i];
      if (first_opening) family_ids_[i].Take(*handles[i]);
    }
    return absl::OkStatus();
  }
  if (status.IsNoSpace()) {
    if (!first_opening) return DiskFull(directory_, status);
    return absl::ResourceExhaustedError(absl::StrCat(
        "no space left to open the store in ", directory_,
        ": free space on that file system, then start the node again (", status.ToString(), ")"));
  }
  if (status.IsInvalidArgument() || status.IsNotSupported()) {
    return absl::FailedPreconditionError(
        absl::StrCat("data directory ", directory_,
                     " was written by a newer version or another program: use the version that "
                     "wrote it, or configure another directory (",
                     status.ToString(), ")"));
  }
  if (absl::IsDataLoss(ReadError(status))) return DataLossIn(directory_, status.ToString());
  return absl::InternalError(
      absl::StrCat("cannot open the store in ", directory_, ": ", status.ToString()));
}

absl::Status Database::CheckIdentity(const StoreIdentity& wanted) {
  absl::StatusOr<std::string> record = Get(Family::kMeta, kIdentityKey);
  if (!record.ok()) return RefusedIn(directory_, record.status());
  if (record->empty()) return CreateIdentity(wanted);
  absl::StatusOr<StoreIdentity> found = DecodeIdentity(kIdentityKey, *record);
  if (absl::IsFailedPrecondition(found.status())) {
    return absl::FailedPreconditionError(absl::StrCat("store in ", directory_, ": ",
                                                      found.status().message(),
                                                      "; start the version that wrote it"));
  }
  if (!found.ok()) return DataLossIn(directory_, found.status().message());
  if (!IsSameNode(*found, wanted)) {
    return OtherIdentityError(absl::StrCat("data directory ", directory_), *found, wanted);
  }
  identity_ = *std::move(found);
  return ReadFounders();
}

absl::Status Database::CreateIdentity(const StoreIdentity& identity) {
  for (const Family family : {Family::kLog, Family::kHardState, Family::kSnapshot}) {
    std::unique_ptr<rocksdb::Iterator> it = Scan(family, "", nullptr);
    if (it->Valid()) return DataLossIn(directory_, "it holds data, but not whose they are");
    if (!it->status().ok()) return RefusedIn(directory_, ReadError(it->status()));
  }
  rocksdb::WriteBatch batch;
  batch.Put(handle(Family::kMeta), ToSlice(kIdentityKey), EncodeIdentity(kIdentityKey, identity));
  identity_ = identity;
  return Commit(&batch);
}

absl::Status Database::ReadFounders() {
  absl::StatusOr<std::string> record = Get(Family::kMeta, kFoundersKey);
  if (!record.ok()) return RefusedIn(directory_, record.status());
  if (record->empty()) return absl::OkStatus();
  absl::StatusOr<std::vector<NodeId>> found = DecodeFounders(kFoundersKey, *record);
  if (!found.ok()) {
    return DataLossIn(directory_, absl::StrCat("founders: ", found.status().message()));
  }
  std::lock_guard lock(mutex_);
  founders_ = *std::move(found);
  return absl::OkStatus();
}

std::vector<NodeId> Database::founders() {
  std::lock_guard lock(mutex_);
  return founders_;
}

absl::Status Database::SetFounders(const std::vector<NodeId>& founders) {
  const std::vector<NodeId> kept = this->founders();
  absl::Status status = CheckFounders(kept, founders);
  if (!status.ok() || kept == founders) return status;
  rocksdb::WriteBatch batch;
  batch.Put(handle(Family::kMeta), ToSlice(kFoundersKey), EncodeFounders(kFoundersKey, founders));
  if (status = Commit(&batch); !status.ok()) return status;
  std::lock_guard lock(mutex_);
  founders_ = founders;
  return absl::OkStatus();
}

absl::Status Database::Commit(rocksdb::WriteBatch* batch) {
  if (absl::Status status = Heal(); !status.ok()) return status;
  std::shared_lock lock(open_mutex_);
  if (db_ == nullptr) return Judge(ClosedForLackOfSpace());
  rocksdb::WriteOptions options;
  options.sync = true;
  return Judge(db_->Write(options, batch));
}

absl::Status Database::Heal() {
  const auto healthy = [this]() -> absl::StatusOr<bool> {
    std::lock_guard lock(mutex_);
    if (!final_error_.ok()) return final_error_;
    return !disk_full_;
  };
  absl::StatusOr<bool> before = healthy();
  if (!before.ok() || *before) return before.status();
  std::unique_lock one_at_a_time(open_mutex_);
  before = healthy();
  if (!before.ok() || *before) return before.status();
  Close();
  RemoveTrash();
  absl::Status status = CutTornTails(env_.get(), directory_);
  if (status.ok()) status = OpenRocksDb(/*first_opening=*/false);
  std::lock_guard lock(mutex_);
  if (status.ok()) {
    disk_full_ = false;
  } else if (!absl::IsResourceExhausted(status)) {
    final_error_ = absl::IsDataLoss(status) ? status : absl::InternalError(status.message());
    return final_error_;
  }
  return status;
}

absl::Status Database::Judge(const rocksdb::Status& status) {
  std::lock_guard lock(mutex_);
  if (!final_error_.ok()) return final_error_;
  // A failed sync may have lost pages that the next one reports as written, so it is final even
  // when the write itself went well or the reason was a full disk.
  if (!error_watch_->sync_failed()) {
    if (status.ok()) return absl::OkStatus();
    if (status.IsNoSpace()) {
      disk_full_ = true;
      return DiskFull(directory_, status);
    }
  }
  // A compaction has come upon it, perhaps in what nobody reads any more.
  if (status.IsCorruption()) {
    final_error_ = DataLossIn(directory_, status.ToString());
    return final_error_;
  }
  final_error_ = absl::InternalError(absl::StrCat(
      "writing to the store in ", directory_,
      " failed: ", status.ok() ? "a sync in the background" : status.ToString(),
      "; what is on disk is unknown until the process is started again: stop it, check the disk"));
  return final_error_;
}

std::unique_ptr<rocksdb::Iterator> Database::Scan(Family family, std::string_view begin,
                                                  const rocksdb::Slice* end) {
  rocksdb::ReadOptions options = ScanOptions();
  options.iterate_upper_bound = end;
  options.readahead_size = 2 << 20;
  std::shared_lock lock(open_mutex_);
  std::unique_ptr<rocksdb::Iterator> it(
      db_ == nullptr ? rocksdb::NewErrorIterator(ClosedForLackOfSpace())
                     : db_->NewIterator(options, families_[static_cast<size_t>(family)]));
  it->Seek(ToSlice(begin));
  return it;
}

absl::StatusOr<std::string> Database::Get(Family family, std::string_view key) {
  std::string record;
  std::shared_lock lock(open_mutex_);
  const rocksdb::Status status =
      db_ == nullptr
          ? ClosedForLackOfSpace()
          : db_->Get(ScanOptions(), families_[static_cast<size_t>(family)], ToSlice(key), &record);
  if (status.IsNotFound()) return std::string();
  if (!status.ok()) return ReadError(status);
  return record;
}

void Database::DropFiles(Family family, std::string_view begin, std::string_view end) {
  const rocksdb::Slice from = ToSlice(begin);
  const rocksdb::Slice to = ToSlice(end);
  std::shared_lock lock(open_mutex_);
  if (db_ == nullptr) return;
  Judge(rocksdb::DeleteFilesInRange(db_.get(), families_[static_cast<size_t>(family)], &from, &to,
                                    /*include_end=*/false))
      .IgnoreError();
}

absl::StatusOr<StoreUsage> Database::Usage() {
  std::vector<rocksdb::Env::FileAttributes> files;
  StoreUsage usage;
  rocksdb::Status status = env_->GetChildrenFileAttributes(directory_, &files);
  if (status.ok()) status = env_->GetFreeSpace(directory_, &usage.free_bytes);
  if (!status.ok()) {
    return absl::InternalError(
        absl::StrCat("cannot measure the store in ", directory_, ": ", status.ToString()));
  }
  for (const rocksdb::Env::FileAttributes& file : files) usage.disk_bytes += file.size_bytes;
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(directory_, error);
  if (!error) usage.capacity_bytes = space.capacity;
  AskRocksDb(&usage);
  return usage;
}

void Database::AskRocksDb(StoreUsage* usage) {
  usage->write_stalls = error_watch_->stalls();
  const std::shared_lock lock(open_mutex_, std::try_to_lock);
  if (!lock || db_ == nullptr) return;
  const auto ask = [this](const std::string& property) {
    uint64_t value = 0;
    return db_->GetAggregatedIntProperty(property, &value) ? value : 0;
  };
  usage->write_stopped = ask(rocksdb::DB::Properties::kIsWriteStopped) != 0;
  usage->pending_compaction_bytes = ask(rocksdb::DB::Properties::kEstimatePendingCompactionBytes);
  usage->memtable_bytes = ask(rocksdb::DB::Properties::kCurSizeAllMemTables);
  usage->background_errors = ask(rocksdb::DB::Properties::kBackgroundErrors);
}

}  // namespace quorumbook::storage
