#include "server/monitoring/sampler.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "server/monitoring/process_stats.h"
#include "server/shard_sample.h"
#include "server/tls.h"
#include "server/version.h"

namespace quorumbook::server {
namespace {

#ifdef __clang__
constexpr char kCompiler[] = "clang " __clang_version__;
#else
constexpr char kCompiler[] = "gcc " __VERSION__;
#endif

}  // namespace

int64_t WallClockMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Sampler::Sampler(const MonitorEnvironment& environment, boost::asio::io_context* io)
    : environment_(environment), io_(*io), started_ms_(WallClockMs()) {}

void Sampler::Take(Done done) {
  environment_.probe->Ask();
  if (std::exchange(sampling_, true)) return;
  auto pending = std::make_shared<Pending>();
  pending->sample = std::make_shared<v1::NodeSample>();
  pending->done = std::move(done);
  FillNode(pending->sample.get());
  const auto& replicas = environment_.shards->all();
  pending->missing = replicas.size();
  if (replicas.empty()) return Finish(*pending);
  for (size_t i = 0; i < replicas.size(); ++i) pending->sample->add_replicas();
  int slot = 0;
  for (const auto& [id, replica] : replicas) {
    replica->Sample([this, pending, slot](v1::ReplicaSample sample) {
      boost::asio::post(io_, [this, pending, slot, sample = std::move(sample)]() mutable {
        *pending->sample->mutable_replicas(slot) = std::move(sample);
        if (--pending->missing == 0) Finish(*pending);
      });
    });
    ++slot;
  }
}

void Sampler::Finish(const Pending& pending) {
  sampling_ = false;
  pending.done(pending.sample);
}

void Sampler::FillNode(v1::NodeSample* sample) const {
  const Config& config = *environment_.config;
  sample->set_node_id(static_cast<uint32_t>(config.node_id.value()));
  sample->set_cluster_id(config.cluster_id);
  sample->set_version(kVersion);
  sample->set_compiler(kCompiler);
  sample->set_time_ms(WallClockMs());
  sample->set_started_ms(started_ms_);
  sample->set_taken_ns(std::chrono::steady_clock::now().time_since_epoch() /
                       std::chrono::nanoseconds(1));
  if (config.listen_http != "off") {
    const bool elsewhere = !config.http_advertise.empty();
    sample->set_http_address(elsewhere ? config.http_advertise : config.listen_http);
  }
  if (config.tls != nullptr) sample->set_certificate_expires(config.tls->expires);
  FillStorage(sample->mutable_storage());
  *sample->mutable_process() = ReadProcess();
  FillPeers(sample);
  const GrpcMetrics::Totals totals = environment_.grpc->ReadTotals();
  sample->set_grpc_calls(totals.calls);
  sample->set_grpc_errors(totals.errors);
}

void Sampler::FillStorage(v1::StorageSample* storage) const {
  const LogWriter* const writer = environment_.log_writer();
  const LogWriterCounters counters = writer == nullptr ? LogWriterCounters() : writer->counters();
  ToProto(counters.write, storage->mutable_write());
  ToProto(environment_.sync_times->Get(), storage->mutable_sync());
  storage->set_writes(counters.writes);
  storage->set_written_entries(counters.entries);
  storage->set_written_bytes(counters.bytes);
  storage->set_queue_length(counters.queue_length);
  storage->set_disk_full(writer != nullptr && writer->disk_full());
  const storage::StoreUsage usage = environment_.probe->usage();
  storage->set_disk_bytes(usage.disk_bytes);
  storage->set_disk_free_bytes(usage.free_bytes);
  storage->set_disk_capacity_bytes(usage.capacity_bytes);
  storage->set_write_stalls(usage.write_stalls);
  storage->set_write_stopped(usage.write_stopped);
  storage->set_pending_compaction_bytes(usage.pending_compaction_bytes);
  storage->set_memtable_bytes(usage.memtable_bytes);
  storage->set_background_errors(usage.background_errors);
  storage->set_corruptions(environment_.probe->set_aside());
}

void Sampler::FillPeers(v1::NodeSample* sample) const {
  for (const auto& [peer, link] : environment_.transport->links()) {
    v1::PeerSample* const out = sample->add_peers();
    out->set_node_id(static_cast<uint32_t>(peer.value()));
    out->set_connected(link.connected);
    out->set_connects(link.connects);
    out->set_queue_bytes(link.queue_bytes);
    out->set_messages_sent(link.messages_sent);
    out->set_messages_dropped(link.messages_dropped);
    out->set_sent_bytes(link.sent_bytes);
  }
}

}  // namespace quorumbook::server
