#include "server/monitoring/order_api.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "proto/decimal.h"
#include "server/market_codec.h"
#include "server/monitoring/admin_api.h"
#include "server/monitoring/cluster_api.h"
#include "server/monitoring/market_json.h"
#include "server/monitoring/query.h"
#include "server/report_codec.h"

namespace quorumbook::server {
namespace {

using Access = Router::Access;
using std::string_view_literals::operator""sv;

// What JavaScript counts exactly.
constexpr uint64_t kMaxClientOrderId = uint64_t{1} << 53;
// Likewise, and what it rounds to is above: an account that it could not hold is never another.
constexpr uint64_t kMaxAccount = (uint64_t{1} << 53) - 1;
constexpr size_t kMostOrders = 1'000;

HttpResponse Wrong(const std::string& detail) {
  return Problem(400, "bad_request", detail, "/api/openapi.json shows the order");
}

uint64_t DrawClientOrderId() {
  static std::mt19937_64& random = *new std::mt19937_64(std::random_device{}());
  return std::uniform_int_distribution<uint64_t>(1, kMaxClientOrderId)(random);
}

// An order as it was asked for: not checked against its symbol yet.
struct OrderText {
  std::string symbol;
  uint64_t account = 0;
  std::string quantity;
  std::string price;
  std::string protection;
  v1::NewOrder order;
};

// Empty: `out` is the order; else what is wrong.
class OrderParser {
 public:
  explicit OrderParser(const Json& body) : body_(body) {}

  std::string Parse(OrderText* out) {
    out->symbol = Text("symbol");
    if (out->symbol.empty()) return "symbol is missing";
    const auto account = body_.find("account");
    const bool number = account != body_.end() && account->is_number_unsigned();
    out->account = number ? account->get<uint64_t>() : 0;
    if (out->account == 0 || out->account > kMaxAccount) {
      return "account is not a number from 1 to 2^53 - 1; gRPC takes greater ones";
    }
    out->quantity = Text("quantity");
    out->price = Text("price");
    out->protection = Text("protection");
    if (out->quantity.empty()) return "quantity is missing; write it as a string, e.g. \"100\"";
    std::string wrong = ParseTerms(out->price, &out->order);
    if (wrong.empty()) wrong = ParseId(&out->order);
    return wrong;
  }

 private:
  std::string Text(const char* name) const {
    const auto found = body_.find(name);
    return found != body_.end() && found->is_string() ? found->get<std::string>() : "";
  }

  std::string ParseTerms(const std::string& price, v1::NewOrder* order) const {
    const std::string side = Text("side");
    if (side != "buy" && side != "sell") return "side is neither buy nor sell";
    order->set_side(side == "buy" ? v1::BUY : v1::SELL);
    const std::string type = body_.contains("type") ? Text("type") : "limit";
    if (type != "limit" && type != "market") return "type is neither limit nor market";
    const bool market = type == "market";
    order->set_type(market ? v1::MARKET : v1::LIMIT);
    if (market && body_.contains("price")) return "a market order has no price";
    if (body_.contains("protection")) {
      if (!market) return "a limit order has no protection";
      if (Text("protection").empty()) return "protection is no string such as \"0.05\"";
    }
    if (!market && price.empty()) return "price is missing; write it as a string, e.g. \"10.02\"";
    const std::string time = body_.contains("time_in_force") ? Text("time_in_force")
                             : market                        ? "ioc"
                                                             : "gtc";
    if (time == "gtc") {
      order->set_time_in_force(v1::GOOD_TILL_CANCEL);
    } else if (time == "day") {
      order->set_time_in_force(v1::DAY);
    } else if (time == "ioc") {
      order->set_time_in_force(v1::IMMEDIATE_OR_CANCEL);
    } else if (time == "fok") {
      order->set_time_in_force(v1::FILL_OR_KILL);
    } else {
      return "time_in_force is none of gtc, day, ioc, fok";
    }
    if (const auto post_only = body_.find("post_only"); post_only != body_.end()) {
      if (!post_only->is_boolean()) return "post_only is neither true nor false";
      order->set_post_only(post_only->get<bool>());
    }
    return "";
  }

  std::string ParseId(v1::NewOrder* order) const {
    uint64_t id = 0;
    if (!body_.contains("client_order_id")) {
      id = DrawClientOrderId();
    } else if (!absl::SimpleAtoi(Text("client_order_id"), &id) || id == 0 ||
               id > kMaxClientOrderId) {
      return "client_order_id is not 1 to 2^53 in a string of digits";
    }
    order->set_client_order_id(id);
    return "";
  }

  const Json& body_;
};

HttpResponse Unexecuted(OrderGateway::Outcome outcome, const std::string& why, uint64_t id) {
  const ProblemFields fields{.client_order_id = id};
  switch (outcome) {
    case OrderGateway::Outcome::kTooMany:
      return Problem(429, "too_many", why, "wait for answers; machines use gRPC", fields);
    case OrderGateway::Outcome::kUnknown:
      return Problem(503, "not_leader", "whether it was executed is not known: " + why,
                     "look with GET /api/orders before sending it again", fields);
    default:
      return Problem(503, "not_leader", "it was not executed: " + why, "try again", fields);
  }
}

// What the order's reports add up to.
HttpResponse Executed(const v1::CommandResult& result, const v1::Symbol& symbol, uint64_t account,
                      uint64_t client_order_id) {
  const v1::ExecutionReport* last = nullptr;
  Json reports = Json::array();
  for (const v1::ExecutionReport& report : result.reports()) {
    if (report.exec_type() == v1::ExecutionReport::REJECTED) {
      const std::string reason = ReasonName(report.reason());
      return Problem(422, "rejected", "the exchange rejected it: " + reason,
                     report.reason() == v1::NO_PROTECTION
                         ? "give the order a protection, or the symbol one by its rules"
                         : "docs/api.md says what each reason means",
                     {.reason = reason, .client_order_id = client_order_id});
    }
    reports.push_back(ReportJson(report, symbol));
    if (report.client_order_id() == client_order_id) last = &report;
  }
  static const v1::ExecutionReport& none = *new v1::ExecutionReport();
  if (last == nullptr) last = &none;
  return JsonResponse({{"result", "accepted"},
                       {"symbol", symbol.name()},
                       {"shard", symbol.shard()},
                       {"account", account},
                       {"client_order_id", std::to_string(client_order_id)},
                       {"order_id", std::to_string(last->order_id())},
                       {"status", StatusName(last->order_status())},
                       {"leaves_quantity", QuantityJson(last->leaves_quantity(), symbol)},
                       {"cumulative_quantity", QuantityJson(last->cumulative_quantity(), symbol)},
                       {"reports", std::move(reports)}});
}

void Submit(const OrderApi& api, const v1::Symbol& symbol, uint64_t account, uint64_t id,
            v1::Command command, Respond respond) {
  api.gateway->Submit(
      symbol.shard(), account, std::move(command),
      [symbol, account, id, respond = std::move(respond)](
          OrderGateway::Outcome outcome, const std::string& why, const v1::CommandResult& result) {
        const bool executed = outcome == OrderGateway::Outcome::kExecuted;
        respond(executed ? Executed(result, symbol, account, id) : Unexecuted(outcome, why, id));
      });
}

v1::Symbol ReadSymbol(const exchange::Exchange& exchange, const exchange::SymbolInfo& info,
                      ShardId shard) {
  v1::Symbol symbol;
  ToProto(info, exchange, shard, &symbol);
  return symbol;
}

void PostOrder(const OrderApi& api, const HttpRequest& request, Respond respond) {
  Json body;
  HttpResponse problem;
  const auto fields = {"symbol"sv,        "account"sv,        "side"sv,       "type"sv,
                       "quantity"sv,      "price"sv,          "protection"sv, "post_only"sv,
                       "time_in_force"sv, "client_order_id"sv};
  if (!ReadBody(request, fields, &body, &problem)) return respond(problem);
  OrderText text;
  const std::string wrong = OrderParser(body).Parse(&text);
  if (!wrong.empty()) return respond(Wrong(wrong));
  api.reader->ReadSymbol(
      text.symbol, std::move(respond), ReadSymbol,
      [api, text](const v1::Symbol& symbol, const Respond& answer) {
        const auto quantity =
            ToUnits(text.quantity, symbol.lot_size(), kMaxQuantityLots, "quantity");
        if (!quantity.ok()) return answer(Wrong(std::string(quantity.status().message())));
        v1::Command command;
        v1::NewOrder& order = *command.mutable_new_order();
        order = text.order;
        order.set_symbol(symbol.name());
        order.set_quantity(*quantity);
        if (!text.price.empty()) {
          const auto price = ToUnits(text.price, symbol.tick_size(), kMaxPriceTicks, "price");
          if (!price.ok()) return answer(Wrong(std::string(price.status().message())));
          order.set_price(*price);
        }
        if (!text.protection.empty()) {
          const auto protection =
              ToUnits(text.protection, symbol.tick_size(), kMaxPriceTicks, "protection");
          if (!protection.ok()) return answer(Wrong(std::string(protection.status().message())));
          order.set_protection(*protection);
        }
        Submit(api, symbol, text.account, order.client_order_id(), std::move(command), answer);
      });
}

void DeleteOrder(const OrderApi& api, const HttpRequest& request, Respond respond) {
  QueryReader query(request);
  const std::string name = request.Query("symbol");
  if (name.empty()) query.Wrong("symbol is missing");
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  const auto account = query.Count<uint64_t>("account", 1, kMaxAccount, 0);
  const auto id = query.Count<uint64_t>("client_order_id", 1, kMost, 0);
  if (account == 0) query.Wrong("account is missing");
  if (id == 0) query.Wrong("client_order_id is missing");
  if (const auto refusal = query.Refusal()) return respond(*refusal);
  api.reader->ReadSymbol(name, std::move(respond), ReadSymbol,
                         [api, account, id](const v1::Symbol& symbol, const Respond& answer) {
                           v1::Command command;
                           command.mutable_cancel_order()->set_symbol(symbol.name());
                           command.mutable_cancel_order()->set_client_order_id(id);
                           Submit(api, symbol, account, id, std::move(command), answer);
                         });
}

// Gathers open orders of all shards.
struct OrderList {
  std::vector<std::pair<v1::Symbol, v1::Order>> orders;
  size_t missing = 0;  // shards
  uint64_t account = 0;
  Respond respond;

  void Answer(const ClusterState& state) {
    std::sort(orders.begin(), orders.end(), [](const auto& a, const auto& b) {
      return std::pair(a.first.shard(), a.second.order_id()) <
             std::pair(b.first.shard(), b.second.order_id());
    });
    const bool all = orders.size() <= kMostOrders;
    if (!all) orders.resize(kMostOrders);
    Json out = Envelope(state.view());
    out["account"] = account;
    out["orders"] = Json::array();
    for (const auto& [symbol, order] : orders) {
      out["orders"].push_back(OpenOrderJson(order, symbol));
    }
    out["next"] = Json();
    if (!all) {
      const auto& [symbol, order] = orders.back();
      out["next"] = absl::StrCat(symbol.shard(), ".", order.order_id());
    }
    respond(JsonResponse(out));
  }
};

// Where a list goes on, as `next` of the answer before named it: an order of a shard.
struct OrderCursor {
  uint64_t shard = 0;
  uint64_t order = 0;

  static bool Parse(const std::string& text, OrderCursor* out) {
    const std::vector<std::string> parts = absl::StrSplit(text, '.');
    return parts.size() == 2 && absl::SimpleAtoi(parts[0], &out->shard) &&
           absl::SimpleAtoi(parts[1], &out->order);
  }
};

// What a list of open orders is of.
struct OrderQuery {
  exchange::AccountId account;
  std::string symbol;  // empty: all
  OrderCursor after;
};

using Orders = std::vector<std::pair<v1::Symbol, v1::Order>>;

// At most one more than an answer has: it tells that there are more.
Orders OpenOrders(const exchange::Exchange& exchange, ShardId shard, const OrderQuery& query) {
  Orders orders;
  if (shard.value() < query.after.shard) return orders;
  const bool goes_on = shard.value() == query.after.shard;
  const exchange::OrderId after(goes_on ? query.after.order : 0);
  const exchange::SymbolInfo* const one = exchange.FindSymbol(query.symbol);
  for (const exchange::OrderInfo& info :
       one == nullptr ? exchange.OpenOrders(query.account, kMostOrders + 1, after)
                      : exchange.OpenOrdersIn(query.account, one->id, kMostOrders + 1, after)) {
    const exchange::SymbolInfo* const symbol = exchange.FindSymbol(info.symbol);
    if (symbol == nullptr) continue;
    orders.emplace_back(ReadSymbol(exchange, *symbol, shard), v1::Order());
    ToProto(info, symbol->name, &orders.back().second);
  }
  return orders;
}

// Asks every shard.
void ListOrders(const OrderApi& api, const OrderQuery& query, Respond respond) {
  const auto& replicas = api.reader->shards().all();
  if (replicas.empty()) {
    Refusal refusal;
    api.reader->shards().Find(0, &refusal);
    return respond(RefusalProblem(refusal));
  }
  auto list = std::make_shared<OrderList>();
  list->missing = replicas.size();
  list->account = query.account.value();
  list->respond = std::move(respond);
  for (const auto& [shard, replica] : replicas) {
    replica->Read(/*stale_ok=*/true, [api, list, query, id = shard](
                                         const Refusal*, const exchange::Exchange& exchange) {
      boost::asio::post(api.reader->io(), [api, list, some = OpenOrders(exchange, id, query)] {
        list->orders.insert(list->orders.end(), some.begin(), some.end());
        if (--list->missing == 0) list->Answer(*api.state);
      });
    });
  }
}

void GetOrders(const OrderApi& api, const HttpRequest& request, Respond respond) {
  QueryReader reader(request);
  const auto account = reader.Count<uint64_t>("account", 1, kMaxAccount, 0);
  if (account == 0) reader.Wrong("account is missing");
  OrderQuery query{exchange::AccountId(account), request.Query("symbol"), {}};
  const std::string after = request.Query("after");
  if (!after.empty() && !OrderCursor::Parse(after, &query.after)) {
    reader.Wrong("after is not the `next` of an answer");
  }
  if (const auto refusal = reader.Refusal()) return respond(*refusal);
  if (query.symbol.empty()) return ListOrders(api, query, std::move(respond));
  api.reader->ReadSymbol(
      query.symbol, std::move(respond),
      [query](const exchange::Exchange& exchange, const exchange::SymbolInfo&, ShardId shard) {
        return OpenOrders(exchange, shard, query);
      },
      [api, query](Orders orders, const Respond& answer) {
        OrderList list{std::move(orders), 0, query.account.value(), answer};
        list.Answer(*api.state);
      });
}

}  // namespace

void AddOrderRoutes(const OrderApi& api, Router* router) {
  using Handler = void (*)(const OrderApi&, const HttpRequest&, Respond);
  const auto add = [&](const char* method, Handler handler) {
    router->Add(method, "/api/orders", Access::kTrader,
                [api, handler](const HttpRequest& request, Respond respond) {
                  handler(api, request, std::move(respond));
                });
  };
  add("GET", GetOrders);
  add("POST", PostOrder);
  add("DELETE", DeleteOrder);
}

}  // namespace quorumbook::server
