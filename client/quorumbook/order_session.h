// A stream of numbered commands to one shard, each executed exactly once.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <chrono>
#include <cstdint>
#include <functional>

#include "quorumbook/v1/exchange.pb.h"

namespace quorumbook {

struct SessionOptions {
  uint32_t max_batch = 100;  // commands in one message; at most 1,000
  // Commands submitted and not answered, beyond which Submit waits; at most 16,384, which is what
  // the exchange remembers of a session.
  uint32_t max_in_flight = 8'192;
  // How long one command may take, every retry and change of leader included.
  std::chrono::milliseconds timeout = std::chrono::seconds(30);
  // The account's open orders are cancelled when the session ends, however it does: destroyed, or
  // this process or its connection lost for more than a few seconds (OpenSessionRequest says how
  // many). The session keeps a stream open then, even while it has nothing to send.
  bool cancel_on_disconnect = false;
};

struct SessionStats {
  uint64_t submitted = 0;
  uint64_t answered = 0;
  uint64_t repeated = 0;    // answered by an earlier execution: its first reply had been lost
  uint64_t resent = 0;      // commands sent more than once
  uint64_t reconnects = 0;  // streams opened after the first
  uint64_t messages = 0;    // batches sent, those sent again included
  uint64_t refused = 0;     // streams ended by a node that was too busy, and tried again later
  // The longest time without an answer while commands were waiting, and when it ended.
  std::chrono::nanoseconds longest_outage{0};
};

class OrderSession {
 public:
  // Called once a command, in submission order, from a thread of the library; must not block, and
  // of the session may call Submit alone. The result is there during the call. After the first
  // error all later commands get the same:
  // - kDeadlineExceeded: no answer in time; the command's fate is not known. So is kCancelled, when
  //   the session is destroyed before the answer came.
  // - kFailedPrecondition: the exchange does not know the session (any more).
  // - kInternal: a node answered what was not asked. Others are as the exchange gave them.
  using Callback = std::function<void(const absl::StatusOr<v1::CommandResult>&)>;

  // Closes the session on the exchange if everything was answered (best effort, at most a second).
  // Orders stay open unless SessionOptions.cancel_on_disconnect.
  virtual ~OrderSession() = default;

  // Queues a command; commands execute in the order of these calls. A symbol may be named once the
  // answer to its AddSymbol is there: names are looked up when a command arrives. Waits while
  // max_in_flight is reached. What is waiting when the stream can take it goes out as one message.
  // From a callback of the same session it does not wait, and what the callbacks of one message of
  // results submit goes out together, when all of them were called: the quickest way to answer.
  // An error means that the command was not sent and never will be, and that the callback is not
  // called: kInvalidArgument for one that no exchange could understand (the message names the
  // field); kResourceExhausted in a callback while max_in_flight is reached, which counts the
  // commands of the message whose results are being handed out; otherwise the session is over.
  virtual absl::Status Submit(v1::Command command, Callback callback) = 0;

  // Submit, then wait for the result.
  virtual absl::StatusOr<v1::CommandResult> Execute(v1::Command command) = 0;

  // Waits until everything submitted is answered; the first error of a command, if any.
  virtual absl::Status Drain() = 0;

  virtual uint64_t id() const = 0;
  virtual uint32_t shard() const = 0;
  virtual uint64_t account() const = 0;
  virtual SessionStats stats() const = 0;
};

}  // namespace quorumbook
