#include "server/monitoring/alert_rules.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <fmt/format.h>

#include <iterator>

#include "server/monitoring/alert_values.h"

namespace quorumbook::server {

namespace {

constexpr AlertRule kRules[] = {
    {"QuorumbookApplyLag", "warning", "a replica executes more slowly than the log grows",
     "see whether the node is short of processor time; if it is one node, restart it", true, 10'000,
     "entries", 30, "quorumbook_raft_commit_index - quorumbook_raft_applied_index", "",
     alert::ApplyLag},
    {"QuorumbookBackgroundErrors", "critical", "the database could not do its background work",
     "read the node's log and the disk's; replace the disk if it has errors", true, 0, "errors", 0,
     "quorumbook_storage_background_errors_total", "", alert::BackgroundErrors},
    {"QuorumbookCertificateExpiry", "warning", "the certificate of a node expires soon",
     "make new certificates and restart the nodes one after the other", false, 14, "days", 60,
     "(quorumbook_tls_certificate_expiry_timestamp_seconds - time()) / 86400", "",
     alert::CertificateExpiry},
    {"QuorumbookClockOffset", "warning", "the clocks of two nodes differ",
     "see that a time service runs on both machines", true, 0.5, "seconds", 60,
     "abs(quorumbook_peer_clock_offset_seconds)", "", alert::ClockOffset},
    {"QuorumbookDiskFilling", "warning", "the disk will be full soon at this pace",
     "make space or enlarge the file system; see what else writes to it", false, 4, "hours", 300,
     "quorumbook_storage_disk_free_bytes / "
     "clamp_min(-deriv(quorumbook_storage_disk_free_bytes[30m]), 1) / 3600",
     "deriv(quorumbook_storage_disk_free_bytes[30m]) < -1024", alert::DiskFilling},
    {"QuorumbookDiskFull", "critical", "a node can not write: its disk is full",
     "make space: writing goes on by itself", true, 0, "nodes", 0, "quorumbook_storage_disk_full",
     "", alert::DiskFull},
    {"QuorumbookDiskLow", "warning", "a disk has little space left",
     "make space or enlarge the file system", false, 0.1, "ratio", 60,
     "quorumbook_storage_disk_free_bytes / quorumbook_storage_disk_capacity_bytes", "",
     alert::DiskLow},
    {"QuorumbookEvidence", "critical", "a node did what no correct one does",
     "stop and examine the culprit; remove it or give it an empty data_dir", false, 3'600,
     "seconds ago", 0,
     "min by (shard, kind, culprit) "
     "(quorumbook_raft_evidence_age_seconds{kind!=\"diverged_state\"})",
     "", alert::Evidence},
    {"QuorumbookFenced", "critical", "a replica fenced itself off: it neither votes nor serves",
     "its state differs from the majority's: restart the node, it begins anew", true, 0, "replicas",
     0, "quorumbook_raft_fenced", "", alert::Fenced},
    {"QuorumbookFiguresOld", "critical", "a node answers, but its figures stand still",
     "a thread of it does not go on: keep its log and a stack trace, then restart it", true, 10,
     "seconds", 5, "quorumbook_node_sample_age_seconds", "", alert::FiguresOld},
    {"QuorumbookGrpcErrors", "warning", "calls of clients fail in the server",
     "see grpc_server_handled_total by method and code, and the node's log", true, 1, "per_second",
     60,
     "sum by (instance) (rate(grpc_server_handled_total{grpc_code=~"
     "\"Unknown|Internal|DataLoss|DeadlineExceeded|ResourceExhausted\"}[1m]))",
     "", alert::GrpcErrors},
    {"QuorumbookLeaderFlapping", "warning", "leadership changes again and again",
     "look for a slow disk or network, or processor time that is taken away", true, 3, "changes", 0,
     // Prometheus extrapolates to the whole window, which makes more than 3 of 3 changes.
     "max by (shard) (floor(increase(quorumbook_raft_leader_changes_total[5m])))", "",
     alert::LeaderFlapping},
    {"QuorumbookMembersMissing", "warning", "a leader does not hear from all voters",
     "start the missing node, or find out why it is not reached", true, 0, "nodes", 30,
     "quorumbook_raft_voters - quorumbook_raft_active_voters", "", alert::MembersMissing},
    {"QuorumbookNoLeader", "critical", "a shard has no leader: it takes no orders",
     "start nodes until a majority answers; see readyz?verbose of each", false, 1, "leaders", 5,
     "max by (shard) (quorumbook_raft_is_leader)", "", alert::NoLeader},
    {"QuorumbookNodeDown", "critical", "a node does not answer",
     "start it, or look at its machine and network", false, 1, "nodes", 15,
     "up{job=\"quorumbook\"}", "", alert::NodeDown},
    {"QuorumbookOpenFiles", "warning", "a process has nearly as many open files as it may",
     "raise the limit (ulimit -n), and see who holds so many connections", true, 0.8, "ratio", 60,
     "process_open_fds{job=\"quorumbook\"} / process_max_fds{job=\"quorumbook\"}", "",
     alert::OpenFiles},
    {"QuorumbookPeerDisconnected", "warning", "two nodes have no stream between them",
     "see that listen.peer of both is reached from the other", false, 1, "streams", 30,
     "quorumbook_peer_connected", "", alert::PeerDisconnected},
    {"QuorumbookProposalsFailing", "warning", "commands are refused or lost by the log",
     "see the reasons in quorumbook_raft_proposals_refused_total: full disk, too slow, no leader",
     true, 1, "per_second", 30,
     "sum by (shard) (rate({__name__=~\"quorumbook_raft_proposals_(failed|refused)_total\","
     "reason!~\"not_leader|shutting_down\"}[1m]))",
     "", alert::ProposalsFailing},
    {"QuorumbookRejectSpike", "warning", "most commands are rejected by the exchange",
     "see the reasons in quorumbook_exchange_rejects_total, and which client sends them", true, 0.5,
     "ratio", 60,
     "max by (shard) (sum by (instance, shard) (rate(quorumbook_exchange_rejects_total[1m]))) / "
     "max by (shard) (sum by (instance, shard) (rate(quorumbook_exchange_commands_total[1m])))",
     "max by (shard) (sum by (instance, shard) (rate(quorumbook_exchange_rejects_total[1m]))) > 10",
     alert::RejectSpike},
    {"QuorumbookReplicaLag", "warning", "a replica is far behind its leader",
     "see its disk and network; far behind, it gets a snapshot by itself", true, 10'000, "entries",
     60, "quorumbook_raft_match_lag_entries", "", alert::ReplicaLag},
    {"QuorumbookSlowCommit", "warning", "commits take long",
     "see where the time goes on the page Raft: sync, replicate or queue", true, 0.5, "seconds", 30,
     "histogram_quantile(0.99, sum by (shard, le) "
     "(rate(quorumbook_raft_commit_duration_seconds_bucket[1m])))",
     "", alert::SlowCommit},
    {"QuorumbookSlowConsumers", "warning", "subscribers of market data are cut for being slow",
     "they must read faster, or subscribe to a channel that is conflated", true, 0.1, "per_second",
     30, "rate(quorumbook_market_data_cut_total[1m])", "", alert::SlowConsumers},
    {"QuorumbookSlowPeer", "warning", "a status call to another node takes long",
     "see the network between the two, and the load of the other", true, 0.25, "seconds", 30,
     "quorumbook_peer_round_trip_seconds", "", alert::SlowPeer},
    {"QuorumbookSlowSync", "warning", "the disk takes long to sync the log",
     "see what else uses the disk; every order waits for the disks of a majority", true, 0.1,
     "seconds", 30,
     "histogram_quantile(0.99, sum by (instance, le) "
     "(rate(quorumbook_storage_sync_duration_seconds_bucket[1m])))",
     "", alert::SlowSync},
    {"QuorumbookStateDiverged", "critical", "a replica's state differs from the majority's",
     "the culprit begins anew by itself; keep its .damaged directory and find out why", false,
     3'600, "seconds ago", 0,
     "min by (shard, culprit) (quorumbook_raft_evidence_age_seconds{kind=\"diverged_state\"})", "",
     alert::StateDiverged},
    {"QuorumbookStoreDamaged", "warning", "a node found its store damaged, and began anew",
     "see in its log what was damaged, test the disk, then move the .damaged directory away", true,
     0, "stores", 0, "quorumbook_storage_corruptions_total", "", alert::StoreDamaged},
    {"QuorumbookVersionSkew", "warning", "nodes run different versions",
     "finish the upgrade: one node after the other", true, 1, "versions", 600,
     "count(count by (version) (quorumbook_build_info))", "", alert::VersionSkew},
    {"QuorumbookWriteStalls", "warning", "the database slows writes down",
     "the disk does not keep up with what is written: see its load", true, 0, "stalls", 0,
     "increase(quorumbook_storage_write_stalls_total[1m]) + quorumbook_storage_write_stopped", "",
     alert::WriteStalls},
};

}  // namespace

const std::vector<AlertRule>& AlertRules() {
  static const auto& rules = *new std::vector<AlertRule>(std::begin(kRules), std::end(kRules));
  return rules;
}

std::string Expression(const AlertRule& rule) {
  std::string expression =
      fmt::format("{} {} {}", rule.query, rule.above ? ">" : "<", rule.threshold);
  if (!rule.guard.empty()) expression += fmt::format(" and {}", rule.guard);
  return expression;
}

std::string Runbook(const AlertRule& rule) {
  return absl::AsciiStrToLower(absl::string_view(rule.name.data(), rule.name.size()));
}

std::string RulesYaml() {
  std::string yaml =
      "# Made of server/monitoring/alert_rules.cc; a test holds the two equal. What to do about "
      "each\n"
      "# is in docs/operating.md.\n"
      "groups:\n"
      "  - name: quorumbook\n"
      "    rules:\n";
  for (const AlertRule& rule : AlertRules()) {
    yaml += fmt::format(
        "      - alert: {}\n"
        "        expr: >-\n"
        "          {}\n"
        "        for: {}s\n"
        "        labels:\n"
        "          severity: {}\n"
        "        annotations:\n"
        "          summary: \"{}\"\n"
        "          description: \"{}: {{{{ $value }}}} ({} {} {})\"\n"
        "          runbook: docs/operating.md#{}\n",
        rule.name, Expression(rule), rule.for_seconds, rule.severity, rule.summary, rule.what_to_do,
        rule.above ? "above" : "below", rule.threshold, rule.unit, Runbook(rule));
  }
  return yaml;
}

}  // namespace quorumbook::server
