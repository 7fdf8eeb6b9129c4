#include "server/monitoring/event_hub.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "server/monitoring/json_text.h"

namespace quorumbook::server {

const std::set<std::string>& EventTopics() {
  static const auto& topics = *new std::set<std::string>{
      "alerts", "events", "nodes", "raft", "shards", "storage", "summary", "timeseries"};
  return topics;
}

std::string FormatEvent(const std::string& topic, uint64_t id, const std::string& data) {
  return absl::StrCat("id: ", id, "\nevent: ", topic, "\ndata: ", data, "\n\n");
}

std::string EventHub::Greeting(const std::set<std::string>& topics) const {
  std::string text;
  for (const std::string& topic : topics) text += FormatEvent(topic, id_, greeter_(topic));
  return text;
}

void EventHub::Add(const std::shared_ptr<EventListener>& listener, std::set<std::string> topics) {
  listener->Offer(std::make_shared<const std::string>("retry: 2000\n\n" + Greeting(topics)));
  members_.push_back({listener, std::move(topics)});
}

void EventHub::Publish(const std::map<std::string, std::string>& changed) {
  ++id_;
  std::erase_if(members_, [](const Member& member) { return member.listener.expired(); });
  // Made once for all who listen to the same, and not at all for who does not take it.
  std::map<std::set<std::string>, std::shared_ptr<const std::string>> news;
  std::map<std::set<std::string>, std::shared_ptr<const std::string>> greetings;
  for (Member& member : members_) {
    const std::shared_ptr<EventListener> listener = member.listener.lock();
    if (!listener->Takes()) {
      member.missed = true;
      ++metrics_.conflated;
      continue;
    }
    const bool greet = std::exchange(member.missed, false);
    std::shared_ptr<const std::string>& text = (greet ? greetings : news)[member.topics];
    if (text == nullptr) {
      text = std::make_shared<const std::string>(greet ? Greeting(member.topics)
                                                       : News(member.topics, changed));
    }
    if (!text->empty()) listener->Offer(text);
  }
}

std::string EventHub::News(const std::set<std::string>& topics,
                           const std::map<std::string, std::string>& changed) const {
  std::string text;
  for (const std::string& topic : topics) {
    const auto found = changed.find(topic);
    if (found != changed.end()) text += FormatEvent(topic, id_, found->second);
  }
  return text;
}

void EventHub::End(const std::string& reason) {
  const Json data = {{"reason", reason}};
  const auto text = std::make_shared<const std::string>(FormatEvent("end", id_ + 1, ToText(data)));
  for (const Member& member : std::exchange(members_, {})) {
    if (const std::shared_ptr<EventListener> listener = member.listener.lock()) listener->End(text);
  }
}

}  // namespace quorumbook::server
