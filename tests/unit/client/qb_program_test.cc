// The program qb, as people and scripts run it, against the fake cluster.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "quorumbook/client.h"
#include "tests/unit/client/fake_exchange_server.h"

namespace quorumbook::client {
namespace {

using Json = nlohmann::json;

struct Outcome {
  int exit_code = -1;
  std::string out;
  std::string error;
};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class QbTest : public testing::Test {
 protected:
  Outcome Run(std::vector<std::string> arguments) {
    std::string endpoints = "QUORUMBOOK_ENDPOINTS=" + endpoints_;
    std::array<char*, 2> environment = {endpoints.data(), nullptr};
    arguments.insert(arguments.begin(), QB_PROGRAM);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const std::string base = testing::TempDir() + "qb_test_" + std::to_string(getpid());
    const std::string out = base + ".out";
    const std::string error = base + ".err";
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    const int flags = O_WRONLY | O_CREAT | O_TRUNC;
    posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), flags, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, error.c_str(), flags, 0600);
    pid_t pid = 0;
    EXPECT_EQ(posix_spawn(&pid, QB_PROGRAM, &actions, nullptr, argv.data(), environment.data()), 0);
    posix_spawn_file_actions_destroy(&actions);
    int status = 0;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    Outcome outcome{.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                    .out = ReadFile(out),
                    .error = ReadFile(error)};
    unlink(out.c_str());
    unlink(error.c_str());
    return outcome;
  }
  // Runs it with -o json, which must print one document.
  Json RunJson(std::vector<std::string> arguments, int exit_code = 0) {
    arguments.insert(arguments.end(), {"-o", "json"});
    const Outcome outcome = Run(arguments);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.out << outcome.error;
    return Json::parse(outcome.out, nullptr, /*allow_exceptions=*/false);
  }
  void ExpectError(const std::vector<std::string>& arguments, int exit_code,
                   const std::string& part) {
    const Outcome outcome = Run(arguments);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.out << outcome.error;
    EXPECT_NE(outcome.error.find(part), std::string::npos) << outcome.error << "has no: " << part;
    EXPECT_EQ(outcome.error.rfind("qb: ", 0), 0u) << outcome.error;
    EXPECT_EQ(outcome.out, "");
  }
  void AddSymbol() {
    const Outcome outcome =
        Run({"symbol", "add", "AMZN", "--tick-size", "0.01", "--lot-size", "10"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.error;
  }

  FakeCluster cluster_{3};
  std::string endpoints_ = cluster_.node(2).address();
};

TEST_F(QbTest, UsageErrors) {
  ExpectError({}, 64, "subcommand");
  ExpectError({"order"}, 64, "subcommand");
  ExpectError({"nonsense"}, 64, "'nonsense' is not understood");
  ExpectError({"book", "AMZN", "--depth", "3"}, 64, "--depth");
  ExpectError({"book"}, 64, "SYMBOL");
  ExpectError({"book", "AMZN", "--levels", "0"}, 64, "--levels");
  ExpectError({"book", "AMZN", "-o", "xml"}, 64, "xml");
  ExpectError({"book", "AMZN", "--timeout", "soon"}, 64, "'soon' is not a duration");
  ExpectError({"book", "AMZN", "--timeout", "0"}, 64, "is not a duration");
  ExpectError({"book", "AMZN", "--account", "0"}, 64, "--account");
  ExpectError({"book", "AMZN", "--endpoints", "here"}, 64, "is not host:port");
  ExpectError({"order", "submit", "AMZN", "hold", "1", "1"}, 64, "hold");
  ExpectError({"order", "submit", "AMZN", "buy", "1"}, 64, "a limit order needs a price");
  ExpectError({"order", "submit", "AMZN", "buy", "1", "1", "--type", "market"}, 64,
              "a market order has no price");
  ExpectError({"order", "submit", "AMZN", "buy", "1", "1", "--id", "0"}, 64, "--id");
  ExpectError({"symbol", "add", "A", "--tick-size", "0", "--lot-size", "1"}, 64, "is zero");
}

TEST_F(QbTest, HelpTellsTheExitCodes) {
  const Outcome outcome = Run({"--help"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_NE(outcome.out.find("Exit codes: 0"), std::string::npos) << outcome.out;
}

TEST_F(QbTest, ErrorsAreJsonWhenAskedFor) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"book", "-o", "json"},
        std::vector<std::string>{"-o", "json", "book", "NONE"}}) {
    const Outcome outcome = Run(arguments);
    const Json error = Json::parse(outcome.error, nullptr, false);
    ASSERT_TRUE(error.is_object()) << outcome.error;
    EXPECT_EQ(error["error"]["exit_code"], outcome.exit_code);
    EXPECT_TRUE(error["error"]["message"].is_string());
  }
}

TEST_F(QbTest, AClusterThatIsNotThere) {
  cluster_.node(2).Stop();
  const Outcome outcome = Run({"symbol", "list", "--timeout", "100ms"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.error.find(endpoints_), std::string::npos) << outcome.error;
}

TEST_F(QbTest, AddsAndListsSymbols) {
  AddSymbol();
  AddSymbol();
  const Json list = RunJson({"symbol", "list"});
  ASSERT_EQ(list["symbols"].size(), 1u);
  EXPECT_EQ(list["symbols"][0]["name"], "AMZN");
  EXPECT_EQ(list["symbols"][0]["tick_size"], "0.01");
  EXPECT_EQ(list["symbols"][0]["lot_size"], "10");
  ExpectError({"symbol", "add", "AMZN", "--tick-size", "0.05", "--lot-size", "10"}, 1,
              "other sizes or assets");
  ExpectError({"symbol", "add", "A B", "--tick-size", "1", "--lot-size", "1"}, 1,
              "printable ASCII");
}

TEST_F(QbTest, TradesInRealUnits) {
  AddSymbol();
  Json result = RunJson({"order", "submit", "AMZN", "sell", "30", "223.95", "--id", "7"});
  EXPECT_EQ(result["result"], "accepted");
  EXPECT_EQ(result["client_order_id"], 7);
  EXPECT_EQ(result["reports"][0]["price"], "223.95");
  EXPECT_EQ(result["reports"][0]["quantity"], "30");

  result = RunJson({"order", "submit", "AMZN", "buy", "20", "--type", "market", "--account", "2"});
  ASSERT_EQ(result["reports"].size(), 2u) << result;
  EXPECT_EQ(result["reports"][1]["exec_type"], "trade");
  EXPECT_EQ(result["reports"][1]["last_price"], "223.95");
  EXPECT_EQ(result["reports"][1]["last_quantity"], "20");
  EXPECT_EQ(result["reports"][1]["order_status"], "filled");
  EXPECT_GT(result["client_order_id"], 0);

  const Json status = RunJson({"order", "status", "AMZN", "7"});
  EXPECT_EQ(status["status"], "partially_filled");
  EXPECT_EQ(status["leaves_quantity"], "10");

  const Json book = RunJson({"book", "AMZN"});
  EXPECT_EQ(book["bids"], Json::array());
  EXPECT_EQ(book["asks"], Json::parse(R"([{"price":"223.95","quantity":"10","orders":1}])"));
  const Json trades = RunJson({"trades", "AMZN"});
  ASSERT_EQ(trades["trades"].size(), 1u);
  EXPECT_EQ(trades["trades"][0]["taker_side"], "buy");
  const Json summary = RunJson({"summary", "AMZN"});
  EXPECT_EQ(summary["last"], "223.95");
  EXPECT_EQ(summary["vwap"], "223.950000");
  EXPECT_EQ(summary["volume"], "20");
  EXPECT_EQ(summary["best_bid"], nullptr);
  EXPECT_EQ(summary["best_ask"]["quantity"], "10");
  EXPECT_EQ(summary["spread"], nullptr);
}

TEST_F(QbTest, ChangesOrders) {
  AddSymbol();
  RunJson({"order", "submit", "AMZN", "buy", "100", "10", "--id", "1"});
  Json result = RunJson({"order", "reduce", "AMZN", "1", "40"});
  EXPECT_EQ(result["reports"][0]["exec_type"], "replaced");
  EXPECT_EQ(result["reports"][0]["leaves_quantity"], "60");
  result = RunJson({"order", "replace", "AMZN", "1", "--price", "11.5", "--quantity", "80"});
  EXPECT_EQ(result["reports"][0]["price"], "11.50");
  result = RunJson({"order", "cancel", "AMZN", "1"});
  EXPECT_EQ(result["reports"][0]["exec_type"], "canceled");
  result = RunJson({"order", "cancel", "AMZN", "1"}, 1);
  EXPECT_EQ(result["result"], "rejected");
  EXPECT_EQ(result["reports"][0]["reason"], "order_finished");
}

TEST_F(QbTest, RefusedOrders) {
  AddSymbol();
  ExpectError({"order", "submit", "NONE", "buy", "10", "1"}, 1, "there is no symbol 'NONE'");
  ExpectError({"order", "submit", "AMZN", "buy", "10", "1.005"}, 1, "nearest are 1.00 and 1.01");
  ExpectError({"order", "submit", "AMZN", "buy", "15", "1"}, 1, "nearest are 10 and 20");
  ExpectError({"order", "submit", "AMZN", "buy", "0", "1"}, 1, "the smallest is 10");
  ExpectError({"order", "submit", "AMZN", "buy", "10", "99999999999999"}, 1, "the largest is");
  ExpectError({"order", "submit", "AMZN", "buy", "-10", "1"}, 64, "quantity '-10' is negative");
  ExpectError({"order", "submit", "AMZN", "buy", "10", "-1.5"}, 64, "price '-1.5' is negative");
  ExpectError({"order", "submit", "AMZN", "buy", "1e3", "1"}, 64, "plain decimal number");
  ExpectError({"order", "submit", "AMZN", "buy", "10", "--type", "market", "--tif", "gtc"}, 64,
              "can not rest");
  ExpectError({"order", "status", "AMZN", "5"}, 1, "has no order 5");

  RunJson({"order", "submit", "AMZN", "buy", "10", "1", "--id", "1"});
  const Json result = RunJson({"order", "submit", "AMZN", "buy", "10", "1", "--id", "1"}, 1);
  EXPECT_EQ(result["reports"][0]["reason"], "duplicate_client_order_id");
  const Outcome cancel = Run({"order", "cancel", "AMZN", "99"});
  EXPECT_EQ(cancel.exit_code, 1);
  EXPECT_NE(cancel.out.find("unknown_order"), std::string::npos) << cancel.out;
}

TEST_F(QbTest, EveryTermOfAnOrderIsSent) {
  AddSymbol();
  RunJson({"order", "submit", "AMZN", "buy", "100", "10", "--display", "20", "--tif", "gtd",
           "--expires", "2100-01-01T00:00:00Z", "--stp", "cancel-maker", "--id", "1"});
  Json order = RunJson({"order", "status", "AMZN", "1"});
  EXPECT_EQ(order["display_quantity"], "20");
  EXPECT_EQ(order["displayed_quantity"], "20");
  EXPECT_EQ(order["time_in_force"], "gtd");
  EXPECT_EQ(order["expires"], "2100-01-01T00:00:00.000000000Z");
  EXPECT_EQ(order["self_trade_prevention"], "cancel_maker");
  EXPECT_EQ(order["working"], true);
  RunJson({"order", "submit", "AMZN", "sell", "10", "8", "--type", "stop-limit", "--stop", "9",
           "--id", "2"});
  order = RunJson({"order", "status", "AMZN", "2"});
  EXPECT_EQ(order["type"], "stop_limit");
  EXPECT_EQ(order["stop_price"], "9.00");
  EXPECT_EQ(order["working"], false);
  RunJson({"order", "submit", "AMZN", "sell", "10", "12", "--post-only", "--id", "3"});
  EXPECT_EQ(RunJson({"order", "status", "AMZN", "3"})["post_only"], true);
  RunJson({"order", "submit", "AMZN", "sell", "10", "13", "--all-or-none", "--id", "4"});
  EXPECT_EQ(RunJson({"order", "status", "AMZN", "4"})["all_or_none"], true);
  const Json minimum = RunJson({"order", "submit", "AMZN", "sell", "20", "14", "--minimum", "10"});
  EXPECT_EQ(minimum["reports"].back()["reason"], "minimum_not_met");
  EXPECT_EQ(RunJson({"order", "list"})["orders"].size(), 4u);  // more than a page
  EXPECT_EQ(RunJson({"order", "mass-cancel", "--symbol", "AMZN", "--side", "buy"})["canceled"], 1);
  EXPECT_EQ(RunJson({"order", "mass-cancel"})["canceled"], 3);
  EXPECT_EQ(RunJson({"order", "list"})["orders"], Json::array());
}

// What is too much for one step of the exchange goes on after it.
TEST_F(QbTest, AMassCancelSaysThatMoreFollows) {
  AddSymbol();
  auto client = Client::Connect({.endpoints = {endpoints_}});
  ASSERT_TRUE(client.ok()) << client.status();
  auto session = (*client)->OpenSession("AMZN", /*account=*/1, {.max_batch = 1'000});
  ASSERT_TRUE(session.ok()) << session.status();
  constexpr int kOrders = 20'000;
  for (int id = 1; id <= kOrders; ++id) {
    v1::Command command;
    v1::NewOrder& order = *command.mutable_new_order();
    order.set_symbol("AMZN");
    order.set_client_order_id(static_cast<uint64_t>(id));
    order.set_side(v1::BUY);
    order.set_type(v1::LIMIT);
    order.set_time_in_force(v1::GOOD_TILL_CANCEL);
    order.set_price(1);
    order.set_quantity(1);
    ASSERT_TRUE((*session)->Submit(command, [](const auto&) {}).ok());
  }
  ASSERT_TRUE((*session)->Drain().ok());
  const Json first = RunJson({"order", "mass-cancel"});
  EXPECT_EQ(first["more"], true);
  EXPECT_LT(first["canceled"], kOrders);
  const Json second = RunJson({"order", "mass-cancel"});
  EXPECT_EQ(second["more"], false);
}

TEST_F(QbTest, WordsThatDoNotBelongTogether) {
  ExpectError({"order", "submit", "A", "buy", "1", "1", "--tif", "gtd"}, 64, "belong together");
  ExpectError({"order", "submit", "A", "buy", "1", "1", "--expires", "1h"}, 64, "belong together");
  ExpectError({"order", "submit", "A", "buy", "1", "1", "--tif", "gtd", "--expires", "soon"}, 64,
              "'soon' is no time");
  for (const char* time :
       {"2262-04-11T23:47:17Z", "9999-01-01T00:00:00Z", "1969-12-31T00:00:00Z"}) {
    ExpectError({"order", "submit", "A", "buy", "1", "1", "--tif", "gtd", "--expires", time}, 64,
                "is out of range");
  }
  ExpectError({"order", "submit", "A", "buy", "1", "1", "--type", "stop", "--stop", "2"}, 64,
              "a stop order has no price");
  ExpectError({"order", "submit", "A", "buy", "1", "--type", "stop-limit", "--stop", "2"}, 64,
              "a stop-limit order needs a price");
  ExpectError({"order", "submit", "A", "buy", "1", "1", "--stp", "never"}, 64, "never");
  ExpectError({"symbol", "add", "A", "--tick-size", "1", "--lot-size", "1", "--base", "B"}, 64,
              "--quote");
  ExpectError({"symbol", "phase", "A", "lunch"}, 64, "lunch");
  ExpectError({"watch", "A", "--channel", "l4"}, 64, "l4");
  ExpectError({"asset", "add", "A", "--decimals", "19"}, 64, "19");
}

TEST_F(QbTest, AccountsAssetsAndRules) {
  RunJson({"asset", "add", "BTC", "--decimals", "8"});
  RunJson({"asset", "add", "USD", "--decimals", "2"});
  const Json symbol = RunJson({"symbol", "add", "BTCUSD", "--tick-size", "0.01", "--lot-size", "1",
                               "--base", "BTC", "--quote", "USD", "--taker-fee-bp", "10"});
  EXPECT_EQ(symbol["base"], "BTC");
  EXPECT_EQ(symbol["rules"]["taker_fee_bp"], 10);
  EXPECT_EQ(symbol["phase"], "continuous");
  RunJson({"account", "deposit", "USD", "1000.5"});
  const Json withdrawn = RunJson({"account", "withdraw", "USD", "0.5"})["reports"][0];
  EXPECT_EQ(withdrawn["amount"], "0.50");
  EXPECT_EQ(withdrawn["free"], "1000.00");
  EXPECT_NE(
      Run({"account", "deposit", "BTC", "0.25"}).out.find("amount 0.25000000, free 0.25000000"),
      std::string::npos);
  RunJson({"order", "submit", "BTCUSD", "buy", "2", "100"});
  RunJson({"account", "limits", "--max-open-orders", "1"});
  RunJson({"account", "position-limit", "BTC", "7"});
  const Json account = RunJson({"account", "show"})["shards"][0];
  EXPECT_EQ(account["limits"]["max_open_orders"], 1);
  EXPECT_EQ(account["open_orders"], 1);
  for (const Json& balance : account["balances"]) {
    if (balance["asset"] == "USD") {
      EXPECT_EQ(balance["free"], "800.00");
      EXPECT_EQ(balance["held"], "200.00");
    } else {
      EXPECT_EQ(balance["position_limit"], "7.00000000");
    }
  }
  EXPECT_EQ(RunJson({"asset", "list"})["assets"][1]["deposited"], "1000.00");
  ExpectError({"account", "deposit", "USD", "0.001"}, 1, "the smallest is 0.01");
  ExpectError({"account", "deposit", "EUR", "1"}, 1, "qb asset list");
  RunJson({"account", "kill-switch", "on"});
  EXPECT_EQ(RunJson({"order", "list"})["orders"], Json::array());
  EXPECT_EQ(RunJson({"account", "show"})["shards"][0]["kill_switch"], true);

  RunJson({"account", "kill-switch", "off"});
  RunJson({"account", "limits"});
  const Json halted = RunJson(
      {"symbol", "phase", "BTCUSD", "opening-auction", "--reference-price", "99.5"})["reports"][0];
  EXPECT_EQ(halted["phase"], "opening_auction");
  EXPECT_EQ(halted["reference_price"], "99.50");
  RunJson({"order", "submit", "BTCUSD", "buy", "2", "100"});
  RunJson({"account", "deposit", "BTC", "2"});
  RunJson({"order", "submit", "BTCUSD", "sell", "2", "100"});
  const Json opened = RunJson({"symbol", "resume", "BTCUSD"})["reports"];
  EXPECT_EQ(opened[1]["exec_type"], "trade");
  EXPECT_EQ(opened[1]["last_price"], "100.00");
  EXPECT_EQ(opened.back()["exec_type"], "uncrossed");
  EXPECT_EQ(opened.back()["price"], "100.00");
  EXPECT_EQ(opened.back()["quantity"], "2");
  RunJson({"symbol", "halt", "BTCUSD"});
  EXPECT_EQ(RunJson({"symbol", "list"})["symbols"][0]["phase"], "halt");
  EXPECT_EQ(RunJson({"symbol", "halt", "BTCUSD"}, 1)["reports"][0]["reason"], "phase_unchanged");
  RunJson({"symbol", "rules", "BTCUSD", "--min-quantity", "2"});
  EXPECT_EQ(RunJson({"symbol", "list"})["symbols"][0]["rules"]["min_quantity"], "2");
  EXPECT_EQ(RunJson({"symbol", "list"})["symbols"][0]["rules"]["taker_fee_bp"], 0);
  RunJson({"symbol", "delist", "BTCUSD"});
  EXPECT_EQ(RunJson({"symbol", "list"})["symbols"][0]["delisted"], true);
}

TEST_F(QbTest, WatchesAndShowsCandles) {
  AddSymbol();
  RunJson({"order", "submit", "AMZN", "sell", "30", "10"});
  RunJson({"order", "submit", "AMZN", "buy", "20", "10"});
  const Json candles = RunJson({"candles", "AMZN", "--interval", "1h"});
  EXPECT_EQ(candles["candles"][0]["volume"], "20");
  const std::map<std::string, std::string> wanted = {{"l1", "/ask/quantity"},
                                                     {"l2", "/asks/0/quantity"},
                                                     {"l3", "/orders/0/quantity"},
                                                     {"trades", "/trades/0/quantity"},
                                                     {"candles", "/candles/0/volume"}};
  for (const auto& [channel, path] : wanted) {
    const Json update = RunJson({"watch", "AMZN", "--channel", channel, "--updates", "1"});
    EXPECT_EQ(update["snapshot"], true) << channel;
    EXPECT_EQ(update["sequence"], 1);
    const bool traded = channel == "trades" || channel == "candles";
    EXPECT_EQ(update.value(Json::json_pointer(path), ""), traded ? "20" : "10") << update;
    EXPECT_EQ(Run({"watch", "AMZN", "--channel", channel, "--updates", "1"}).exit_code, 0);
  }
  ExpectError({"watch", "NONE"}, 1, "there is no symbol 'NONE'");
  ExpectError({"watch", "AMZN", "--node", "9"}, 64, "no node 9");
}

TEST_F(QbTest, AnOrderOfAnotherSymbolIsAnotherOrder) {
  AddSymbol();
  ASSERT_EQ(Run({"symbol", "add", "MSFT", "--tick-size", "0.5", "--lot-size", "1"}).exit_code, 0);
  RunJson({"order", "submit", "MSFT", "buy", "1", "1.5", "--id", "1"});
  const Outcome other = Run({"order", "cancel", "AMZN", "1"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_NE(other.out.find("unknown_order"), std::string::npos) << other.out;
  RunJson({"order", "submit", "AMZN", "buy", "10", "1", "--id", "1"});
  EXPECT_EQ(RunJson({"order", "status", "MSFT", "1"})["price"], "1.5");
}

TEST_F(QbTest, ClusterStatus) {
  Json status = RunJson({"cluster", "status", "--digests"});
  EXPECT_EQ(status["available"], true);
  EXPECT_EQ(status["complete"], true);
  EXPECT_EQ(status["can_lose"], 1);
  EXPECT_EQ(status["digests"]["equal"], true);
  ASSERT_EQ(status["nodes"].size(), 3u);
  EXPECT_EQ(status["nodes"][0]["replicas"][0]["role"], "leader");

  cluster_.node(3).Corrupt();
  status = RunJson({"cluster", "status", "--digests"}, 1);
  EXPECT_EQ(status["digests"]["equal"], false);

  cluster_.node(3).Stop();
  status = RunJson({"cluster", "status"});
  EXPECT_EQ(status["complete"], false);
  EXPECT_EQ(status["nodes"][2]["reachable"], false);
  EXPECT_TRUE(status["nodes"][2]["error"].is_string());

  cluster_.SetLeader(0);
  const Outcome outcome = Run({"cluster", "status"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.out.find("NOT AVAILABLE: shard 1 has no leader"), std::string::npos)
      << outcome.out;
}

TEST_F(QbTest, ClusterWaitAndTransfer) {
  EXPECT_EQ(RunJson({"cluster", "wait"})["ready"], true);
  EXPECT_EQ(Run({"cluster", "transfer", "--shard", "1", "--to", "3"}).exit_code, 0);
  EXPECT_EQ(cluster_.leader(), 3u);
  ExpectError({"cluster", "transfer", "--shard", "1", "--to", "9"}, 1, "no such node");
  cluster_.SetLeader(0);
  ExpectError({"cluster", "wait", "--timeout", "100ms"}, 2, "shard 1");
}

TEST_F(QbTest, ANodeIsAddedToTheShardsThatThereAre) {
  EXPECT_EQ(RunJson({"cluster", "add-node", "2"})["shards"][0]["members"][0]["node_id"], 2);
  ExpectError({"cluster", "add-node", "2", "--shard", "9"}, 64,
              "there is no shard 9; the cluster has 1");
  EXPECT_EQ(
      RunJson({"cluster", "add-node", "9"}, 64),
      (Json{{"node", 9},
            {"shards", Json::array({{{"shard", 1}, {"ok", false}, {"error", "no such node"}}})}}));
  const Outcome outcome = Run({"cluster", "add-node", "9", "-o", "json"});
  EXPECT_EQ(Json::parse(outcome.error, nullptr, /*allow_exceptions=*/false),
            (Json{{"error",
                   {{"code", "INVALID_ARGUMENT"},
                    {"message", "shard 1: no such node"},
                    {"exit_code", 64}}}}))
      << outcome.error;
  EXPECT_EQ(Run({"cluster", "add-node", "2", "-o", "json"}).error, "");
  const Outcome refused = Run({"cluster", "add-node", "9"});
  EXPECT_EQ(refused.exit_code, 64);
  EXPECT_NE(refused.error.find("shard 1: no such node"), std::string::npos) << refused.error;
}

}  // namespace
}  // namespace quorumbook::client
