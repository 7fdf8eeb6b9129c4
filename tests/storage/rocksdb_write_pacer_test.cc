#include "storage/rocksdb_write_pacer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

namespace quorumbook::storage {
namespace {

using rocksdb::Env;
using std::chrono::milliseconds;

constexpr int64_t kBytesPerSecond = 1'000'000;
constexpr int64_t kBytes = 10'000;  // take 10 ms

template <typename Act>
std::chrono::steady_clock::duration TimeOf(Act act) {
  const auto start = std::chrono::steady_clock::now();
  act();
  return std::chrono::steady_clock::now() - start;
}

TEST(WritePacerTest, BytesGoThroughAtTheRateWhoeverAsks) {
  WritePacer pacer;
  pacer.SetBytesPerSecond(kBytesPerSecond);
  const auto ask = [&](Env::IOPriority priority) {
    for (int i = 0; i < 5; ++i) pacer.Request(kBytes, priority);
  };
  const auto time = TimeOf([&] {
    std::vector<std::thread> threads;
    for (const auto priority : {Env::IO_LOW, Env::IO_HIGH}) threads.emplace_back(ask, priority);
    for (std::thread& thread : threads) thread.join();
  });
  EXPECT_GE(time, milliseconds(90)) << "the first of ten need not wait";
  EXPECT_EQ(pacer.GetTotalBytesThrough(Env::IO_LOW), 5 * kBytes);
  EXPECT_EQ(pacer.GetTotalBytesThrough(Env::IO_TOTAL), 10 * kBytes);
  EXPECT_EQ(pacer.GetTotalRequests(Env::IO_HIGH), 5);
  EXPECT_EQ(pacer.GetTotalRequests(Env::IO_TOTAL), 10);
}

TEST(WritePacerTest, WhatWasNotUsedIsNotSavedUp) {
  WritePacer pacer;
  pacer.SetBytesPerSecond(kBytesPerSecond);
  pacer.Request(kBytes, Env::IO_LOW);
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_GE(TimeOf([&] {
              for (int i = 0; i < 3; ++i) pacer.Request(kBytes, Env::IO_LOW);
            }),
            milliseconds(20));
}

// A limit that were there already would take 16 minutes.
TEST(WritePacerTest, ThereIsNoLimitAtFirst) {
  WritePacer pacer;
  for (int i = 0; i < 100'000; ++i) pacer.Request(kBytes, Env::IO_HIGH);
  EXPECT_EQ(pacer.GetBytesPerSecond(), 0);
  pacer.SetBytesPerSecond(kBytesPerSecond);
  EXPECT_EQ(pacer.GetBytesPerSecond(), kBytesPerSecond);
}

}  // namespace
}  // namespace quorumbook::storage
