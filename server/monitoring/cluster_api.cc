#include "server/monitoring/cluster_api.h"

#include <absl/strings/numbers.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "server/monitoring/metrics_page.h"
#include "server/monitoring/openapi.h"
#include "server/monitoring/query.h"
#include "server/monitoring/readiness.h"
#include "server/monitoring/series.h"
#include "server/version.h"

namespace quorumbook::server {
namespace {

constexpr size_t kDefaultEvents = 100;
constexpr size_t kMostEvents = 1'000;
constexpr int kApiVersion = 1;

using Access = Router::Access;

HttpResponse Timeseries(const ClusterState& state, const HttpRequest& request) {
  QueryReader reader(request);
  TimeseriesQuery query;
  query.series = reader.List("series");
  for (const std::string& name : query.series) {
    bool known = false;
    for (const Series& series : AllSeries()) known |= series.name == name;
    if (!known) reader.Wrong("there is no series '" + name + "'");
  }
  for (const std::string& text : reader.List("nodes")) {
    uint32_t node = 0;
    if (!absl::SimpleAtoi(text, &node) || state.view().Find(node) == nullptr) {
      reader.Wrong("there is no node '" + text + "'");
    }
    query.nodes.push_back(node);
  }
  query.since_ms =
      reader.Count<int64_t>("since_ms", 0, std::numeric_limits<int64_t>::max(), int64_t{0});
  if (const auto refusal = reader.Refusal()) return *refusal;
  return JsonResponse(TimeseriesJson(state.view(), state.history(), query));
}

HttpResponse Events(const ClusterState& state, const HttpRequest& request) {
  QueryReader reader(request);
  const auto after =
      reader.Count<uint64_t>("after", 0, std::numeric_limits<uint64_t>::max(), uint64_t{0});
  const auto limit = reader.Count<size_t>("limit", 1, kMostEvents, kDefaultEvents);
  if (const auto refusal = reader.Refusal()) return *refusal;
  return JsonResponse(EventsJson(state.view(), state.events(), after, limit));
}

Json ConfigJson(const ClusterApi& api) {
  Json out = Envelope(api.state->view());
  out["keys"] = Json::array();
  for (const ConfigValue& value : *api.environment->config_values) {
    out["keys"].push_back({{"key", value.key},
                           {"value", value.value},
                           {"source", value.source},
                           {"secret", value.secret},
                           {"description", value.description}});
  }
  return out;
}

Json VersionJson(const ClusterApi& api, bool writes) {
  const v1::NodeSample* const sample = api.state->own_sample();
  return {{"version", kVersion},
          {"api", kApiVersion},
          {"cluster_id", api.environment->config->cluster_id},
          {"node", api.environment->config->node_id.value()},
          {"compiler", sample == nullptr ? "" : sample->compiler()},
          {"writes", writes}};
}

// All of them hold: it serves.
std::vector<ReadinessCheck> ReadyChecks(const ClusterState& state) {
  std::vector<ReadinessCheck> checks = state.Liveness();
  for (ReadinessCheck& check : state.Readiness()) checks.push_back(std::move(check));
  return checks;
}

HttpResponse Metrics(const ClusterApi& api) {
  const ClusterView& view = api.state->view();
  MetricsInputs inputs;
  inputs.sample = api.state->own_sample();
  inputs.ready = std::ranges::all_of(ReadyChecks(*api.state), &ReadinessCheck::ok);
  inputs.grpc = api.environment->grpc->Read();
  inputs.http = api.http;
  for (const auto& [id, node] : view.nodes()) {
    ++inputs.nodes;
    inputs.nodes_reachable += view.Reachable(id) ? 1 : 0;
  }
  inputs.alerts_pending = api.state->alerts().pending();
  inputs.alerts_firing = api.state->alerts().firing();
  if (inputs.sample != nullptr) {
    const std::chrono::nanoseconds taken(inputs.sample->taken_ns());
    const auto age = std::chrono::steady_clock::now().time_since_epoch() - taken;
    inputs.sample_age_seconds = std::chrono::duration<double>(age).count();
  }
  HttpResponse response;
  response.content_type = kMetricsContentType;
  response.body = RenderMetrics(inputs);
  return response;
}

}  // namespace

HttpResponse JsonResponse(const Json& document, unsigned status) {
  HttpResponse response;
  response.status = status;
  response.body = ToText(document) + "\n";
  return response;
}

Json TopicJson(const ClusterState& state, const std::string& topic) {
  const ClusterView& view = state.view();
  if (topic == "summary") return SummaryJson(view, state.health(), state.alerts());
  if (topic == "nodes") return NodesJson(view, state.addresses());
  if (topic == "shards") return ShardsJson(view, state.events());
  if (topic == "raft") return RaftJson(view, state.events());
  if (topic == "storage") return StorageJson(view);
  if (topic == "alerts") return AlertsJson(view, state.alerts());
  if (topic == "events") return EventsJson(view, state.events(), 0, kDefaultEvents);
  return TimeseriesJson(view, state.history(), {});
}

void AddClusterRoutes(const ClusterApi& api, Router* router) {
  const auto get = [router](const char* path, auto handler) {
    router->Add("GET", path, Access::kOpen,
                [handler](const HttpRequest& request, const Respond& respond) {
                  respond(handler(request));
                });
  };
  const ClusterState* const state = api.state;
  for (const char* topic : {"summary", "nodes", "shards", "raft", "storage", "alerts"}) {
    get(("/api/" + std::string(topic)).c_str(),
        [state, name = std::string(topic)](const HttpRequest&) {
          return JsonResponse(TopicJson(*state, name));
        });
  }
  get("/api/health", [state](const HttpRequest&) {
    return JsonResponse(HealthJson(state->view(), state->health()));
  });
  get("/api/timeseries", [state](const HttpRequest& r) { return Timeseries(*state, r); });
  get("/api/events", [state](const HttpRequest& r) { return Events(*state, r); });
  get("/api/config", [api](const HttpRequest&) { return JsonResponse(ConfigJson(api)); });
  get("/api/version", [api, router](const HttpRequest&) {
    return JsonResponse(VersionJson(api, router->has_token()));
  });
  get("/api/openapi.json", [](const HttpRequest&) {
    HttpResponse response;
    response.body = kOpenApi;
    return response;
  });
  // Streams leave the router's way before it is asked; these are what else may come there.
  get("/api/stream",
      [](const HttpRequest&) { return HttpResponse{200, "text/event-stream", "", {}}; });
  get("/api/ws", [](const HttpRequest&) {
    return Problem(400, "bad_request", "this is no WebSocket handshake",
                   "open it as a WebSocket: docs/http.md");
  });
  get("/livez", [state](const HttpRequest& request) {
    return ProbeResponse("livez", state->Liveness(), request);
  });
  get("/readyz", [state](const HttpRequest& request) {
    return ProbeResponse("readyz", ReadyChecks(*state), request);
  });
  get("/metrics", [api](const HttpRequest&) { return Metrics(api); });
}

}  // namespace quorumbook::server
