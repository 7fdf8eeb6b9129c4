#include "server/strand.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace quorumbook::server {
namespace {

TEST(Strand, RunsATaskAtOnceWhenIdle) {
  boost::asio::io_context io;
  const auto strand = std::make_shared<Strand>(&io);
  int runs = 0;
  strand->Run([&runs] { ++runs; });
  EXPECT_EQ(runs, 1);
}

TEST(Strand, LeavesAPostedTaskToTheContext) {
  boost::asio::io_context io;
  const auto strand = std::make_shared<Strand>(&io);
  std::vector<int> order;
  strand->Post([&order] { order.push_back(1); });
  strand->Run([&order] { order.push_back(2); });
  EXPECT_TRUE(order.empty()) << "the first one has not run";
  io.run();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(Strand, RunsATaskOfATaskAfterIt) {
  boost::asio::io_context io;
  const auto strand = std::make_shared<Strand>(&io);
  std::vector<int> order;
  strand->Run([&] {
    strand->Run([&order] { order.push_back(2); });
    strand->Post([&order] { order.push_back(3); });
    order.push_back(1);
  });
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(Strand, LeavesEndlessWorkToTheContext) {
  boost::asio::io_context io;
  const auto strand = std::make_shared<Strand>(&io);
  constexpr int kTasks = 10'000;
  int runs = 0;
  std::function<void()> again = [&] {
    if (++runs < kTasks) strand->Run(again);
  };
  strand->Run(again);
  EXPECT_GT(runs, 0);
  EXPECT_LT(runs, kTasks) << "the caller got away";
  io.run();
  EXPECT_EQ(runs, kTasks);
}

TEST(Strand, RunsOneTaskAtATimeInTheOrderOfEachThread) {
  constexpr int kThreads = 4;
  constexpr int kTasks = 5'000;
  boost::asio::io_context io;
  auto work = boost::asio::make_work_guard(io);
  std::thread context([&io] { io.run(); });
  const auto strand = std::make_shared<Strand>(&io);
  std::atomic<bool> busy = false;
  int overlaps = 0;
  std::vector<int> last(kThreads, -1);  // without a lock: the strand is one
  int unordered = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kTasks; ++i) {
        auto task = [&, thread, i] {
          if (busy.exchange(true)) ++overlaps;
          if (std::exchange(last[thread], i) != i - 1) ++unordered;
          busy = false;
        };
        if (i % 3 == 0) {
          strand->Post(task);
        } else {
          strand->Run(task);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  work.reset();
  context.join();
  EXPECT_EQ(overlaps, 0);
  EXPECT_EQ(unordered, 0);
  EXPECT_EQ(last, std::vector<int>(kThreads, kTasks - 1));
}

TEST(Strand, DropsWhatWaitsWhenClosed) {
  boost::asio::io_context io;
  auto strand = std::make_shared<Strand>(&io);
  const auto owner = std::make_shared<int>(0);
  strand->Post([owner] { ++*owner; });
  EXPECT_EQ(owner.use_count(), 2);
  strand->Close();
  EXPECT_EQ(owner.use_count(), 1);
  strand->Run([owner] { ++*owner; });
  io.run();
  EXPECT_EQ(*owner, 0);
  EXPECT_EQ(owner.use_count(), 1);
}

}  // namespace
}  // namespace quorumbook::server
