#include "server/monitoring/event_stream.h"

#include <absl/strings/str_split.h>

#include <array>
#include <boost/asio/write.hpp>
#include <memory>
#include <utility>

namespace quorumbook::server {
namespace {

using boost::system::error_code;

constexpr char kHead[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nX-Accel-Buffering: no\r\n"
    "Connection: close\r\n\r\n";

// The connection ends with the object, which lives as long as something is read or written.
class EventStream final : public EventListener, public std::enable_shared_from_this<EventStream> {
 public:
  EventStream(boost::beast::tcp_stream stream, const HttpContext& context, OpenConnection open)
      : stream_(std::move(stream)),
        metrics_(*context.metrics),
        open_(std::move(open)),
        open_events_(&context.metrics->event_streams) {}

  void Start() {
    error_code ignored;
    stream_.socket().set_option(boost::asio::socket_base::send_buffer_size(kStreamSendBufferBytes),
                                ignored);
    stream_.expires_never();
    AwaitEnd();
  }

  bool Takes() const override { return writing_ == nullptr; }

  void Offer(std::shared_ptr<const std::string> text) override {
    writing_ = std::move(text);
    Write();
  }

  void End(std::shared_ptr<const std::string> text) override {
    ending_ = true;
    if (!Takes()) return Close();
    Offer(std::move(text));
  }

 private:
  void Write() {
    const size_t head = std::exchange(head_written_, true) ? 0 : sizeof(kHead) - 1;
    const std::array<boost::asio::const_buffer, 2> buffers = {boost::asio::buffer(kHead, head),
                                                              boost::asio::buffer(*writing_)};
    stream_.expires_after(kHttpWriteTimeout);
    boost::asio::async_write(
        stream_, buffers,
        [self = shared_from_this()](error_code error, size_t) { self->OnWritten(error); });
  }

  void OnWritten(error_code error) {
    writing_.reset();
    if (error == boost::beast::error::timeout) ++metrics_.cut;
    if (error || ending_) return Close();
    stream_.expires_never();
  }

  // Clients say nothing; that a read ends is how their going is noticed.
  void AwaitEnd() {
    stream_.socket().async_read_some(boost::asio::buffer(input_),
                                     [self = shared_from_this()](error_code error, size_t) {
                                       if (error) return self->Close();
                                       self->AwaitEnd();
                                     });
  }

  void Close() {
    error_code ignored;
    stream_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_both, ignored);
    stream_.socket().close(ignored);
  }

  boost::beast::tcp_stream stream_;
  HttpMetrics& metrics_;
  const OpenConnection open_;
  const OpenConnection open_events_;
  std::array<char, 256> input_{};
  std::shared_ptr<const std::string> writing_;
  bool head_written_ = false;
  bool ending_ = false;
};

}  // namespace

bool ParseTopics(const std::string& text, std::set<std::string>* topics) {
  if (text.empty()) {
    *topics = EventTopics();
    return true;
  }
  for (const auto& part : absl::StrSplit(text, ',')) {
    const std::string topic(part.data(), part.size());
    if (!EventTopics().contains(topic)) return false;
    topics->insert(topic);
  }
  return true;
}

void StartEventStream(boost::beast::tcp_stream stream, std::set<std::string> topics,
                      const HttpContext& context, OpenConnection open) {
  auto events = std::make_shared<EventStream>(std::move(stream), context, std::move(open));
  events->Start();
  context.events->Add(events, std::move(topics));
}

}  // namespace quorumbook::server
