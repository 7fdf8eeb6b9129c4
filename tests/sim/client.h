// A trader: opens a session, sends commands and reads, repeats what is not answered, and checks
// every answer.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "exchange/command.h"
#include "server/replica/refusal.h"
#include "tests/sim/context.h"
#include "tests/sim/random.h"
#include "tests/sim/shard_checks.h"

namespace quorumbook::sim {

// What came back from a node.
struct Reply {
  // Null: the connection was refused or lost.
  bool connected = false;
  server::RefusalCode refusal = server::RefusalCode::kNone;
  bool trusted = true;  // else it is taken without being checked
  int leader = 0;       // whom to ask instead; 0: not known
  // Of commands that were executed.
  exchange::GroupResult group;
  std::vector<std::pair<uint64_t, uint64_t>> commands;  // sequence and hash of the answer
  consensus::Index index;                               // of the entry; of a read, of the state
  uint64_t last_sequence = 0;                           // of a read
};

// The network between clients and nodes, which are numbered from 1. Calls back at most once.
class ClientNetwork {
 public:
  virtual ~ClientNetwork() = default;
  using Callback = std::function<void(const Reply&)>;
  virtual void Submit(int node, ShardId shard, std::string group, Callback callback) = 0;
  virtual void Read(int node, ShardId shard, bool stale_ok, Callback callback) = 0;
  virtual int nodes() const = 0;
};

class Client {
 public:
  Client(int number, ShardId shard, Context* context, ClientNetwork* network, ShardChecks* checks);

  void Start();

  // Asks for nothing more.
  void Stop() { stopped_ = true; }
  bool idle() const { return operations_.empty(); }

  // Its connection breaks, and it goes on at `node`, at once.
  void Reconnect(int node);
  // Asks for nothing new meanwhile.
  void SetQuiet(bool quiet) { quiet_ = quiet; }
  // Reads beside what it does otherwise, once and at `node` only; a refusal is no matter.
  void Peek(int node);

  // Empty when it waits for nothing.
  std::string Describe() const;

  // Requests answered, writes and reads.
  uint64_t completed() const { return completed_; }
  // When the last of them was asked for the first time.
  SimTime completed_asked_at() const { return completed_asked_at_; }
  ShardId shard() const { return shard_; }

 private:
  struct Operation {
    enum class Kind : uint8_t { kOpen, kClose, kCommands, kRead, kStaleRead };
    Kind kind = Kind::kCommands;
    uint64_t id = 0;
    uint64_t first_sequence = 0;
    std::vector<exchange::Command> commands;
    Position after;  // what had been heard when it was asked for
    SimTime asked_at = 0;
    uint64_t tries = 0;
    bool answered = false;
  };

  void Think();
  void AskIfFree();
  void Ask();
  void AskCommands(Operation* operation);
  exchange::Command DrawCommand();
  exchange::Command DrawAnyCommand();
  void Try(uint64_t id, int node);
  void Send(const Operation& operation, int node);
  std::string Encode(const Operation& operation) const;
  void RetryLater(uint64_t id, SimTime delay);
  void OnReply(uint64_t id, const Reply& reply);
  void OnRefused(uint64_t id, const Reply& reply);
  void OnRead(const Operation& operation, const Reply& reply);
  void OnGroup(Operation* operation, const Reply& reply);
  void OnCommands(Operation* operation, const Reply& reply);
  void Settle();
  Operation* Find(uint64_t id);
  int AnyNode() {
    return 1 + static_cast<int>(random_.Below(static_cast<uint64_t>(network_.nodes())));
  }
  void Fail(const std::string& what);

  const int number_;
  const ShardId shard_;
  Context& context_;
  ClientNetwork& network_;
  ShardChecks& checks_;
  Random random_;

  bool stopped_ = false;
  bool quiet_ = false;
  int leader_;  // where to ask
  exchange::SessionId session_;
  uint64_t next_sequence_ = 1;
  uint64_t acknowledged_ = 0;
  uint64_t next_order_ = 1;
  std::deque<exchange::ClientOrderId> recent_orders_;
  uint64_t next_id_ = 1;
  std::deque<Operation> operations_;  // oldest first
  uint64_t completed_ = 0;
  SimTime completed_asked_at_ = -1;
};

}  // namespace quorumbook::sim
