// Who listens to server-sent events, and what they are sent once a second (docs/http.md).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "server/monitoring/http_metrics.h"

namespace quorumbook::server {

// What can be listened to; each is also the name of its events.
const std::set<std::string>& EventTopics();

// One client. Called by the hub, on its thread.
class EventListener {
 public:
  virtual ~EventListener() = default;
  // False: what it was offered before is still being sent.
  virtual bool Takes() const = 0;
  // REQUIRES: Takes().
  virtual void Offer(std::shared_ptr<const std::string> text) = 0;
  // Says a last thing, if it can, and closes.
  virtual void End(std::shared_ptr<const std::string> text) = 0;
};

// One event of the stream's format.
std::string FormatEvent(const std::string& topic, uint64_t id, const std::string& data);

// Not thread-safe: lives on the thread of the HTTP server.
class EventHub {
 public:
  // What `topic` says to somebody who knows nothing yet: the data of its event.
  using Greeter = std::function<std::string(const std::string& topic)>;
  EventHub(Greeter greeter, HttpMetrics* metrics)
      : greeter_(std::move(greeter)), metrics_(*metrics) {}

  // Greets the listener, and keeps it as long as it lives. `topics`: of EventTopics().
  void Add(const std::shared_ptr<EventListener>& listener, std::set<std::string> topics);
  size_t size() const { return members_.size(); }

  // Another second: `changed` has the data by topic, of those that have news. Who did not take the
  // last one is greeted anew, so that nothing is missing.
  void Publish(const std::map<std::string, std::string>& changed);

  void End(const std::string& reason);

 private:
  struct Member {
    std::weak_ptr<EventListener> listener;
    std::set<std::string> topics;
    bool missed = false;
  };
  std::string Greeting(const std::set<std::string>& topics) const;
  std::string News(const std::set<std::string>& topics,
                   const std::map<std::string, std::string>& changed) const;

  const Greeter greeter_;
  HttpMetrics& metrics_;
  uint64_t id_ = 0;
  std::vector<Member> members_;
};

}  // namespace quorumbook::server
