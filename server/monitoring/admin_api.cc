#include "server/monitoring/admin_api.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "proto/status_names.h"
#include "server/monitoring/cluster_api.h"
#include "server/monitoring/cluster_json.h"
#include "server/replica/member.h"

namespace quorumbook::server {
namespace {

using Access = Router::Access;

using Clock = std::chrono::steady_clock;

// Below the time after which the server answers in our place; of all shards of a request together.
constexpr std::chrono::milliseconds kTimeout{8'000};

HttpResponse NoLeader(uint32_t shard) {
  return Problem(503, "not_leader", absl::StrCat("shard ", shard, " has no leader"),
                 "try again when GET /api/health names none without a leader");
}

HttpResponse Refused(const CallResult& result) {
  const std::string why = result.status.error_message();
  const bool passing = result.status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                       result.status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
  if (passing) {
    return Problem(503, "not_leader", why, "leadership may have moved: try again",
                   {.leader = result.detail.leader_id()});
  }
  return Problem(409, "refused", why, "see GET /api/shards for members and leaders");
}

// A whole number of the body. False: not there, or out of bounds.
bool ReadNumber(const Json& body, const char* name, uint32_t least, uint32_t most, uint32_t* out) {
  const auto found = body.find(name);
  if (found == body.end() || !found->is_number_unsigned()) return false;
  const auto value = found->get<uint64_t>();
  if (value < least || value > most) return false;
  *out = static_cast<uint32_t>(value);
  return true;
}

// The shards that a list names, each once. False: it is none, or names others than those that are
// in `shards` before.
bool ReadShards(const Json& list, std::vector<uint32_t>* shards) {
  if (!list.is_array() || list.empty()) return false;
  std::set<uint32_t> chosen;
  for (const Json& item : list) {
    if (!item.is_number_unsigned()) return false;
    const auto number = item.get<uint64_t>();
    if (std::find(shards->begin(), shards->end(), number) == shards->end()) return false;
    chosen.insert(static_cast<uint32_t>(number));
  }
  std::erase_if(*shards, [&chosen](uint32_t shard) { return !chosen.contains(shard); });
  return true;
}

// What an operator asked for over HTTP, and whether it was done, in full.
void Tell(ClusterState* state, uint32_t node, uint32_t shard, const std::string& what, bool done) {
  state->events().Add(WallClockMs(), "admin", done ? "info" : "warning", node, shard,
                      absl::StrCat(what, ", by HTTP", done ? "" : ": refused, or only in part"));
}

HttpResponse WrongBody(std::string_view detail) {
  return Problem(400, "bad_request", detail, "/api/openapi.json shows the body");
}

}  // namespace

bool ReadBody(const HttpRequest& request, std::initializer_list<std::string_view> fields,
              Json* body, HttpResponse* problem) {
  const absl::string_view type = absl::StripAsciiWhitespace(
      absl::string_view(request.content_type).substr(0, request.content_type.find(';')));
  if (!absl::EqualsIgnoreCase(type, "application/json")) {
    *problem = Problem(415, "wrong_content_type", "the body must be JSON",
                       "send the header `Content-Type: application/json`");
    return false;
  }
  *body = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (!body->is_object()) {
    *problem = WrongBody("the body is no JSON object");
    return false;
  }
  for (const auto& [name, value] : body->items()) {
    if (std::find(fields.begin(), fields.end(), name) != fields.end()) continue;
    *problem = Problem(400, "bad_request", "'" + name + "' is no field of the body",
                       fmt::format("it has {}", fmt::join(fields, ", ")));
    return false;
  }
  return true;
}

struct AdminGateway::Change {
  v1::ChangeMemberRequest request;
  bool add = false;
  std::vector<uint32_t> shards;
  size_t next = 0;
  const Clock::time_point deadline = Clock::now() + kTimeout;
  bool all_ok = true;
  Json results = Json::array();
  Respond respond;
};

uint32_t AdminGateway::LeaderOf(uint32_t shard) const {
  const auto& replicas = shards_.all();
  const auto found = replicas.find(ShardId(shard));
  return found == replicas.end() ? 0 : static_cast<uint32_t>(found->second->leader().value());
}

void AdminGateway::Transfer(uint32_t shard, uint32_t target, Respond respond) {
  const uint32_t leader = LeaderOf(shard);
  if (leader == 0) return respond(NoLeader(shard));
  v1::TransferLeadershipRequest request;
  request.set_shard(shard);
  request.set_target(target);
  clients_.TransferLeadership(
      leader, request, kTimeout,
      [shard, respond](const CallResult& result, const v1::TransferLeadershipResponse& response) {
        if (!result.ok()) return respond(Refused(result));
        respond(JsonResponse({{"shard", shard}, {"leader", response.leader_id()}}));
      });
}

void AdminGateway::ChangeMember(uint32_t node, bool add, std::vector<uint32_t> shards,
                                Respond respond) {
  auto change = std::make_shared<Change>();
  change->request.set_node_id(node);
  change->add = add;
  change->shards = std::move(shards);
  change->respond = std::move(respond);
  ChangeNext(change);
}

void AdminGateway::ChangeNext(const std::shared_ptr<Change>& change) {
  if (change->next == change->shards.size()) {
    const Json out = {{"node", change->request.node_id()}, {"shards", change->results}};
    return change->respond(JsonResponse(out, change->all_ok ? 200 : 409));
  }
  const uint32_t shard = change->shards[change->next++];
  change->request.set_shard(shard);
  const auto add_result = [this, change, shard](bool ok, const std::string& detail,
                                                const v1::ChangeMemberResponse& response) {
    Json members = Json::array();
    for (const v1::MemberStatus& member : response.members()) {
      members.push_back({{"node", member.node_id()}, {"kind", MemberKindName(member.kind())}});
    }
    change->all_ok &= ok;
    change->results.push_back(
        {{"shard", shard}, {"ok", ok}, {"detail", detail}, {"members", std::move(members)}});
    ChangeNext(change);
  };
  const uint32_t leader = LeaderOf(shard);
  if (leader == 0) return add_result(false, "it has no leader", {});
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(change->deadline - Clock::now());
  if (left.count() <= 0) return add_result(false, "it was not asked: no time was left", {});
  clients_.ChangeMember(
      leader, change->add, change->request, left,
      [add_result](const CallResult& result, const v1::ChangeMemberResponse& response) {
        add_result(result.ok(), result.status.error_message(), response);
      });
}

void AddAdminRoutes(AdminGateway* gateway, ClusterState* state, Router* router) {
  router->Add(
      "POST", "/api/admin/transfer-leadership", Access::kOperator,
      [gateway, state](const HttpRequest& request, Respond respond) {
        Json body;
        HttpResponse problem;
        if (!ReadBody(request, {"shard", "target"}, &body, &problem)) return respond(problem);
        uint32_t shard = 0;
        uint32_t target = 0;
        if (!ReadNumber(body, "shard", 1, 1'000'000, &shard)) {
          return respond(WrongBody("shard is not the number of a shard"));
        }
        if (body.contains("target") && !ReadNumber(body, "target", 0, kMaxNodeNumber, &target)) {
          return respond(WrongBody("target is not the number of a node"));
        }
        const std::vector<uint32_t>& shards = state->view().shards();
        if (std::find(shards.begin(), shards.end(), shard) == shards.end()) {
          return respond(Problem(404, "unknown_shard", absl::StrCat("there is no shard ", shard),
                                 "GET /api/shards lists the shards"));
        }
        gateway->Transfer(shard, target, [state, shard, target, respond](HttpResponse response) {
          Tell(state, target, shard, absl::StrCat("leadership of shard ", shard, " handed over"),
               response.status == 200);
          respond(std::move(response));
        });
      });
  for (const bool add : {true, false}) {
    router->Add("POST", add ? "/api/admin/add-node" : "/api/admin/remove-node", Access::kOperator,
                [gateway, state, add](const HttpRequest& request, Respond respond) {
                  Json body;
                  HttpResponse problem;
                  if (!ReadBody(request, {"node", "shards"}, &body, &problem)) {
                    return respond(problem);
                  }
                  uint32_t node = 0;
                  if (!ReadNumber(body, "node", 1, kMaxNodeNumber, &node)) {
                    return respond(WrongBody("node is not the number of a node"));
                  }
                  std::vector<uint32_t> shards = state->view().shards();
                  if (body.contains("shards") && !ReadShards(body["shards"], &shards)) {
                    return respond(WrongBody("shards is not a list of shards"));
                  }
                  gateway->ChangeMember(
                      node, add, std::move(shards), [state, node, add, respond](HttpResponse done) {
                        Tell(state, node, 0,
                             absl::StrCat("node ", node, add ? " added" : " removed"),
                             done.status == 200);
                        respond(std::move(done));
                      });
                });
  }
}

}  // namespace quorumbook::server
