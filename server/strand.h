// Runs tasks one at a time, in the order in which they were given, on threads that are there
// anyway.
//
// boost::asio::strand leaves every task to the threads of its context. Waking one of them costs up
// to 50 us on a machine that has nothing else to do, and an order passes five strands on its way:
// here the thread that brings a task runs it, unless another thread is at it.
#pragma once

#include <absl/functional/any_invocable.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <mutex>
#include <vector>

namespace quorumbook::server {

// Thread-safe. Make it with std::make_shared: it lives until its last task has run.
class Strand : public std::enable_shared_from_this<Strand> {
 public:
  using Task = absl::AnyInvocable<void()>;

  // `io` outlives this.
  explicit Strand(boost::asio::io_context* io) : io_(*io) {}

  // May run the task, and others, before it returns. REQUIRES: the caller holds no lock that a task
  // may want.
  void Run(Task task);
  // Never runs a task before it returns.
  void Post(Task task);
  // Drops what waits, and whatever is given from now on: tasks own what owns the strand. Tasks that
  // a thread has taken already still run. REQUIRES: nothing runs the context any more.
  void Close();

 private:
  // True: the strand was idle, and the caller must see to it that RunTasks is called.
  bool Add(Task task);
  // Runs what is waiting; leaves the rest to the context after a while, for the thread has other
  // things to do.
  void RunTasks();
  void RunTasksSoon();

  boost::asio::io_context& io_;
  std::mutex mutex_;
  std::vector<Task> waiting_;  // guarded by mutex_
  bool running_ = false;       // guarded by mutex_: somebody is in RunTasks, or soon will be
  bool closed_ = false;        // guarded by mutex_
  std::vector<Task> taken_;    // of whoever is in RunTasks
};

}  // namespace quorumbook::server
