#include "server/monitoring/event_hub.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <utility>

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
  std::map<std::set<std::string>, std::shared_ptr<const std::string>> texts;  // shared
  for (Member& member : members_) {
    const std::shared_ptr<EventListener> listener = member.listener.lock();
    std::shared_ptr<const std::string> text;
    if (member.missed) {
      text = std::make_shared<const std::string>(Greeting(member.topics));
    } else if (text = texts[member.topics]; text == nullptr) {
      std::string joined;
      for (const std::string& topic : member.topics) {
        const auto found = changed.find(topic);
        if (found != changed.end()) joined += FormatEvent(topic, id_, found->second);
      }
      text = std::make_shared<const std::string>(std::move(joined));
      texts[member.topics] = text;
    }
    if (text->empty()) continue;
    member.missed = !listener->Offer(text);
    if (member.missed) ++metrics_.conflated;
  }
}

void EventHub::End(const std::string& reason) {
  const nlohmann::json data = {{"reason", reason}};
  const auto text = std::make_shared<const std::string>(FormatEvent("end", id_ + 1, data.dump()));
  for (const Member& member : std::exchange(members_, {})) {
    if (const std::shared_ptr<EventListener> listener = member.listener.lock()) listener->End(text);
  }
}

}  // namespace quorumbook::server
