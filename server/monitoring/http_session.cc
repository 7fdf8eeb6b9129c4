#include "server/monitoring/http_session.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "server/monitoring/book_socket.h"
#include "server/monitoring/event_stream.h"

namespace quorumbook::server {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kLinger{2};
constexpr char kContinue[] = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr char kContentPolicy[] =
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

std::string Text(beast::string_view text) { return {text.data(), text.size()}; }

class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(tcp::socket socket, const HttpContext& context)
      : stream_(std::move(socket)),
        timer_(stream_.get_executor()),
        context_(context),
        open_(&context.metrics->connections) {}

  void Read() {
    parser_.emplace();
    parser_->header_limit(kMaxHttpHeaderBytes);
    parser_->body_limit(kMaxHttpBodyBytes);
    stream_.expires_after(kHttpReadTimeout);
    http::async_read_header(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code error, size_t) { self->OnHeader(error); });
  }

  // A node is not dead for having many clients: who asks whether it is gets an answer.
  void ReadProbe() {
    probes_only_ = true;
    parser_.emplace();
    parser_->header_limit(kMaxHttpHeaderBytes);
    stream_.expires_after(kHttpRefusalTimeout);
    http::async_read_header(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code error, size_t) { self->OnRead(error); });
  }

 private:
  void OnHeader(error_code error) {
    const bool waits = !error && !parser_->is_done() &&
                       beast::iequals(parser_->get()[http::field::expect], "100-continue");
    if (!waits) return ReadBody(error);
    boost::asio::async_write(
        stream_, boost::asio::buffer(kContinue, sizeof(kContinue) - 1),
        [self = shared_from_this()](error_code written, size_t) { self->ReadBody(written); });
  }

  void ReadBody(error_code error) {
    if (error || parser_->is_done()) return OnRead(error);
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code failed, size_t) { self->OnRead(failed); });
  }

  void OnRead(error_code error) {
    started_ = Clock::now();
    under_way_.emplace(&context_.metrics->under_way);
    route_ = "other";
    request_ = HttpRequest();
    if (error == http::error::end_of_stream) return Close();
    if (error == http::error::body_limit) return Refuse(413, "too_large", "the body is too large");
    if (error == http::error::header_limit) {
      return Refuse(431, "too_large", "the header is too large");
    }
    if (error.category() == http::make_error_code(http::error::bad_method).category()) {
      return Refuse(400, "bad_request", "this is no HTTP/1.1 request: " + error.message());
    }
    if (error) return;  // gone, or nothing came
    keep_alive_ = parser_->get().keep_alive() && !probes_only_;
    Convert();
    if (!ParseTarget(Text(parser_->get().target()), &request_)) {
      return Refuse(400, "bad_request", "the path or query is malformed");
    }
    route_ = context_.router->RouteOf(request_);
    const std::string host = Text(parser_->get()[http::field::host]);
    if (!context_.hosts->Allow(host)) {
      keep_alive_ = false;
      return Write(Problem(403, "wrong_host", "this node is not known as '" + host + "'",
                           "use its address, or add the name to http.hosts"));
    }
    const bool probe = route_ == "/livez" || route_ == "/readyz" || route_ == "/metrics";
    if (probes_only_ && !probe) return TooMany("connections");
    if (beast::websocket::is_upgrade(parser_->get())) return Upgrade();
    if (request_.path == "/api/stream" && request_.method == "GET") return StartEvents();
    Handle();
  }

  void Convert() {
    const http::request<http::string_body>& request = parser_->get();
    request_.method = Text(request.method_string());
    request_.authorization = Text(request[http::field::authorization]);
    request_.content_type = Text(request[http::field::content_type]);
    request_.body = request.body();
  }

  // What can not be understood ends the connection: where the next request begins is not known.
  void Refuse(unsigned status, const char* code, const std::string& detail) {
    keep_alive_ = false;
    Write(Problem(status, code, detail, "docs/http.md states the bounds and formats"));
  }

  void Handle() {
    const uint64_t number = ++number_;
    stream_.expires_never();
    timer_.expires_after(kHttpAnswerTimeout);
    timer_.async_wait([self = shared_from_this(), number](error_code error) {
      if (!error)
        self->Answer(number, Problem(503, "busy", "there was no answer in time",
                                     "try again; for an order, under the same id"));
    });
    context_.router->Handle(request_, [self = shared_from_this(), number](HttpResponse response) {
      self->Answer(number, std::move(response));
    });
  }

  // The first answer to a request counts.
  void Answer(uint64_t number, HttpResponse response) {
    if (number != number_) return;
    ++number_;
    timer_.cancel();
    Write(std::move(response));
  }

  void Write(HttpResponse response) {
    context_.metrics->Count(route_, request_.method.empty() ? "?" : KnownMethod(), response.status,
                            Clock::now() - started_);
    message_.emplace();
    message_->version(11);
    message_->result(response.status);
    message_->reason(
        beast::string_view(StatusText(response.status).data(), StatusText(response.status).size()));
    message_->set(http::field::content_type, response.content_type);
    message_->set(http::field::cache_control, "no-store");
    message_->set(http::field::x_frame_options, "DENY");
    message_->set("X-Content-Type-Options", "nosniff");
    message_->set("Referrer-Policy", "no-referrer");
    message_->set("Content-Security-Policy", kContentPolicy);
    for (const auto& [name, value] : response.headers) message_->set(name, value);
    message_->keep_alive(keep_alive_);
    message_->body() = std::move(response.body);
    message_->prepare_payload();
    if (request_.method == "HEAD") message_->body().clear();
    stream_.expires_after(kHttpWriteTimeout);
    http::async_write(stream_, *message_, [self = shared_from_this()](error_code error, size_t) {
      self->OnWritten(error);
    });
  }

  // Methods are labels of a metric: what clients invent does not become one.
  std::string KnownMethod() const {
    const bool known = parser_->get().method() != http::verb::unknown;
    return known ? request_.method : "other";
  }

  void OnWritten(error_code error) {
    under_way_.reset();
    if (error) return;
    if (!keep_alive_) return Close();
    Read();
  }

  // What the client still says is read to its end: closed before, the answer would be lost with it.
  void Close() {
    under_way_.reset();
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.expires_after(kLinger);
    Drain();
  }

  void Drain() {
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(kMaxHttpHeaderBytes),
                            [self = shared_from_this()](error_code error, size_t) {
                              if (!error) self->Drain();
                            });
  }

  void StartEvents() {
    std::set<std::string> topics;
    if (!ParseTopics(request_.Query("topics"), &topics)) {
      return Write(Problem(400, "bad_request", "topics names something that is none",
                           "use some of alerts, events, nodes, raft, shards, storage, summary, "
                           "timeseries, comma separated"));
    }
    if (context_.metrics->event_streams >= kMaxEventStreams) {
      ++context_.metrics->refused;
      return TooMany("streams");
    }
    context_.metrics->Count(route_, "GET", 200, Clock::now() - started_);
    StartEventStream(std::move(stream_), std::move(topics), context_, std::move(open_));
  }

  void Upgrade() {
    if (request_.path != "/api/ws") {
      keep_alive_ = false;
      return Write(Problem(404, "unknown_path", "there is no WebSocket at " + request_.path,
                           "it is at /api/ws"));
    }
    // Browsers let any page open a WebSocket anywhere, and say which page it was.
    const std::string origin = Text(parser_->get()[http::field::origin]);
    const std::string own = Text(parser_->get()[http::field::host]);
    const bool same = origin.empty() || origin == "http://" + own || origin == "https://" + own;
    if (!same) {
      keep_alive_ = false;
      return Write(Problem(403, "wrong_origin", "a page of another origin may not read from here",
                           "open the dashboard of this node"));
    }
    if (context_.metrics->web_sockets >= kMaxWebSockets) {
      ++context_.metrics->refused;
      return TooMany("streams");
    }
    context_.metrics->Count(route_, "GET", 101, Clock::now() - started_);
    StartBookSocket(std::move(stream_), parser_->release(), context_, std::move(open_));
  }

  void TooMany(const std::string& what) {
    keep_alive_ = false;
    Write(Problem(503, "too_many", "this node has as many " + what + " as it takes",
                  "close some, or ask another node"));
  }

  beast::tcp_stream stream_;
  boost::asio::steady_timer timer_;
  const HttpContext context_;
  OpenConnection open_;
  std::optional<OpenConnection> under_way_;
  beast::flat_buffer buffer_{kMaxHttpHeaderBytes + kMaxHttpBodyBytes};
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::string_body>> message_;
  HttpRequest request_;
  std::string route_ = "other";
  bool keep_alive_ = false;
  bool probes_only_ = false;  // the connection is above the bound
  uint64_t number_ = 0;       // of the request or answer at hand
  Clock::time_point started_;
};

}  // namespace

void StartHttpSession(tcp::socket socket, const HttpContext& context) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  std::make_shared<HttpSession>(std::move(socket), context)->Read();
}

void RefuseHttpSession(tcp::socket socket, const HttpContext& context) {
  std::make_shared<HttpSession>(std::move(socket), context)->ReadProbe();
}

}  // namespace quorumbook::server
