#include "server/monitoring/book_socket.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <utility>

#include "server/monitoring/book_subscription.h"

namespace quorumbook::server {
namespace {

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using Request = beast::http::request<beast::http::string_body>;

Json ErrorJson(const std::string& code, const std::string& detail, const std::string& hint,
               const BookTopic& topic) {
  Json out = {{"type", "error"}, {"code", code}, {"detail", detail}, {"hint", hint}};
  if (!topic.channel.empty()) out["channel"] = topic.channel;
  if (!topic.symbol.empty()) out["symbol"] = topic.symbol;
  return out;
}

// An optional whole number between bounds. False: something else.
bool ReadCount(const Json& message, const char* key, uint32_t max, uint32_t* out) {
  const auto found = message.find(key);
  if (found == message.end()) return true;
  if (!found->is_number_unsigned() || found->get<uint64_t>() < 1 || found->get<uint64_t>() > max) {
    return false;
  }
  *out = found->get<uint32_t>();
  return true;
}

std::string ReadText(const Json& message, const char* key) {
  const auto found = message.find(key);
  return found != message.end() && found->is_string() ? found->get<std::string>() : "";
}

// Empty: `request` is what the message asks for; else what is wrong.
std::string ReadSubscribe(const Json& message, const BookTopic& topic,
                          v1::SubscribeRequest* request) {
  constexpr uint32_t kMost = 1'000;
  uint32_t levels = 10;
  uint32_t limit = topic.channel == "candles" ? 240 : 50;
  v1::CandleInterval interval = v1::ONE_MINUTE;
  if (!ReadCount(message, "levels", kMost, &levels)) return "levels is not 1 to 1000";
  if (!ReadCount(message, "limit", kMost, &limit)) return "limit is not 1 to 1000";
  if (message.contains("interval") && !ParseInterval(ReadText(message, "interval"), &interval)) {
    return "interval is none of 1m, 5m, 1h, 1d";
  }
  if (topic.channel == "book") {
    request->set_channel(v1::SubscribeRequest::L2);
  } else if (topic.channel == "trades") {
    request->set_channel(v1::SubscribeRequest::TRADES);
  } else if (topic.channel == "candles") {
    request->set_channel(v1::SubscribeRequest::CANDLES);
  } else {
    return "channel is none of book, trades, candles";
  }
  if (topic.symbol.empty()) return "symbol is missing";
  request->set_symbol(topic.symbol);
  request->set_depth(levels);
  request->set_limit(limit);
  request->set_interval(interval);
  return "";
}

struct Follow {
  std::shared_ptr<BookSubscription> subscription;
  Clock::time_point next_take;  // not before
};

class BookSocket final : public BookClient, public std::enable_shared_from_this<BookSocket> {
 public:
  BookSocket(beast::tcp_stream stream, Request request, const HttpContext& context,
             OpenConnection open)
      : socket_(std::move(stream)),
        timer_(socket_.get_executor()),
        watch_(socket_.get_executor()),
        request_(std::move(request)),
        hub_(*context.books),
        metrics_(*context.metrics),
        open_(std::move(open)),
        open_socket_(&context.metrics->web_sockets) {}

  ~BookSocket() override {
    for (const auto& [topic, follow] : subscriptions_) follow.subscription->Stop();
  }

  void Accept() {
    error_code ignored;
    beast::get_lowest_layer(socket_).socket().set_option(
        boost::asio::socket_base::send_buffer_size(kStreamSendBufferBytes), ignored);
    beast::get_lowest_layer(socket_).expires_never();
    websocket::stream_base::timeout timeout{};
    timeout.handshake_timeout = kHttpReadTimeout;
    timeout.idle_timeout = kHttpReadTimeout;
    timeout.keep_alive_pings = true;
    socket_.set_option(timeout);
    socket_.read_message_max(kMaxSocketMessageBytes);
    socket_.async_accept(request_, [self = shared_from_this()](error_code error) {
      if (error) return;
      self->hub_.Add(self);
      self->Read();
    });
  }

  void End(const std::string& reason) override { Close(websocket::close_code::going_away, reason); }

 private:
  void Read() {
    socket_.async_read(input_, [self = shared_from_this()](error_code error, size_t) {
      if (error) return self->Drop();
      const std::string text = beast::buffers_to_string(self->input_.data());
      self->input_.clear();
      self->OnMessage(text);
      if (self->closing_) return;
      // What it says is read no faster than it reads our answers.
      self->paused_ = self->output_.size() >= kMaxSocketAnswers;
      if (!self->paused_) self->Read();
    });
  }

  void OnMessage(const std::string& text) {
    const Clock::time_point now = Clock::now();
    if (now - second_ >= std::chrono::seconds(1)) {
      second_ = now;
      messages_ = 0;
    }
    if (++messages_ > kMaxSocketMessages) {
      return Close(websocket::close_code::policy_error, "more than 100 messages in a second");
    }
    const Json message = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    const std::string op = message.is_object() ? ReadText(message, "op") : "";
    BookTopic topic;
    if (message.is_object()) topic = {ReadText(message, "channel"), ReadText(message, "symbol")};
    if (op == "ping") {
      Say({{"type", "pong"}});
    } else if (op == "subscribe") {
      Subscribe(message, topic);
    } else if (op == "unsubscribe") {
      Unsubscribe(topic);
    } else {
      Say(ErrorJson("bad_request", "op is none of subscribe, unsubscribe, ping",
                    "send JSON such as {\"op\": \"subscribe\", \"channel\": \"book\", "
                    "\"symbol\": \"DEMO\"}",
                    topic));
    }
  }

  void Subscribe(const Json& message, const BookTopic& topic) {
    v1::SubscribeRequest request;
    const std::string wrong = ReadSubscribe(message, topic, &request);
    if (!wrong.empty()) {
      return Say(ErrorJson("bad_request", wrong, "docs/http.md shows the messages", topic));
    }
    const auto earlier = subscriptions_.find(topic);
    if (earlier != subscriptions_.end()) {
      earlier->second.subscription->Stop();
      subscriptions_.erase(earlier);
    }
    if (subscriptions_.size() >= kMaxSocketSubscriptions) {
      return Say(ErrorJson("too_many", "this connection has 16 subscriptions",
                           "unsubscribe from some, or open another connection", topic));
    }
    const ShardId shard = hub_.shards().config().ShardOf(topic.symbol);
    request.set_shard(static_cast<uint32_t>(shard.value()));
    const auto wake = [weak = weak_from_this(), executor = socket_.get_executor()] {
      boost::asio::post(executor, [weak] {
        if (const auto self = weak.lock()) self->Flush();
      });
    };
    auto subscription = std::make_shared<BookSubscription>(topic, std::move(request), wake);
    subscriptions_[topic].subscription = subscription;
    subscription->Start(hub_.shards());
  }

  void Unsubscribe(const BookTopic& topic) {
    const auto found = subscriptions_.find(topic);
    if (found == subscriptions_.end()) {
      return Say(ErrorJson("bad_request", "there is no such subscription",
                           "name channel and symbol as in subscribe", topic));
    }
    found->second.subscription->Stop();
    subscriptions_.erase(found);
    SayUnsubscribed(topic, "requested");
  }

  void SayUnsubscribed(const BookTopic& topic, const std::string& reason) {
    Say({{"type", "unsubscribed"},
         {"channel", topic.channel},
         {"symbol", topic.symbol},
         {"reason", reason}});
  }

  // Takes what has gathered, of no subscription too often, and only when all before it is sent:
  // what a client does not take waits in the subscriptions, which have their bounds.
  void Flush() {
    if (closing_ || !output_.empty()) return;
    const Clock::time_point now = Clock::now();
    Clock::time_point next = Clock::time_point::max();
    std::vector<std::string> messages;
    for (auto item = subscriptions_.begin(); item != subscriptions_.end();) {
      Follow& follow = item->second;
      if (now < follow.next_take) {
        next = std::min(next, follow.next_take);
        ++item;
        continue;
      }
      const std::optional<Refusal> ended = follow.subscription->Take(&messages);
      // Who had to ask for a snapshot takes it when it comes: in a fast market there would be too
      // many updates behind it a little later, and it would be dropped with them.
      if (!messages.empty()) follow.next_take = now + kSocketInterval;
      for (std::string& message : messages) Send(std::move(message));
      messages.clear();
      if (!ended) {
        ++item;
        continue;
      }
      const BookTopic topic = item->first;
      follow.subscription->Stop();
      item = subscriptions_.erase(item);
      SayEnded(topic, *ended);
      if (closing_) return;
    }
    if (next != Clock::time_point::max()) FlushAt(next);
  }

  void FlushAt(Clock::time_point time) {
    timer_.expires_at(time);
    timer_.async_wait([weak = weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (!error && self != nullptr) self->Flush();
    });
  }

  void SayEnded(const BookTopic& topic, const Refusal& refusal) {
    switch (refusal.code) {
      case RefusalCode::kSlowConsumer:
        ++metrics_.cut;
        return Close(websocket::close_code::policy_error, refusal.message);
      case RefusalCode::kNotFound:
        return Say(ErrorJson("unknown_symbol", "there is no symbol '" + topic.symbol + "'",
                             "GET /api/symbols lists the symbols", topic));
      case RefusalCode::kTooManySubscriptions:
        return Say(ErrorJson("too_many", refusal.message, "ask another node", topic));
      case RefusalCode::kNotFounded:
        return Say(ErrorJson("not_founded", refusal.message, "try again", topic));
      default:
        return SayUnsubscribed(topic, refusal.message);
    }
  }

  void Say(const Json& message) { Send(ToText(message)); }

  void Send(std::string message) {
    output_.push_back(std::move(message));
    if (output_.size() == 1) Write();
  }

  void Write() {
    ArmWriteTimeout();
    socket_.text(true);
    socket_.async_write(boost::asio::buffer(output_.front()),
                        [self = shared_from_this()](error_code error, size_t) {
                          if (error) return self->Drop();
                          self->output_.pop_front();
                          if (!self->output_.empty()) return self->Write();
                          if (self->closing_) return self->SendClose();
                          if (std::exchange(self->paused_, false)) self->Read();
                          self->Flush();
                        });
  }

  void ArmWriteTimeout() {
    watch_.expires_after(kHttpWriteTimeout);
    watch_.async_wait([weak = weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (error || self == nullptr || self->output_.empty()) return;
      ++self->metrics_.cut;
      beast::get_lowest_layer(self->socket_).close();
    });
  }

  void Close(websocket::close_code code, const std::string& reason) {
    if (std::exchange(closing_, true)) return;
    reason_.code = code;
    reason_.reason = reason.substr(0, reason_.reason.max_size() - 1);
    while (output_.size() > 1) output_.pop_back();
    if (output_.empty()) SendClose();
  }

  void SendClose() {
    socket_.async_close(reason_, [self = shared_from_this()](error_code) {});
  }

  void Drop() {
    closing_ = true;
    for (const auto& [topic, follow] : subscriptions_) follow.subscription->Stop();
    subscriptions_.clear();
  }

  websocket::stream<beast::tcp_stream> socket_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer watch_;  // over a write
  const Request request_;
  BookHub& hub_;
  HttpMetrics& metrics_;
  const OpenConnection open_;
  const OpenConnection open_socket_;
  beast::flat_buffer input_;
  std::deque<std::string> output_;  // the first is being written
  bool paused_ = false;             // nothing is read until the output is sent
  bool closing_ = false;
  websocket::close_reason reason_;
  std::map<BookTopic, Follow> subscriptions_;
  Clock::time_point second_;
  int messages_ = 0;
};

}  // namespace

void StartBookSocket(beast::tcp_stream stream, Request request, const HttpContext& context,
                     OpenConnection open) {
  std::make_shared<BookSocket>(std::move(stream), std::move(request), context, std::move(open))
      ->Accept();
}

}  // namespace quorumbook::server
