#include "tests/sim/client.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <array>
#include <limits>
#include <variant>
#include <vector>

#include "tests/sim/clock.h"

namespace quorumbook::sim {
namespace {

using exchange::SessionStatus;
using server::RefusalCode;

constexpr size_t kRecentOrders = 16;
constexpr SimTime kRetryDelay = 10 * kMillisecond;  // then twice that, and so on
constexpr uint64_t kMostDoublings = 5;
// A session is closed and another opened after about so many requests.
constexpr uint64_t kSessionLength = 150;

}  // namespace

Client::Client(int number, ShardId shard, Context* context, ClientNetwork* network,
               ShardChecks* checks)
    : number_(number),
      shard_(shard),
      context_(*context),
      network_(*network),
      checks_(*checks),
      random_(context->scenario.seed + shard.value() * 1000 + static_cast<uint64_t>(number),
              "client"),
      leader_(AnyNode()) {}

void Client::Start() { Think(); }

void Client::Fail(const std::string& what) {
  context_.Fail(absl::StrCat("shard ", shard_.value(), " client ", number_, ": ", what));
}

void Client::Think() {
  context_.queue.After(random_.Between(1, 2 * context_.scenario.think_time), [this] {
    if (stopped_) return;
    AskIfFree();
    Think();
  });
}

void Client::AskIfFree() {
  const auto window = static_cast<size_t>(context_.scenario.window);
  if (!quiet_ && !stopped_ && operations_.size() < window) Ask();
}

void Client::Ask() {
  const bool opening = session_ == exchange::SessionId();
  // A session begins and ends with nothing else under way.
  if (opening && !operations_.empty()) return;
  const bool closing = !opening && operations_.empty() && random_.OneIn(kSessionLength);
  if (!operations_.empty() && operations_.front().kind == Operation::Kind::kClose) return;
  Operation& operation = operations_.emplace_back();
  operation.id = next_id_++;
  operation.after = checks_.heard();
  operation.asked_at = context_.queue.now();
  if (opening) {
    operation.kind = Operation::Kind::kOpen;
  } else if (closing) {
    operation.kind = Operation::Kind::kClose;
  } else if (random_.Chance(context_.scenario.read_ppm)) {
    operation.kind = random_.OneIn(8) ? Operation::Kind::kStaleRead : Operation::Kind::kRead;
  } else {
    AskCommands(&operation);
  }
  Try(operation.id, leader_);
}

void Client::AskCommands(Operation* operation) {
  operation->first_sequence = next_sequence_;
  if (next_sequence_ == 1) {
    for (int i = 1; i <= context_.scenario.symbols; ++i) {
      exchange::AddSymbol symbol;
      symbol.name = absl::StrCat("S", i);
      symbol.tick_size = {1, -2};
      symbol.lot_size = {1, 0};
      operation->commands.emplace_back(symbol);
    }
    for (int i = 1; context_.scenario.any_orders && i <= 2; ++i) {
      operation->commands.emplace_back(exchange::AddAsset{.name = absl::StrCat("A", i)});
    }
  }
  const auto most = static_cast<uint64_t>(context_.scenario.commands);
  for (uint64_t i = random_.Below(most) + 1; i > 0; --i) {
    operation->commands.push_back(context_.scenario.any_orders ? DrawAnyCommand() : DrawCommand());
  }
  next_sequence_ += operation->commands.size();
}

// Of all kinds: what waits for prices, for time, for phases; and operators, who change rules,
// phases, accounts and limits meanwhile.
exchange::Command Client::DrawAnyCommand() {
  using exchange::OrderType;
  using exchange::Phase;
  using exchange::TimeInForce;
  const exchange::SymbolId symbol(
      1 + static_cast<uint32_t>(random_.Below(static_cast<uint64_t>(context_.scenario.symbols))));
  const exchange::AccountId account(1 + random_.Below(4));
  const exchange::AssetId asset(1 + static_cast<uint32_t>(random_.Below(2)));
  constexpr std::array kPhases = {Phase::kPreOpen, Phase::kOpeningAuction, Phase::kHalt,
                                  Phase::kClosingAuction, Phase::kClosed};
  switch (random_.Below(24)) {
    case 0:
      return exchange::SetPhase{symbol, random_.Pick(kPhases)};
    case 1:
    case 2:
    case 3:
      return exchange::SetPhase{symbol, Phase::kContinuous, random_.OneIn(2) ? 100 : 0};
    case 4:
      return exchange::MassCancel{.account = {}, .symbol = symbol, .side = {}};
    case 5:
      return exchange::Deposit{account, asset, random_.Between(1, 10'000)};
    case 6:
      return exchange::Withdraw{account, asset, random_.Between(1, 10'000)};
    case 7:
      return exchange::SetKillSwitch{account, random_.OneIn(4)};
    case 8:
      return exchange::SetAccountLimits{account, {.max_open_orders = random_.Below(40)}};
    case 9:
      if (recent_orders_.empty()) break;
      return exchange::ReplaceOrder{symbol, random_.Pick(recent_orders_), random_.Between(95, 105),
                                    random_.Between(1, 20)};
    default:
      break;
  }
  exchange::SpecialOrder special;
  const exchange::Command plain = DrawCommand();
  const auto* const order = std::get_if<exchange::NewOrder>(&plain);
  if (order == nullptr) return plain;
  special.order = *order;
  switch (random_.Below(8)) {
    case 0:
      special.order.type = OrderType::kStop;
      special.order.price = 0;
      special.terms.stop_price = random_.Between(95, 105);
      break;
    case 1:
      special.order.type = OrderType::kStopLimit;
      special.terms.stop_price = random_.Between(95, 105);
      break;
    case 2:
      special.order.type = OrderType::kTrailingStop;
      special.order.price = 0;
      special.terms.trail = random_.Between(1, 5);
      break;
    case 3:
      special.terms.display = random_.Between(1, special.order.quantity);
      break;
    case 4:
      special.order.time_in_force = TimeInForce::kDay;
      break;
    case 5:
      special.terms.all_or_none = true;
      break;
    case 6:
      special.order.type = OrderType::kMarket;
      special.order.price = 0;
      special.order.time_in_force = TimeInForce::kImmediateOrCancel;
      break;
    default:
      // By a clock like those of the nodes: it runs out soon, or has.
      special.order.time_in_force = TimeInForce::kGoodTillTime;
      special.terms.expires =
          NodeClock(0, 0, 0).Wall(context_.queue.now()) + random_.Between(-1, 20) * kSecond;
      break;
  }
  return special;
}

exchange::Command Client::DrawCommand() {
  const exchange::SymbolId symbol(
      1 + static_cast<uint32_t>(random_.Below(static_cast<uint64_t>(context_.scenario.symbols))));
  const uint64_t choice = random_.Below(10);
  if (choice < 2 && !recent_orders_.empty()) {
    return exchange::CancelOrder{symbol, random_.Pick(recent_orders_)};
  }
  if (choice < 3 && !recent_orders_.empty()) {
    return exchange::ReduceOrder{symbol, random_.Pick(recent_orders_), random_.Between(1, 10)};
  }
  exchange::NewOrder order;
  order.symbol = symbol;
  // Now and then one that may be open already, which is to be refused.
  order.client_order_id = exchange::ClientOrderId(next_order_);
  if (!random_.OneIn(20)) ++next_order_;
  order.side = random_.OneIn(2) ? exchange::Side::kBuy : exchange::Side::kSell;
  if (random_.OneIn(5)) order.time_in_force = exchange::TimeInForce::kImmediateOrCancel;
  order.price = random_.Between(95, 105);
  order.quantity = random_.Between(1, 20);
  recent_orders_.push_back(order.client_order_id);
  if (recent_orders_.size() > kRecentOrders) recent_orders_.pop_front();
  return order;
}

std::string Client::Encode(const Operation& operation) const {
  // Clients' accounts differ, so that their orders do.
  const exchange::AccountId account(static_cast<uint64_t>(number_) + 1);
  if (operation.kind == Operation::Kind::kOpen) {
    return exchange::EncodeGroup(exchange::OpenSession{account});
  }
  if (operation.kind == Operation::Kind::kClose) {
    return exchange::EncodeGroup(exchange::CloseSession{session_});
  }
  return exchange::EncodeGroup(exchange::SessionCommands{session_, operation.first_sequence,
                                                         acknowledged_, operation.commands});
}

void Client::Try(uint64_t id, int node) {
  Operation* const operation = Find(id);
  if (operation == nullptr) return;
  if (++operation->tries > 1) context_.fired.Add(Fault::kClientRetry);
  Send(*operation, node);
  if (random_.Chance(context_.scenario.ppm(Fault::kClientDuplicate))) {
    context_.fired.Add(Fault::kClientDuplicate);
    Send(*operation, AnyNode());
  }
  if (random_.Chance(context_.scenario.ppm(Fault::kClientDisconnect))) {
    context_.fired.Add(Fault::kClientDisconnect);
    Send(*operation, AnyNode());  // the first answer is not waited for
  }
  // What is not answered in time is repeated, elsewhere perhaps.
  const SimTime patience = 2 * context_.scenario.election_timeout_max.count();
  context_.queue.After(patience, [this, id, tries = operation->tries] {
    Operation* const waiting = Find(id);
    if (waiting == nullptr || waiting->tries != tries) return;
    leader_ = AnyNode();
    Try(id, leader_);
  });
}

void Client::Reconnect(int node) {
  leader_ = node;
  std::vector<uint64_t> waiting;
  for (const Operation& operation : operations_) {
    if (!operation.answered) waiting.push_back(operation.id);
  }
  for (const uint64_t id : waiting) {
    context_.fired.Add(Fault::kClientDisconnect);
    Try(id, node);
  }
  AskIfFree();
}

void Client::Peek(int node) {
  Operation operation;
  operation.kind = Operation::Kind::kRead;
  operation.after = checks_.heard();
  network_.Read(node, shard_, false, [this, operation](const Reply& reply) {
    const bool served = reply.connected && reply.refusal == RefusalCode::kNone;
    if (served && reply.trusted) OnRead(operation, reply);
  });
}

void Client::Send(const Operation& operation, int node) {
  const uint64_t id = operation.id;
  const auto callback = [this, id](const Reply& reply) { OnReply(id, reply); };
  if (operation.kind == Operation::Kind::kRead || operation.kind == Operation::Kind::kStaleRead) {
    network_.Read(node, shard_, operation.kind == Operation::Kind::kStaleRead, callback);
  } else {
    network_.Submit(node, shard_, Encode(operation), callback);
  }
}

void Client::RetryLater(uint64_t id, SimTime delay) {
  Operation* const operation = Find(id);
  delay <<= std::min<uint64_t>(operation->tries, kMostDoublings);
  context_.queue.After(random_.Between(delay, 2 * delay), [this, id, tries = operation->tries] {
    Operation* const waiting = Find(id);
    if (waiting != nullptr && waiting->tries == tries) Try(id, leader_);
  });
}

void Client::OnReply(uint64_t id, const Reply& reply) {
  Operation* const operation = Find(id);
  if (operation == nullptr) return;  // answered before
  if (!reply.connected || reply.refusal != RefusalCode::kNone) return OnRefused(id, reply);
  if (operation->kind == Operation::Kind::kRead || operation->kind == Operation::Kind::kStaleRead) {
    if (reply.trusted) OnRead(*operation, reply);
    operation->answered = true;
    return Settle();
  }
  OnGroup(operation, reply);
}

void Client::OnRefused(uint64_t id, const Reply& reply) {
  leader_ = reply.leader != 0 ? reply.leader : AnyNode();
  RetryLater(id, kRetryDelay);
}

void Client::OnRead(const Operation& operation, const Reply& reply) {
  const bool stale_ok = operation.kind == Operation::Kind::kStaleRead;
  if (!stale_ok && reply.index.value() < operation.after.index) {
    Fail(absl::StrCat("a read saw the state of entry ", reply.index.value(), " after entry ",
                      operation.after.index, " had been answered"));
  }
  if (reply.index == consensus::Index()) return;
  if (reply.last_sequence != checks_.LastSequence(reply.index)) {
    Fail(absl::StrCat("a read saw another state than that of entry ", reply.index.value()));
  }
  if (!stale_ok) {
    checks_.Heard({reply.index.value(), std::numeric_limits<uint32_t>::max()});
  }
}

void Client::OnGroup(Operation* operation, const Reply& reply) {
  if (!reply.trusted) return RetryLater(operation->id, kRetryDelay);
  const SessionStatus status = reply.group.status;
  switch (operation->kind) {
    case Operation::Kind::kOpen:
      session_ = reply.group.session;
      next_sequence_ = 1;
      acknowledged_ = 0;
      if (reply.index.value() <= operation->after.index)
        Fail("a session opened before it was asked for");
      operation->answered = true;
      return Settle();
    case Operation::Kind::kClose:
      // A repeat finds it closed.
      if (status != SessionStatus::kOk && status != SessionStatus::kUnknown) {
        Fail("a session could not be closed");
      }
      session_ = exchange::SessionId();
      operation->answered = true;
      return Settle();
    default:
      break;
  }
  if (status == SessionStatus::kOk) return OnCommands(operation, reply);
  // The ones before may have come later. That a gap is one indeed, the model checks.
  if (status == SessionStatus::kGap) return RetryLater(operation->id, kRetryDelay);
  Fail(absl::StrCat("commands from ", operation->first_sequence, " of session ", session_.value(),
                    " were refused with status ", static_cast<int>(status)));
}

void Client::OnCommands(Operation* operation, const Reply& reply) {
  if (reply.commands.size() != operation->commands.size()) return Fail("answers are missing");
  for (const auto& [sequence, hash] : reply.commands) {
    const ShardChecks::Command* const command = checks_.Find(session_, sequence);
    if (command == nullptr) {
      return Fail(absl::StrCat("command ", sequence, " was answered and is not committed"));
    }
    if (command->hash != hash) {
      return Fail(absl::StrCat("command ", sequence, " had another result than was answered"));
    }
    if (command->position <= operation->after) {
      return Fail(absl::StrCat("command ", sequence, " took effect before it was asked for"));
    }
    checks_.Heard(command->position);
  }
  operation->answered = true;
  Settle();
}

void Client::Settle() {
  while (!operations_.empty() && operations_.front().answered) {
    const Operation& front = operations_.front();
    if (front.kind == Operation::Kind::kCommands) {
      acknowledged_ = front.first_sequence + front.commands.size() - 1;
    }
    ++completed_;
    completed_asked_at_ = std::max(completed_asked_at_, front.asked_at);
    operations_.pop_front();
  }
}

std::string Client::Describe() const {
  if (operations_.empty()) return "";
  const Operation& operation = operations_.front();
  constexpr const char* kKinds[] = {"a session", "the end of a session", "commands", "a read",
                                    "a stale read"};
  return absl::StrCat("shard ", shard_.value(), " client ", number_, " waits for ",
                      kKinds[static_cast<size_t>(operation.kind)], " after ", operation.tries,
                      " tries since ", operation.asked_at / kMillisecond, " ms");
}

Client::Operation* Client::Find(uint64_t id) {
  for (Operation& operation : operations_) {
    if (operation.id == id && !operation.answered) return &operation;
  }
  return nullptr;
}

}  // namespace quorumbook::sim
