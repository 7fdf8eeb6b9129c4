#include "server/strand.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace quorumbook::server {
namespace {

// Tasks that a thread runs before it returns to its own work.
constexpr size_t kMaxTasksAtATime = 256;

}  // namespace

void Strand::Run(Task task) {
  if (Add(std::move(task))) RunTasks();
}

void Strand::Post(Task task) {
  if (Add(std::move(task))) RunTasksSoon();
}

bool Strand::Add(Task task) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  waiting_.push_back(std::move(task));
  return !std::exchange(running_, true);
}

void Strand::Close() {
  std::vector<Task> dropped;  // declared first: destroyed without the lock
  const std::lock_guard lock(mutex_);
  closed_ = true;
  dropped.swap(waiting_);
}

void Strand::RunTasksSoon() {
  boost::asio::post(io_, [self = shared_from_this()] { self->RunTasks(); });
}

void Strand::RunTasks() {
  const std::shared_ptr<Strand> self = shared_from_this();  // a task may hold the last owner
  for (size_t done = 0; done < kMaxTasksAtATime; done += taken_.size()) {
    taken_.clear();
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.empty()) {
        running_ = false;
        return;
      }
      taken_.swap(waiting_);
    }
    for (Task& task : taken_) {
      task();
      task = nullptr;  // frees what it holds before the next one runs
    }
  }
  RunTasksSoon();
}

}  // namespace quorumbook::server
