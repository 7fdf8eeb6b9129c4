#include "server/monitoring/http_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "server/monitoring/router.h"

namespace quorumbook::server {
namespace {

HttpRequest Get(const std::string& target) {
  HttpRequest request;
  request.method = "GET";
  EXPECT_TRUE(ParseTarget(target, &request)) << target;
  return request;
}

TEST(HttpTarget, IsSplitAndDecoded) {
  const HttpRequest request = Get("/api/x?a=1&b=%41%20c+d&a=2&empty");
  EXPECT_EQ(request.path, "/api/x");
  EXPECT_EQ(request.Query("a"), "1") << "the first wins";
  EXPECT_EQ(request.Query("b"), "A c d");
  EXPECT_TRUE(request.query.contains("empty"));
  EXPECT_EQ(request.Query("missing"), "");
}

TEST(HttpTarget, ThatIsAWholeUrlIsTakenForItsPath) {
  EXPECT_EQ(Get("http://a:80/b?c=1").path, "/b");
  EXPECT_EQ(Get("http://a:80/b?c=1").Query("c"), "1");
  EXPECT_EQ(Get("https://a").path, "/");
}

TEST(HttpTarget, MalformedOnesAreRefused) {
  for (const char* target :
       {"", "api", "http", "https:x", "/x?a=%4", "/x?a=%zz", "ftp://a/b", "*"}) {
    HttpRequest request;
    EXPECT_FALSE(ParseTarget(target, &request)) << target;
  }
}

TEST(HttpProblem, SaysWhatIsWrongAndWhatToDoEvenOfBytesThatAreNoText) {
  const HttpResponse response = Problem(404, "unknown_path", "no \xff\"", "look",
                                        {.reason = "why", .leader = 3, .client_order_id = 5});
  EXPECT_EQ(response.status, 404u);
  EXPECT_EQ(response.content_type, "application/problem+json");
  const auto body = nlohmann::json::parse(response.body);
  EXPECT_EQ(body["title"], "Not Found");
  EXPECT_EQ(body["code"], "unknown_path");
  EXPECT_EQ(body["hint"], "look");
  EXPECT_EQ(body["reason"], "why");
  EXPECT_EQ(body["leader"], 3);
  EXPECT_EQ(body["client_order_id"], "5");
}

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() { AddRoutes(&router_); }

  static void AddRoutes(Router* router) {
    const auto echo = [](const HttpRequest& request, const Respond& respond) {
      HttpResponse response;
      for (const auto& [name, value] : request.parameters) response.body += name + "=" + value;
      respond(response);
    };
    router->Add("GET", "/api/book/{symbol}", Router::Access::kOpen, echo);
    router->Add("POST", "/api/orders", Router::Access::kTrader, echo);
    router->Add("DELETE", "/api/orders", Router::Access::kTrader, echo);
    router->Add("POST", "/api/admin/{what}", Router::Access::kOperator, echo);
  }

  static HttpResponse Ask(const Router& router, HttpRequest request) {
    HttpResponse answer;
    router.Handle(std::move(request), [&answer](const HttpResponse& r) { answer = r; });
    return answer;
  }
  static std::string CodeOf(const HttpResponse& response) {
    return nlohmann::json::parse(response.body)["code"];
  }

  Router router_{"secret-token"};
};

TEST_F(RouterTest, FindsTheRouteAndDecodesItsParameters) {
  EXPECT_EQ(Ask(router_, Get("/api/book/A%2FB")).body, "symbol=A/B");
  EXPECT_EQ(router_.RouteOf(Get("/api/book/X")), "/api/book/{symbol}");
  EXPECT_EQ(router_.RouteOf(Get("/what/ever")), "other");
  EXPECT_EQ(CodeOf(Ask(router_, Get("/api/book/"))), "unknown_path") << "an empty parameter";
  EXPECT_EQ(CodeOf(Ask(router_, Get("/api/book/a/b"))), "unknown_path");
  EXPECT_EQ(CodeOf(Ask(router_, Get("/api/book/%zz"))), "unknown_path");
}

TEST_F(RouterTest, SaysWhichMethodsThereAre) {
  HttpRequest request = Get("/api/orders");
  request.method = "PUT";
  const HttpResponse response = Ask(router_, request);
  EXPECT_EQ(response.status, 405u);
  ASSERT_EQ(response.headers.size(), 1u);
  EXPECT_EQ(response.headers[0].second, "DELETE, POST");
}

TEST_F(RouterTest, HeadIsAnsweredAsGet) {
  HttpRequest request = Get("/api/book/X");
  request.method = "HEAD";
  EXPECT_EQ(Ask(router_, request).status, 200u);
}

TEST_F(RouterTest, ChangesNeedTheToken) {
  HttpRequest request = Get("/api/orders");
  request.method = "POST";
  EXPECT_EQ(CodeOf(Ask(router_, request)), "token_required");
  request.authorization = "Basic secret-token";
  EXPECT_EQ(CodeOf(Ask(router_, request)), "token_required");
  for (const char* wrong :
       {"Bearer ", "Bearer secret", "Bearer secret-tokem", "Bearer Xsecret-token"}) {
    request.authorization = wrong;
    EXPECT_EQ(CodeOf(Ask(router_, request)), "wrong_token") << wrong;
  }
  request.authorization = "";
  EXPECT_THAT(Ask(router_, request).headers,
              ::testing::Contains(::testing::Pair("WWW-Authenticate", "Bearer")));
  for (const char* right : {"Bearer secret-token", "bearer secret-token"}) {
    request.authorization = right;
    EXPECT_EQ(Ask(router_, request).status, 200u) << right;
  }
}

TEST_F(RouterTest, OneTokenIsForTradersAndOperators) {
  for (const char* path : {"/api/orders", "/api/admin/x"}) {
    HttpRequest request = Get(path);
    request.method = "POST";
    request.authorization = "Bearer secret-token";
    EXPECT_EQ(Ask(router_, request).status, 200u) << path;
  }
}

TEST_F(RouterTest, TokensOfTradersAndOperatorsAreGoodForTheirOwnAlone) {
  Router router("secret-token", "operators-token");
  AddRoutes(&router);
  const auto post = [&router](const std::string& path, const std::string& token) {
    HttpRequest request = Get(path);
    request.method = "POST";
    if (!token.empty()) request.authorization = "Bearer " + token;
    return Ask(router, request);
  };
  EXPECT_EQ(post("/api/orders", "secret-token").status, 200u);
  EXPECT_EQ(post("/api/admin/x", "operators-token").status, 200u);
  const HttpResponse trader = post("/api/admin/x", "secret-token");
  EXPECT_EQ(trader.status, 403u);
  EXPECT_EQ(CodeOf(trader), "wrong_role");
  EXPECT_THAT(trader.body, ::testing::HasSubstr("send http.operator_token of"));
  const HttpResponse oper = post("/api/orders", "operators-token");
  EXPECT_EQ(CodeOf(oper), "wrong_role");
  EXPECT_THAT(oper.body, ::testing::HasSubstr("send http.token of"));
  EXPECT_EQ(CodeOf(post("/api/admin/x", "")), "token_required");
  EXPECT_EQ(CodeOf(post("/api/admin/x", "operators-tokem")), "wrong_token");
  EXPECT_EQ(CodeOf(post("/api/orders", "operators-tokem")), "wrong_token");
}

TEST_F(RouterTest, WhereTradingOverHttpIsOffOperatorsMayStillAct) {
  Router router("", "operators-token");
  AddRoutes(&router);
  HttpRequest request = Get("/api/admin/x");
  request.method = "POST";
  request.authorization = "Bearer operators-token";
  EXPECT_EQ(Ask(router, request).status, 200u);
  request.authorization = "Bearer ";
  EXPECT_EQ(CodeOf(Ask(router, request)), "wrong_token") << "no token is not the empty one";
  request.path = "/api/orders";
  EXPECT_EQ(CodeOf(Ask(router, request)), "writes_off");
}

TEST_F(RouterTest, WithoutATokenNothingCanBeChanged) {
  Router router("");
  AddRoutes(&router);
  HttpRequest request = Get("/api/orders");
  request.method = "POST";
  request.authorization = "Bearer ";
  EXPECT_EQ(Ask(router, request).status, 403u);
  EXPECT_EQ(CodeOf(Ask(router, request)), "writes_off");
}

}  // namespace
}  // namespace quorumbook::server
