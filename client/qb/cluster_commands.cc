#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <thread>

#include "client/qb/cluster_health.h"
#include "client/qb/commands.h"
#include "client/qb/render.h"
#include "client/qb/table.h"
#include "proto/status_names.h"

namespace quorumbook::qb {
namespace {

using Reports = std::vector<Client::NodeReport>;
using SteadyClock = std::chrono::steady_clock;

// Between two looks at replicas that are not at the same index yet.
constexpr std::chrono::milliseconds kCompareInterval{100};

Json MemberJson(const v1::MemberStatus& member) {
  return {{"node_id", member.node_id()},
          {"incarnation", member.incarnation()},
          {"kind", MemberKindName(member.kind())}};
}

Json ReplicaJson(const v1::ReplicaStatus& replica, bool digests) {
  Json json = {{"shard", replica.shard()},
               {"role", RoleName(replica.role())},
               {"term", replica.term()},
               {"leader_id", replica.leader_id()},
               {"commit_index", replica.commit_index()},
               {"applied_index", replica.applied_index()},
               {"first_index", replica.first_index()},
               {"last_index", replica.last_index()},
               {"snapshot_index", replica.snapshot_index()},
               {"log_bytes", replica.log_bytes()},
               {"event_sequence", replica.event_sequence()},
               {"open_orders", replica.open_orders()},
               {"sessions", replica.sessions()}};
  json["fenced"] = replica.fenced();
  json["fenced_nodes"] = replica.fenced_nodes();
  json["members"] = Json::array();
  for (const v1::MemberStatus& member : replica.members())
    json["members"].push_back(MemberJson(member));
  if (digests) {
    json["state_digest"] = replica.state_digest();
    json["market_digest"] = replica.market_digest();
  }
  return json;
}

Json NodeJson(const Client::NodeReport& report, bool digests) {
  Json json = {{"id", report.node.id()},
               {"address", report.node.client_address()},
               {"reachable", report.status.ok()}};
  if (!report.status.ok()) {
    json["error"] = std::string(report.status.status().message());
    return json;
  }
  json["version"] = report.status->version();
  json["uptime_ms"] = report.status->uptime_ms();
  json["disk_bytes"] = report.status->disk_bytes();
  json["disk_free_bytes"] = report.status->disk_free_bytes();
  json["replicas"] = Json::array();
  for (const v1::ReplicaStatus& replica : report.status->replicas()) {
    json["replicas"].push_back(ReplicaJson(replica, digests));
  }
  return json;
}

void PrintTable(const Reports& reports, bool digests) {
  std::vector<Table::Column> columns = {{"NODE", Table::kRight},    {"ADDRESS"},
                                        {"SHARD", Table::kRight},   {"ROLE"},
                                        {"TERM", Table::kRight},    {"COMMIT", Table::kRight},
                                        {"APPLIED", Table::kRight}, {"EVENTS", Table::kRight},
                                        {"ORDERS", Table::kRight}};
  if (digests) {
    columns.push_back({"STATE DIGEST"});
    columns.push_back({"MARKET DIGEST"});
  }
  Table table(columns);
  std::string unreachable;
  for (const Client::NodeReport& report : reports) {
    const std::string id = std::to_string(report.node.id());
    if (!report.status.ok()) {
      unreachable += "node " + id + " at " + report.node.client_address() +
                     " is not reachable: " + std::string(report.status.status().message()) + '\n';
      continue;
    }
    for (const v1::ReplicaStatus& replica : report.status->replicas()) {
      std::vector<std::string> row = {id,
                                      report.node.client_address(),
                                      std::to_string(replica.shard()),
                                      RoleName(replica.role()),
                                      std::to_string(replica.term()),
                                      std::to_string(replica.commit_index()),
                                      std::to_string(replica.applied_index()),
                                      std::to_string(replica.event_sequence()),
                                      std::to_string(replica.open_orders())};
      if (digests) {
        row.push_back(replica.state_digest());
        row.push_back(replica.market_digest());
      }
      table.AddRow(std::move(row));
    }
  }
  table.Print(std::cout);
  std::cout << unreachable;
}

// With digests: asks until the replicas stand at one index, or the time is over.
absl::StatusOr<Reports> Ask(const Context& context, Client& client, bool digests) {
  const SteadyClock::time_point deadline = SteadyClock::now() + context.timeout;
  while (true) {
    absl::StatusOr<Reports> reports = client.ClusterStatus(digests);
    if (!reports.ok() || !digests) return reports;
    const Agreement agreement = Compare(*reports);
    if (agreement.comparable || agreement.diverged) return reports;
    if (SteadyClock::now() + kCompareInterval >= deadline) return reports;
    std::this_thread::sleep_for(kCompareInterval);
  }
}

int Status(const Context& context, bool digests) {
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  absl::StatusOr<v1::ClusterDescription> cluster = (*client)->DescribeCluster();
  if (!cluster.ok()) return ReportError(context, cluster.status());
  std::vector<uint32_t> shards;
  for (const v1::ShardDescription& shard : cluster->shards()) shards.push_back(shard.id());
  absl::StatusOr<Reports> reports = Ask(context, **client, digests);
  if (!reports.ok()) return ReportError(context, reports.status());
  const Health health = Assess(*reports, shards);
  const Agreement agreement =
      digests ? Compare(*reports) : Agreement{.comparable = true, .diverged = false, .summary = ""};
  if (context.json) {
    Json json = {{"cluster_id", cluster->cluster_id()}, {"available", health.available},
                 {"complete", health.complete},         {"can_lose", health.can_lose},
                 {"summary", health.summary},           {"nodes", Json::array()}};
    for (const auto& report : *reports) json["nodes"].push_back(NodeJson(report, digests));
    if (digests) {
      json["digests"] = {{"comparable", agreement.comparable},
                         {"equal", agreement.comparable && !agreement.diverged},
                         {"summary", agreement.summary}};
    }
    PrintJson(json);
  } else {
    PrintTable(*reports, digests);
    std::cout << health.summary << '\n';
    if (digests) std::cout << agreement.summary << '\n';
  }
  if (agreement.diverged) return kExitRejected;
  if (!health.available) return kExitUnavailable;
  return agreement.comparable ? kExitOk : kExitRejected;
}

int Wait(const Context& context) {
  const SteadyClock::time_point started = SteadyClock::now();
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  const auto elapsed = [&] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - started);
  };
  const auto left = std::max(std::chrono::milliseconds(1), context.timeout - elapsed());
  absl::Status ready = (*client)->WaitUntilReady(left);
  if (!ready.ok()) return ReportError(context, ready);
  if (context.json) {
    PrintJson({{"ready", true}, {"waited_ms", elapsed().count()}});
  } else {
    std::cout << "ready after " << elapsed().count() << " ms\n";
  }
  return kExitOk;
}

struct TransferArguments {
  uint32_t shard = 0;
  uint32_t target = 0;
};

int Transfer(const Context& context, const TransferArguments& arguments) {
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  absl::Status status = (*client)->TransferLeadership(arguments.shard, arguments.target);
  if (!status.ok()) {
    const int exit_code =
        status.code() == absl::StatusCode::kInvalidArgument ? kExitRejected : ExitCodeOf(status);
    return ReportError(context.json, status, exit_code);
  }
  if (context.json) {
    PrintJson({{"shard", arguments.shard}, {"target", arguments.target}});
  } else {
    std::cout << "shard " << arguments.shard << " changes its leader\n";
  }
  return kExitOk;
}

struct MemberArguments {
  uint32_t node = 0;
  uint32_t shard = 0;  // 0: all
};
using MemberCall = absl::StatusOr<v1::ChangeMemberResponse> (Client::*)(uint32_t, uint32_t);

// A shard that refuses does not keep the others from it, but one that does not answer does. What is
// done is not undone: the command can be repeated.
int ChangeMember(const Context& context, const MemberArguments& arguments, MemberCall call) {
  auto client = context.Connect();
  if (!client.ok()) return ReportError(context, client.status());
  std::vector<uint32_t> shards = (*client)->Shards();
  if (arguments.shard != 0) {
    if (std::ranges::count(shards, arguments.shard) == 0) {
      return ReportError(context, absl::InvalidArgumentError(absl::StrCat(
                                      "there is no shard ", arguments.shard, "; the cluster has ",
                                      absl::StrJoin(shards, ", "))));
    }
    shards = {arguments.shard};
  }
  Json json = Json::array();
  Table table({{"SHARD", Table::kRight}, {"NODE", Table::kRight}, {"KIND"}});
  std::string refused;
  absl::Status first_error;
  for (const uint32_t shard : shards) {
    absl::StatusOr<v1::ChangeMemberResponse> response = (**client.*call)(shard, arguments.node);
    if (!response.ok()) {
      const std::string why(response.status().message());
      const std::string of_shard = absl::StrCat("shard ", shard, ": ", why);
      first_error.Update(absl::Status(response.status().code(), of_shard));
      refused += of_shard + '\n';
      json.push_back({{"shard", shard}, {"ok", false}, {"error", why}});
      if (absl::IsInvalidArgument(response.status())) continue;
      break;
    }
    Json members = Json::array();
    for (const v1::MemberStatus& member : response->members()) {
      members.push_back(MemberJson(member));
      table.AddRow(
          {std::to_string(shard), std::to_string(member.node_id()), MemberKindName(member.kind())});
    }
    json.push_back({{"shard", shard}, {"ok", true}, {"members", std::move(members)}});
  }
  if (context.json) {
    PrintJson({{"node", arguments.node}, {"shards", std::move(json)}});
    return first_error.ok() ? kExitOk : ReportError(context, first_error);
  }
  table.Print(std::cout);
  std::cerr << refused;
  return first_error.ok() ? kExitOk : ExitCodeOf(first_error);
}

void AddMemberCommand(CLI::App& group, Context& context, const std::string& name,
                      const std::string& help, MemberCall call) {
  auto arguments = std::make_shared<MemberArguments>();
  CLI::App* command = AddCommand(group, name, help);
  command->add_option("node", arguments->node, "Node id")->required();
  command->add_option("--shard", arguments->shard, "Of this shard only (default: of all)");
  command->callback(
      [&context, arguments, call] { context.exit_code = ChangeMember(context, *arguments, call); });
}

}  // namespace

void AddClusterCommands(CLI::App& app, Context& context) {
  CLI::App* group = AddGroup(app, "cluster", "Look after the cluster");
  auto digests = std::make_shared<bool>(false);
  CLI::App* status = AddCommand(*group, "status",
                                "Show every node and replica, and whether the cluster is healthy "
                                "(exit code 2: a shard has no leader or no majority)");
  status->add_flag("--digests", *digests,
                   "Also compare the replicas' digests, once they stand at one index (exit code "
                   "1: they differ, or never stood at one index)");
  status->callback([&context, digests] { context.exit_code = Status(context, *digests); });

  AddCommand(*group, "wait", "Wait, at most --timeout, until every shard answers reads")
      ->callback([&context] { context.exit_code = Wait(context); });

  auto arguments = std::make_shared<TransferArguments>();
  CLI::App* transfer = AddCommand(*group, "transfer", "Hand a shard's leadership to another node");
  transfer->add_option("--shard", arguments->shard)->required();
  transfer->add_option("--to", arguments->target, "Node id (default: the most advanced follower)");
  transfer->callback([&context, arguments] { context.exit_code = Transfer(context, *arguments); });

  AddMemberCommand(*group, context, "add-node",
                   "Make a running node, which must be in every node's `peers`, a member; it votes "
                   "once it has caught up",
                   &Client::AddMember);
  AddMemberCommand(*group, context, "remove-node", "Take a node out of the cluster",
                   &Client::RemoveMember);
}

}  // namespace quorumbook::qb
