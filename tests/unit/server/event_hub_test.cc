#include "server/monitoring/event_hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/monitoring/json_text.h"

namespace quorumbook::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Listener final : public EventListener {
 public:
  bool Takes() const override { return takes; }
  void Offer(std::shared_ptr<const std::string> text) override { said.push_back(*text); }
  void End(std::shared_ptr<const std::string> text) override { end = *text; }

  bool takes = true;
  std::vector<std::string> said;
  std::string end;
};

class EventHubTest : public ::testing::Test {
 protected:
  std::shared_ptr<Listener> Add(std::set<std::string> topics) {
    auto listener = std::make_shared<Listener>();
    hub_.Add(listener, std::move(topics));
    return listener;
  }

  int greeted_ = 0;  // topics
  HttpMetrics metrics_;
  EventHub hub_{[this](const std::string& topic) {
                  ++greeted_;
                  return "all of " + topic;
                },
                &metrics_};
};

TEST_F(EventHubTest, GreetsThenTellsTheNews) {
  const auto listener = Add({"nodes", "raft"});
  hub_.Publish({{"nodes", "more"}, {"shards", "x"}});
  EXPECT_THAT(listener->said,
              ElementsAre("retry: 2000\n\nid: 0\nevent: nodes\ndata: all of nodes\n\n"
                          "id: 0\nevent: raft\ndata: all of raft\n\n",
                          "id: 1\nevent: nodes\ndata: more\n\n"));
  hub_.Publish({{"shards", "x"}});
  EXPECT_EQ(listener->said.size(), 2u) << "no news for it";
}

TEST_F(EventHubTest, WhoIsSlowCostsNothingAndIsGreetedAnew) {
  const auto slow = Add({"nodes"});
  const auto other = Add({"nodes"});
  slow->takes = other->takes = false;
  greeted_ = 0;
  for (int second = 0; second < 5; ++second) hub_.Publish({{"nodes", "more"}});
  EXPECT_EQ(slow->said.size(), 1u);
  EXPECT_EQ(greeted_, 0) << "nothing is made that nobody takes";
  EXPECT_EQ(metrics_.conflated, 10u);
  slow->takes = other->takes = true;
  hub_.Publish({{"nodes", "more"}});
  EXPECT_THAT(slow->said.back(), HasSubstr("all of nodes"));
  EXPECT_EQ(other->said.back(), slow->said.back());
  EXPECT_EQ(greeted_, 1) << "the two share it";
  hub_.Publish({{"nodes", "still more"}});
  EXPECT_THAT(slow->said.back(), HasSubstr("still more"));
}

TEST_F(EventHubTest, ForgetsWhoIsGoneAndSaysGoodBye) {
  auto gone = Add({"nodes"});
  const auto there = Add({"raft"});
  gone.reset();
  hub_.Publish({});
  EXPECT_EQ(hub_.size(), 1u);
  hub_.End("because");
  EXPECT_EQ(there->end, "id: 2\nevent: end\ndata: {\"reason\":\"because\"}\n\n");
  EXPECT_EQ(hub_.size(), 0u);
}

TEST(JsonText, ReplacesWhatIsNoText) {
  EXPECT_EQ(ToText({{"reason", "no \xff route"}}), "{\"reason\":\"no \xef\xbf\xbd route\"}");
}

}  // namespace
}  // namespace quorumbook::server
