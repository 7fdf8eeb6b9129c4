#include <absl/strings/str_cat.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/bytes.h"
#include "common/digest.h"
#include "exchange/conservation.h"
#include "exchange/market_restorer.h"
#include "exchange/snapshot.h"

namespace quorumbook::exchange {

bool MarketRestorer::ReadFlag(bool* flag) {
  const auto byte = in_.Get<uint8_t>();
  *flag = byte != 0;
  return byte <= 1;
}

bool MarketRestorer::ReadMarket() {
  market_.counters_.last_sequence = in_.Get<uint64_t>();
  market_.counters_.last_order_id = in_.Get<uint64_t>();
  market_.counters_.event_hash = in_.Get<uint64_t>();
  const MarketCounters& counters = market_.counters_;
  if (counters.last_sequence > max_count_ || counters.last_order_id > max_count_) return false;
  if (!ReadAssets() || !ReadAccounts()) return false;
  const auto count = in_.Get<uint32_t>();
  if (count > kMaxSymbols) return false;
  for (uint32_t i = 0; i < count; ++i) {
    if (!ReadSymbol()) return false;
  }
  return LinkAccounts() && ReadJobs() && ReadAwake() && in_.ok();
}

bool MarketRestorer::ReadAssets() {
  AssetTable& assets = market_.accounts_.assets();
  const auto count = in_.Get<uint32_t>();
  if (count > kMaxAssets) return false;
  for (uint32_t i = 0; i < count; ++i) {
    AddAsset asset;
    asset.name = in_.GetSized();
    asset.exponent = in_.Get<int8_t>();
    if (!in_.ok() || CheckAsset(asset) != Reason::kNone) return false;
    if (assets.Find(asset.name) != nullptr) return false;
    AssetInfo& added = assets.Add(asset);
    added.deposited = in_.Get<Amount>();
    added.fees = in_.Get<Amount>();
    if (added.deposited < 0 || added.deposited > kMaxAmount) return false;
  }
  return in_.ok();
}

bool MarketRestorer::ReadAccounts() {
  const auto count = in_.Get<uint32_t>();
  if (count > kMaxAccounts) return false;
  for (uint32_t i = 0; i < count; ++i) {
    if (!ReadAccount()) return false;
  }
  return in_.ok();
}

bool MarketRestorer::ReadAccount() {
  const AccountId id(in_.Get<uint64_t>());
  if (id == AccountId() || market_.accounts_.Find(id) != nullptr) return false;
  Account& account = *market_.accounts_.FindOrAdd(id);
  account.limits.max_order_quantity = in_.Get<Quantity>();
  account.limits.max_notional = in_.Get<Amount>();
  account.limits.max_open_orders = in_.Get<uint64_t>();
  if (account.limits.max_order_quantity < 0 || account.limits.max_notional < 0) return false;
  bool blocked = false;
  if (!ReadFlag(&blocked)) return false;
  market_.accounts_.SetBlocked(&account, blocked);
  const auto count = in_.Get<uint32_t>();
  for (uint32_t i = 0; in_.ok() && i < count; ++i) {
    const AssetId asset(in_.Get<uint32_t>());
    const bool sorted = account.balances.empty() || account.balances.back().asset < asset;
    if (!sorted || market_.accounts_.assets().Find(asset) == nullptr) return false;
    Balance& balance = account.FindOrAdd(asset);
    balance.free = in_.Get<Amount>();
    balance.position_limit = in_.Get<Amount>();
    if (balance.free < 0 || balance.free > kMaxAmount || balance.position_limit < 0) return false;
  }
  return in_.ok();
}

bool MarketRestorer::LinkAccounts() {
  std::ranges::sort(open_);
  OrderId last;
  for (const auto& [id, handle] : open_) {
    if (std::exchange(last, id) == id) return false;  // two orders can not have it
    market_.account_orders_.Add(handle);
    const Order& order = market_.memory_.orders[handle];
    if ((order.flags & kFundedFlag) == 0) continue;
    const Symbol& symbol = *market_.symbols_.Find(order.symbol);
    // In 128 bits, so that a wrong snapshot is found and not added up.
    const Uint128 goods =
        static_cast<Uint128>(order.leaves()) * static_cast<Uint128>(symbol.scale.base);
    const Uint128 money = static_cast<Uint128>(order.leaves()) *
                          static_cast<Uint128>(symbol.scale.quote) *
                          static_cast<Uint128>(order.price);
    const bool buys = order.side == Side::kBuy;
    Account& account = market_.accounts_.OwnerOf(handle);
    Balance* const base = account.Find(symbol.info.base);
    Balance* const paid = buys ? account.Find(symbol.info.quote) : base;
    const Uint128 held = buys ? money : goods;
    if (base == nullptr || paid == nullptr || goods > kMaxAmount) return false;
    if (held > static_cast<Uint128>(kMaxAmount - paid->held)) return false;
    paid->held += static_cast<Amount>(held);
    if (buys) base->incoming += goods;
    ++account.open_orders;
  }
  return CheckConservation(market_).ok();
}

bool MarketRestorer::ReadJobs() {
  const auto count = in_.Get<uint32_t>();
  for (uint32_t i = 0; i < count; ++i) {
    if (!in_.ok() || !ReadJob()) return false;
  }
  // A symbol is busy with one job, and has one while it is busy.
  std::vector<SymbolId> working;
  for (const Job& job : market_.jobs_) {
    if (job.kind != JobKind::kCancelAccount) working.push_back(job.symbol);
  }
  std::ranges::sort(working);
  if (std::ranges::adjacent_find(working) != working.end()) return false;
  for (const auto& symbol : market_.symbols_) {
    const bool has_job = std::ranges::binary_search(working, symbol->info.id);
    if (symbol->info.busy != has_job) return false;
  }
  return in_.ok();
}

bool MarketRestorer::ReadJob() {
  Job job;
  job.kind = in_.Get<JobKind>();
  job.command = in_.Get<CommandKind>();
  job.reason = in_.Get<Reason>();
  job.side = in_.Get<Side>();
  job.symbol = SymbolId(in_.Get<uint32_t>());
  job.account = AccountId(in_.Get<uint64_t>());
  job.up_to = OrderId(in_.Get<uint64_t>());
  job.from = SymbolId(in_.Get<uint32_t>());
  if (!ReadFlag(&job.keeps_reference) || !ReadFlag(&job.uncrosses)) return false;
  job.price = in_.Get<Price>();
  job.left = in_.Get<Quantity>();
  job.traded = in_.Get<Quantity>();
  const bool of_account = job.kind == JobKind::kCancelAccount;
  const bool of_symbol = job.kind == JobKind::kCancelSymbol || job.kind == JobKind::kSettlePhase;
  const bool settles = job.kind == JobKind::kSettlePhase;
  const bool no_auction = job.price == 0 && job.left == 0 && job.traded == 0 && !job.uncrosses;
  constexpr Quantity kMost = Quantity{1} << 62;
  const bool auction = settles && job.price >= 0 && job.price <= kMaxPrice && job.left >= 0 &&
                       job.traded >= 0 && job.traded < kMost && job.left < kMost - job.traded &&
                       (job.price > 0 || (job.left == 0 && job.traded == 0));
  const bool valid = (of_account || of_symbol) && job.command <= kLastCommandKind &&
                     Cancels(job.reason) && job.side <= Side::kSell && (no_auction || auction) &&
                     (settles || !job.keeps_reference) && (of_account || job.from == SymbolId()) &&
                     (!of_symbol || market_.symbols_.Find(job.symbol) != nullptr);
  market_.jobs_.push_back(job);
  return valid && in_.ok();
}

bool MarketRestorer::ReadAwake() {
  const auto count = in_.Get<uint32_t>();
  for (uint32_t i = 0; in_.ok() && i < count; ++i) {
    Symbol* const symbol = market_.symbols_.Find(SymbolId(in_.Get<uint32_t>()));
    if (symbol == nullptr || symbol->awake) return false;
    market_.Wake(symbol);
  }
  return in_.ok();
}

namespace {

// What is read of the state before bounds the numbers in it.
bool ReadSession(ByteReader* in, uint64_t max_count, ReplicatedState* state,
                 std::vector<Event>* scratch) {
  const SessionId id(in->Get<uint64_t>());
  const AccountId account(in->Get<uint64_t>());
  const auto cancel_on_disconnect = in->Get<uint8_t>();
  const OrderId last_order(in->Get<uint64_t>());
  const auto next_sequence = in->Get<uint64_t>();
  const auto results = in->Get<uint32_t>();
  if (!in->ok() || account == AccountId()) return false;
  if (next_sequence == 0 || next_sequence > max_count) return false;
  if (cancel_on_disconnect > 1 || (cancel_on_disconnect == 0 && last_order != OrderId())) {
    return false;
  }
  if (last_order.value() > state->market.counters().last_order_id) return false;
  if (results > kMaxSessionResults || results > next_sequence - 1) return false;
  Session* session = state->sessions.Restore(id, account, cancel_on_disconnect != 0, next_sequence);
  if (session == nullptr) return false;
  session->last_order = last_order;
  for (uint32_t i = 0; i < results; ++i) {
    const std::string_view events = in->GetSized();
    scratch->clear();
    if (events.empty() || !DecodeEvents(events, scratch)) return false;
    if (!state->sessions.RestoreResult(session, events)) return false;
  }
  return in->ok();
}

bool ReadSessions(ByteReader* in, uint64_t max_count, ReplicatedState* state) {
  state->sessions.set_last_id(in->Get<uint64_t>());
  const auto count = in->Get<uint32_t>();
  if (count > kMaxSessions || state->sessions.last_id() > max_count) return false;
  std::vector<Event> scratch;
  for (uint32_t i = 0; i < count; ++i) {
    if (!ReadSession(in, max_count, state, &scratch)) return false;
  }
  return in->ok();
}

}  // namespace

absl::Status ReadSnapshot(std::string_view bytes, uint64_t max_count, ReplicatedState* state) {
  ByteReader in(bytes);
  const auto magic = in.Get<uint32_t>();
  const auto checksum = in.Get<uint64_t>();
  if (!in.ok()) {
    return absl::DataLossError(
        absl::StrCat("snapshot of ", bytes.size(), " bytes: shorter than its header"));
  }
  if (magic != kSnapshotMagic) {
    return absl::FailedPreconditionError(
        absl::StrCat("snapshot: unknown format or version 0x", absl::Hex(magic),
                     ": start the version of the program that wrote it"));
  }
  if (checksum != Checksum64(bytes.substr(kSnapshotHeaderBytes))) {
    return absl::DataLossError("snapshot: wrong checksum");
  }
  state->time = in.Get<Time>();
  state->group_hash = in.Get<uint64_t>();
  MarketRestorer restorer(&in, max_count, &state->market);
  const char* part = nullptr;
  if (state->time < 0 || state->time > kMaxTime) {
    part = "time";
  } else if (!restorer.ReadMarket()) {
    part = "market";
  } else if (!restorer.ReadFinished()) {
    part = "finished orders";
  } else if (!ReadSessions(&in, max_count, state)) {
    part = "sessions";
  } else if (!in.AtEnd()) {
    part = "end";
  }
  if (part == nullptr) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "snapshot: malformed ", part, ", ", in.remaining(),
      " bytes before the end, though its checksum is right: it is not damaged, another version of "
      "the program wrote it, or a faulty one: start the version that wrote it"));
}

}  // namespace quorumbook::exchange
