#include "server/logging.h"

#include <absl/strings/ascii.h>
#include <grpc/support/log.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>

namespace quorumbook::server {
namespace {

// The message as the inside of a JSON string (RFC 8259, 7).
class JsonMessageFlag : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    for (const char c : message.payload) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out.push_back('\\');
        out.push_back(c);
      } else if (byte < 0x20) {
        char escaped[8];
        const int size = std::snprintf(escaped, sizeof(escaped), "\\u%04x", byte);
        out.append(escaped, escaped + size);
      } else {
        out.push_back(c);
      }
    }
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessageFlag>();
  }
};

// gRPC tells of each failed connection, and who fails tries again.
constexpr std::chrono::minutes kGrpcRepeat{1};
constexpr size_t kMaxGrpcLines = 64;

void LogOfGrpc(gpr_log_func_args* line) {
  static auto& mutex = *new std::mutex;
  static auto& said = *new std::map<std::string, std::chrono::steady_clock::time_point>;
  const std::string text(absl::StripAsciiWhitespace(line->message));
  const auto now = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mutex);
    std::erase_if(said, [now](const auto& one) { return now - one.second >= kGrpcRepeat; });
    if (said.size() >= kMaxGrpcLines || !said.emplace(text, now).second) return;
  }
  const bool error = line->severity == GPR_LOG_SEVERITY_ERROR;
  spdlog::log(error ? spdlog::level::warn : spdlog::level::debug, "gRPC: {}", text);
}

}  // namespace

void SetUpLogging(const std::string& level, const std::string& format) {
  auto logger = std::make_shared<spdlog::logger>("quorumbookd",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  if (format == "json") {
    formatter->add_flag<JsonMessageFlag>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l","thread":%t,"message":"%*"})");
  } else {
    formatter->set_pattern("%Y-%m-%dT%H:%M:%S.%fZ %L %v");
  }
  logger->set_formatter(std::move(formatter));
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  gpr_set_log_function(LogOfGrpc);
}

}  // namespace quorumbook::server
