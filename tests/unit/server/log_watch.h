// What the code under test logs.
#pragma once

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/unit/server/wait.h"

namespace quorumbook::server {

// What is logged while this stands.
class LogWatch {
 public:
  LogWatch() : sink_(std::make_shared<Sink>()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("watched", sink_));
  }
  ~LogWatch() { spdlog::set_default_logger(before_); }

  bool Await(const std::string& words) {
    return sink_->lines.Await([&](const auto& lines) { return CountIn(lines, words) > 0; });
  }
  size_t Count(const std::string& words) const { return CountIn(sink_->lines.Get(), words); }

 private:
  using Lines = std::vector<std::string>;
  static size_t CountIn(const Lines& lines, const std::string& words) {
    return static_cast<size_t>(std::ranges::count_if(
        lines, [&](const std::string& line) { return line.find(words) != std::string::npos; }));
  }
  struct Sink final : spdlog::sinks::base_sink<std::mutex> {
    void sink_it_(const spdlog::details::log_msg& message) override {
      lines.Update(
          [&](Lines& all) { all.emplace_back(message.payload.data(), message.payload.size()); });
    }
    void flush_() override {}
    Watched<Lines> lines;
  };

  const std::shared_ptr<Sink> sink_;
  const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

}  // namespace quorumbook::server
