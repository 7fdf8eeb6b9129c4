#include "server/market_data_feed.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <string>
#include <utility>

#include "server/market_codec.h"

namespace quorumbook::server {
namespace {

using exchange::Event;
using exchange::EventType;
using v1::SubscribeRequest;

Refusal BookTooLarge() {
  return {RefusalCode::kBookTooLarge,
          absl::StrCat("the book has more than ", kMaxBookOrders,
                       " orders a side, too many for channel L3: subscribe to L2"),
          NodeId()};
}

// Refuses what can not be meant, brings the rest into its bounds.
Refusal CheckRequest(SubscribeRequest* request) {
  if (request->channel() < SubscribeRequest::L1 ||
      request->channel() > SubscribeRequest::EXECUTIONS) {
    return {RefusalCode::kMalformed, "channel is none of L1, L2, L3, TRADES, CANDLES, EXECUTIONS",
            NodeId()};
  }
  if ((request->account() != 0) != (request->channel() == SubscribeRequest::EXECUTIONS)) {
    return {RefusalCode::kMalformed, "account must be set with channel EXECUTIONS, and only then",
            NodeId()};
  }
  if (request->interval() < v1::ONE_MINUTE || request->interval() > v1::ONE_DAY) {
    return {RefusalCode::kMalformed, "interval is none of CandleInterval's", NodeId()};
  }
  request->set_depth(request->depth() == 0 ? kDefaultDepth : std::min(request->depth(), kMaxDepth));
  return {};
}

// Items of TRADES and EXECUTIONS in one update. An auction may end with more in one batch.
constexpr int kMaxUpdateItems = 4'096;

template <typename Item>
bool TakeFirst(google::protobuf::RepeatedPtrField<Item>* list,
               google::protobuf::RepeatedPtrField<Item>* first) {
  if (list->size() <= kMaxUpdateItems) return false;
  first->Clear();
  for (int i = 0; i < kMaxUpdateItems; ++i) first->Add()->Swap(list->Mutable(i));
  list->DeleteSubrange(0, kMaxUpdateItems);
  return true;
}

// Moves into `part` what goes first, by itself, when `update` has too many items; else false.
bool TakePart(v1::MarketDataUpdate* update, v1::MarketDataUpdate* part) {
  part->set_time_ns(update->time_ns());
  if (TakeFirst(update->mutable_trades(), part->mutable_trades())) {
    part->set_event_sequence(part->trades().rbegin()->event_sequence());
    return true;
  }
  if (TakeFirst(update->mutable_executions(), part->mutable_executions())) {
    part->set_event_sequence(part->executions().rbegin()->event_sequence());
    return true;
  }
  return false;
}

}  // namespace

bool MarketDataFeed::MayConflate(SubscribeRequest::Channel channel) {
  return channel == SubscribeRequest::L1 || channel == SubscribeRequest::L2 ||
         channel == SubscribeRequest::CANDLES;
}

void MarketDataFeed::Add(const exchange::Exchange& exchange, SubscribeRequest request,
                         std::shared_ptr<MarketDataSubscriber> subscriber) {
  if (const Refusal refusal = CheckRequest(&request); refusal.code != RefusalCode::kNone) {
    return subscriber->OnEnd(refusal);
  }
  if (members_.size() >= subscriber->MostBeside()) {
    return subscriber->OnEnd({RefusalCode::kTooManySubscriptions,
                              absl::StrCat("this replica has ", members_.size(),
                                           " subscriptions already: ask another node"),
                              NodeId()});
  }
  const bool all = request.channel() == SubscribeRequest::EXECUTIONS && request.symbol().empty();
  const exchange::SymbolInfo* const symbol = exchange.FindSymbol(request.symbol());
  if (symbol == nullptr && !all) {
    return subscriber->OnEnd(
        {RefusalCode::kNotFound,
         absl::StrCat("shard ", shard_.value(), " has no symbol '", request.symbol(), "'"),
         NodeId()});
  }
  const bool levels = request.channel() == SubscribeRequest::L2;
  const uint32_t depth = levels ? request.depth() : 0;
  Topic& topic = TopicOf(request, all ? exchange::SymbolId() : symbol->id);
  // Between two batches: what the topic told of is what the market is.
  if (topic.subscribers.empty() || depth > topic.deepest()) topic.topic->Reset(exchange, depth);
  last_event_ = exchange.last_sequence();  // what came while there was nobody was not looked at
  const MarketDataSubscriber* const key = subscriber.get();
  topic.subscribers[depth].push_back(key);
  members_[key] = {std::move(subscriber), &topic, depth, request.limit()};
  Refresh(exchange, key);
}

MarketDataFeed::Topic& MarketDataFeed::TopicOf(const v1::SubscribeRequest& request,
                                               exchange::SymbolId symbol) {
  const bool candles = request.channel() == SubscribeRequest::CANDLES;
  const TopicKey key{symbol, exchange::AccountId(request.account()), request.channel(),
                     candles ? request.interval() : 0};
  Subject& subject = SubjectOf(key);
  for (const std::unique_ptr<Topic>& topic : subject.topics) {
    if (topic->key == key) return *topic;
  }
  Topic& topic = *subject.topics.emplace_back(std::make_unique<Topic>());
  topic.key = key;
  topic.topic = MarketDataTopic::Make(request, symbol);
  return topic;
}

MarketDataFeed::Subject& MarketDataFeed::SubjectOf(const TopicKey& key) {
  return key.account == exchange::AccountId() ? symbols_[key.symbol] : accounts_[key.account];
}

void MarketDataFeed::Forget(const TopicKey& key) {
  if (key.account == exchange::AccountId()) {
    symbols_.erase(key.symbol);
  } else {
    accounts_.erase(key.account);
  }
}

void MarketDataFeed::Remove(const MarketDataSubscriber* subscriber) {
  const auto member = members_.find(subscriber);
  if (member == members_.end()) return;
  Topic* const topic = member->second.topic;
  const auto same = topic->subscribers.find(member->second.depth);
  members_.erase(member);
  std::erase(same->second, subscriber);
  if (same->second.empty()) topic->subscribers.erase(same);
  if (!topic->subscribers.empty()) return;
  const TopicKey key = topic->key;
  Subject& subject = SubjectOf(key);
  std::erase_if(subject.topics, [&](const auto& item) { return item.get() == topic; });
  if (subject.topics.empty()) Forget(key);
}

size_t MarketDataFeed::topics() const {
  size_t count = 0;
  for (const auto& [symbol, subject] : symbols_) count += subject.topics.size();
  for (const auto& [account, subject] : accounts_) count += subject.topics.size();
  return count;
}

size_t MarketDataFeed::MostBehind() const {
  size_t most = 0;
  for (const auto& [subscriber, member] : members_) most = std::max(most, subscriber->Behind());
  return most;
}

void MarketDataFeed::Refresh(const exchange::Exchange& exchange,
                             const MarketDataSubscriber* subscriber) {
  const auto found = members_.find(subscriber);
  if (found == members_.end()) return;
  const Member& member = found->second;
  v1::MarketDataUpdate update;
  const uint32_t limit = member.depth == 0 ? member.limit : member.depth;
  if (!member.topic->topic->Snapshot(exchange, limit, &update)) {
    const std::shared_ptr<MarketDataSubscriber> ended = member.subscriber;
    Remove(subscriber);
    return ended->OnEnd(BookTooLarge());
  }
  update.set_snapshot(true);
  const exchange::SymbolInfo* symbol = exchange.FindSymbol(member.topic->key.symbol);
  if (symbol != nullptr) ToProto(*symbol, exchange, shard_, update.mutable_symbol());
  update.set_time_ns(exchange.time());
  Tell(member.subscriber.get(), Seal(exchange, &update), true);
}

void MarketDataFeed::Publish(const exchange::Exchange& exchange,
                             const exchange::ApplyResult& result) {
  for (const Event& event : result.events) {
    if (event.sequence <= last_event_) continue;  // of a repeated command
    last_event_ = event.sequence;
    Collect(event);
  }
  for (Subject* subject : touched_) {
    Publish(exchange, result.time, *subject);
    subject->events.clear();
  }
  touched_.clear();
}

void MarketDataFeed::Collect(const Event& event) {
  if (!symbols_.empty() && IsOfSymbol(event)) {
    const auto symbol = symbols_.find(event.symbol);
    if (symbol != symbols_.end()) Collect(event, &symbol->second);
  }
  if (accounts_.empty()) return;
  const auto account = accounts_.find(event.account);
  if (account != accounts_.end()) Collect(event, &account->second);
  if (event.type != EventType::kTrade || event.maker_account == event.account) return;
  const auto maker = accounts_.find(event.maker_account);
  if (maker != accounts_.end()) Collect(event, &maker->second);
}

void MarketDataFeed::Collect(const Event& event, Subject* subject) {
  if (subject->events.empty()) touched_.push_back(subject);
  subject->events.push_back(&event);
}

void MarketDataFeed::Publish(const exchange::Exchange& exchange, exchange::Time time,
                             const Subject& subject) {
  for (const std::unique_ptr<Topic>& topic : subject.topics) {
    Publish(exchange, time, subject, *topic);
  }
}

void MarketDataFeed::Publish(const exchange::Exchange& exchange, exchange::Time time,
                             const Subject& subject, const Topic& topic) {
  topic.topic->Advance(exchange, topic.deepest());
  for (const auto& [depth, subscribers] : topic.subscribers) {
    v1::MarketDataUpdate update;
    if (!topic.topic->Update(exchange, time, subject.events, depth, &update)) continue;
    update.set_time_ns(time);
    v1::MarketDataUpdate part;
    while (TakePart(&update, &part)) {
      TellAll(subscribers, std::make_shared<const std::string>(part.SerializeAsString()));
    }
    TellAll(subscribers, Seal(exchange, &update));
  }
}

void MarketDataFeed::TellAll(const Subscribers& subscribers, const SharedUpdate& update) {
  for (const MarketDataSubscriber* subscriber : subscribers) {
    Tell(members_.at(subscriber).subscriber.get(), update, false);
  }
}

void MarketDataFeed::Tell(MarketDataSubscriber* subscriber, const SharedUpdate& update,
                          bool snapshot) {
  ++updates_;
  update_bytes_ += update->size();
  dropped_ += subscriber->OnUpdate(update, snapshot);
}

SharedUpdate MarketDataFeed::Seal(const exchange::Exchange& exchange,
                                  v1::MarketDataUpdate* update) {
  update->set_event_sequence(exchange.last_sequence());
  return std::make_shared<const std::string>(update->SerializeAsString());
}

void MarketDataFeed::Restored(const exchange::Exchange& exchange) {
  last_event_ = exchange.last_sequence();
  for (auto& [symbol, subject] : symbols_) {
    for (const std::unique_ptr<Topic>& topic : subject.topics) {
      topic->topic->Reset(exchange, topic->deepest());
    }
  }
  std::vector<const MarketDataSubscriber*> subscribers;
  for (const auto& [subscriber, member] : members_) subscribers.push_back(subscriber);
  for (const MarketDataSubscriber* subscriber : subscribers) Refresh(exchange, subscriber);
}

void MarketDataFeed::End(const Refusal& refusal) {
  const auto members = std::exchange(members_, {});
  symbols_.clear();
  accounts_.clear();
  for (const auto& [key, member] : members) member.subscriber->OnEnd(refusal);
}

}  // namespace quorumbook::server
