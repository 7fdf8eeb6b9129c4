#include "server/peer_identity.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/digest.h"
#include "server/config_schema.h"
#include "storage/identity.h"

namespace quorumbook::server {
namespace {

// The whole group but for what a node may have of its own.
std::string RaftSettings(const Config& config) {
  std::string text;
  for (const ScalarKey& key : ConfigSchema()) {
    if (!key.key.name.starts_with("raft.") || key.key.name == "raft.priority") continue;
    text += fmt::format("{}={}\n", key.key.name, key.get(config));
  }
  return text;
}

std::string SymbolSettings(const Config& config) {
  std::string text = fmt::format("{}\n", config.default_shard.value());
  for (const auto& [symbol, shard] : config.symbol_shards) {
    text += fmt::format("{}={}\n", symbol, shard.value());
  }
  return text;
}

std::string ShardSettings(const Config& config) {
  std::string text;
  for (const ShardId shard : config.shards) text += fmt::format("{}\n", shard.value());
  return text;
}

}  // namespace

v1::PeerSettings SettingsOf(const Config& config) {
  v1::PeerSettings settings;
  settings.set_shards(Checksum64(ShardSettings(config)));
  settings.set_symbols(Checksum64(SymbolSettings(config)));
  settings.set_raft(Checksum64(RaftSettings(config)));
  return settings;
}

PeerGreeting ReadHello(const v1::PeerHello& hello) {
  PeerGreeting greeting{
      MakeMember(NodeId(hello.node_id()), hello.incarnation()), {}, hello.began_anew()};
  for (const uint64_t founder : hello.founders()) greeting.founders.emplace_back(founder);
  return greeting;
}

void PeerIdentity::SetFounders(std::vector<NodeId> founders) {
  const std::lock_guard lock(mutex_);
  founders_ = std::move(founders);
}

void PeerIdentity::WriteHello(v1::PeerHello* hello) const {
  hello->set_cluster_id(cluster_id_);
  hello->set_node_id(static_cast<uint32_t>(node().value()));
  hello->set_protocol_version(kPeerProtocolVersion);
  hello->set_incarnation(IncarnationOf(member_));
  hello->set_began_anew(began_anew_);
  *hello->mutable_settings() = settings_;
  const std::lock_guard lock(mutex_);
  for (const NodeId founder : founders_) hello->add_founders(founder.value());
}

bool PeerIdentity::ClaimsOtherThan(NodeId node, const v1::PeerHello& hello) const {
  return hello.cluster_id() == cluster_id_ && NodeId(hello.node_id()) != node;
}

std::string PeerIdentity::WhyNot(const v1::PeerHello& hello) const {
  if (hello.cluster_id() != cluster_id_) {
    // What no cluster can be called may be long, and this is logged and kept.
    const bool possible = IsClusterId(hello.cluster_id());
    return fmt::format("this is cluster '{}', not {}", cluster_id_,
                       possible ? fmt::format("'{}'", hello.cluster_id()) : "another cluster");
  }
  if (hello.protocol_version() != kPeerProtocolVersion) {
    return fmt::format("peer protocol {} is not spoken here, {} is", hello.protocol_version(),
                       kPeerProtocolVersion);
  }
  if (std::string why = WhyOtherSettings(hello); !why.empty()) return why;
  if (hello.incarnation() > kMaxIncarnation) return "its incarnation is out of range";
  return WhyOtherFounders(ReadHello(hello).founders);
}

std::string PeerIdentity::WhyOtherSettings(const v1::PeerHello& hello) const {
  std::vector<std::string> different;
  if (hello.settings().shards() != settings_.shards()) different.push_back("`shards`");
  if (hello.settings().symbols() != settings_.symbols()) different.push_back("`symbols`");
  if (hello.settings().raft() != settings_.raft()) different.push_back("`raft`");
  if (different.empty()) return "";
  return fmt::format("{} of node {} and of node {} differ, and must be the same on every node",
                     fmt::join(different, " and "), hello.node_id(), node().value());
}

std::string PeerIdentity::WhyOtherFounders(const std::vector<NodeId>& founders) const {
  if (founders.empty()) return "";
  if (!storage::CheckFoundersAreValid(founders).ok()) {
    return "the founders that it names are no founders";
  }
  const std::lock_guard lock(mutex_);
  if (founders_.empty() || founders == founders_) return "";
  return "its cluster was founded by others, though it has the same name";
}

}  // namespace quorumbook::server
