#include "tests/storage/medium.h"

#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <utility>

#include "storage/rocksdb_store.h"
#include "tests/storage/fault_injection_file_system.h"
#include "tests/storage/store_fixtures.h"

namespace quorumbook::storage {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

class RocksDbMedium : public Medium {
 public:
  absl::StatusOr<std::unique_ptr<Store>> Open(const StoreIdentity& identity) override {
    return OpenRocksDbStore({.directory = path_, .identity = identity, .env = env_.get()});
  }
  void LosePowerAfter(uint64_t operations) override { system_->LosePowerAfter(operations); }
  void LosePower(std::mt19937_64* torn) override { system_->Restart(torn); }
  void SetFull(uint64_t spare) override { system_->SetFreeBytes(spare); }
  void FreeSpace() override { system_->SetFreeBytes(FaultInjectionFileSystem::kUnlimited); }
  void FailNextSync() override { system_->FailNextSync(rocksdb::IOStatus::IOError("EIO")); }
  void MarkDamaged() override {
    const absl::Status marked = storage::MarkDamaged(path_, absl::DataLossError("met damage"));
    ASSERT_TRUE(marked.ok()) << marked;
  }
  void Damage(const RecordPlace& /*place*/, const std::string& content) override {
    int places = 0;
    for (const fs::directory_entry& entry : fs::directory_iterator(path_)) {
      std::fstream file(entry.path(), std::ios::binary | std::ios::in | std::ios::out);
      const std::string bytes{std::istreambuf_iterator<char>(file), {}};
      const size_t found = bytes.find(content);
      if (found == std::string::npos) continue;
      const size_t at = found + content.size() / 2;
      file.clear();
      file.seekp(static_cast<std::streamoff>(at));
      file.put(static_cast<char>(bytes[at] ^ 4));
      ++places;
    }
    ASSERT_GT(places, 0) << "nothing there to damage";
  }

 private:
  TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/store";
  std::shared_ptr<FaultInjectionFileSystem> system_ = std::make_shared<FaultInjectionFileSystem>();
  std::unique_ptr<rocksdb::Env> env_ = NewTestEnv(system_);
};

// The power of a simulated disk, which is its host's to count: a write that the power fails in is
// one that was accepted and never synced.
struct Power {
  SimulatedDisk* disk;
  uint64_t operations_left = kUnlimited;

  absl::Status Do(const std::function<absl::Status()>& write) {
    const absl::Status off = absl::InternalError("the power is off");
    if (operations_left == kUnlimited) return write();
    if (operations_left == 0) return off;
    if (operations_left > 1) {
      operations_left -= 2;
      return write();
    }
    operations_left = 0;
    disk->DeferSyncs(true);
    const absl::Status status = write();
    disk->DeferSyncs(false);
    return status.ok() ? off : status;
  }
};

class PoweredStore : public Store {
 public:
  PoweredStore(Power* power, std::unique_ptr<Store> store)
      : power_(*power), store_(std::move(store)) {}

  const StoreIdentity& identity() const override { return store_->identity(); }
  std::vector<NodeId> founders() override { return store_->founders(); }
  absl::Status SetFounders(const std::vector<NodeId>& founders) override {
    return power_.Do([&] { return store_->SetFounders(founders); });
  }
  absl::StatusOr<consensus::RestoredState> Load(ShardId shard) override {
    return store_->Load(shard);
  }
  absl::Status Write(const std::vector<ShardWrite>& writes) override {
    return power_.Do([&] { return store_->Write(writes); });
  }
  absl::Status SaveSnapshot(ShardId shard, const consensus::Snapshot& snapshot) override {
    return power_.Do([&] { return store_->SaveSnapshot(shard, snapshot); });
  }
  absl::StatusOr<StoreUsage> Usage() override { return store_->Usage(); }

 private:
  Power& power_;
  const std::unique_ptr<Store> store_;
};

class SimulatedMedium : public Medium {
 public:
  absl::StatusOr<std::unique_ptr<Store>> Open(const StoreIdentity& identity) override {
    absl::StatusOr<std::unique_ptr<Store>> store = OpenSimulatedStore(&disk_, identity);
    if (!store.ok()) return store.status();
    return std::make_unique<PoweredStore>(&power_, *std::move(store));
  }
  void LosePowerAfter(uint64_t operations) override { power_.operations_left = operations; }
  void LosePower(std::mt19937_64* torn) override {
    const uint64_t unsynced = disk_.writes() - disk_.synced_writes();
    if (torn == nullptr) {
      disk_.LosePower();
    } else {
      const uint64_t whole = (*torn)() % (unsynced + 1);
      disk_.LosePower(whole, (*torn)());
    }
    power_.operations_left = kUnlimited;
    disk_.SetFull(false);
  }
  void SetFull(uint64_t /*spare*/) override { disk_.SetFull(true); }
  void FreeSpace() override { disk_.SetFull(false); }
  void FailNextSync() override { disk_.FailNextSync(); }
  void MarkDamaged() override { disk_.MarkDamaged(); }
  void Damage(const RecordPlace& place, const std::string& content) override {
    ASSERT_TRUE(disk_.FlipBit(place, content.size() * 4)) << "nothing there to damage";
  }

 private:
  SimulatedDisk disk_;
  Power power_{.disk = &disk_};
};

}  // namespace

std::vector<Implementation> Implementations() {
  return {{.name = "RocksDb",
           .make = [] { return std::make_unique<RocksDbMedium>(); },
           .opening_writes = true},
          {.name = "Simulated", .make = [] { return std::make_unique<SimulatedMedium>(); }}};
}

}  // namespace quorumbook::storage
