// Assertions that stay on in release: a broken invariant stops the process before it spreads.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace quorumbook::internal {

[[noreturn]] inline void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "CHECK failed at %s:%d: %s\n", file, line, condition);
  std::fflush(stderr);
  std::abort();
}

}  // namespace quorumbook::internal

// Stops the process when `condition` is false. For bugs only: bad input is an error, never a CHECK.
#define QB_CHECK(condition)                          \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::quorumbook::internal::CheckFailed(#condition, __FILE__, __LINE__))
