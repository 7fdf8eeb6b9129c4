// The phases of a symbol, and the uncrossing at the end of an auction.
#include <algorithm>

#include "common/check.h"
#include "exchange/auction.h"
#include "exchange/market.h"

namespace quorumbook::exchange {
namespace {

bool IsAuction(Phase phase) {
  return phase == Phase::kOpeningAuction || phase == Phase::kClosingAuction;
}

}  // namespace

void Market::Execute(const CommandContext& context, const SetPhase& command) {
  Begin(context, CommandKind::kSetPhase);
  Symbol* const symbol = symbols_.Find(command.symbol);
  Reason reason = Reason::kNone;
  if (symbol == nullptr) {
    reason = Reason::kUnknownSymbol;
  } else if (symbol->info.delisted) {
    reason = Reason::kSymbolDelisted;
  } else if (symbol->info.busy) {
    reason = Reason::kSymbolBusy;
  } else if (command.reference_price < 0 || command.reference_price > kMaxPrice) {
    reason = Reason::kInvalidPrice;
  } else if (symbol->info.phase == command.phase) {
    reason = Reason::kPhaseUnchanged;
  }
  if (reason != Reason::kNone) return Reject(reason, command.symbol);
  SymbolInfo& info = symbol->info;
  const Phase before = info.phase;
  info.phase = command.phase;
  if (command.reference_price != 0) info.reference_price = command.reference_price;
  Event& event = Emit(EventType::kPhaseChanged);
  event.symbol = command.symbol;
  event.price = info.reference_price;
  event.quantity = static_cast<Quantity>(command.phase);
  const bool opens = command.phase == Phase::kContinuous;
  const bool closes = command.phase == Phase::kClosed;
  if (!opens && !closes) return symbol->Refresh();

  // A book that trades must not be crossed; an auction that ends in the close trades as well.
  Job job{.kind = JobKind::kSettlePhase,
          .command = CommandKind::kSetPhase,
          .reason = Reason::kUnfilledRemainder,
          .symbol = command.symbol,
          .keeps_reference = closes && command.reference_price != 0,
          .uncrosses = opens || IsAuction(before)};
  if (job.uncrosses) FindPrice(*symbol, &job);
  info.busy = true;
  symbol->Refresh();
  Start(job);
}

bool Market::StepSettlePhase(Job* job) {
  Symbol& symbol = *symbols_.Find(job->symbol);
  if (job->uncrosses) {
    if (!Uncross(symbol, job)) return false;
    job->uncrosses = false;
  }
  while (!symbol.auction_orders.empty()) {
    if (Exhausted()) return false;
    CancelOpen(symbol.auction_orders.begin()->second, job->reason);
  }
  const bool closed = symbol.info.phase == Phase::kClosed;
  while (closed && !symbol.day_orders.empty()) {
    if (Exhausted()) return false;
    CancelOpen(symbol.day_orders.begin()->second, Reason::kDayOver);
  }
  if (closed && !job->keeps_reference && symbol.stats.last != 0) {
    symbol.info.reference_price = symbol.stats.last;
  }
  symbol.info.busy = false;
  symbol.Refresh();
  if (!symbol.parked.empty()) Wake(&symbol);
  return true;
}

void Market::FindPrice(const Symbol& symbol, Job* job) {
  const AuctionInfo auction =
      *FindAuctionPrice(symbol.bids(), symbol.asks(), symbol.info.reference_price, kMaxOpenOrders);
  job->price = auction.price;
  job->left = auction.volume;
  job->traded = 0;
}

// Orders that were cancelled between two steps may leave a book that does not trade at the price
// any more, but crosses at another.
bool Market::Uncross(Symbol& symbol, Job* job) {
  for (;;) {
    if (!TradeAtOnePrice(symbol, job)) return false;
    Event& event = Emit(EventType::kUncrossed);
    event.symbol = job->symbol;
    event.price = job->price;
    event.quantity = job->traded;
    if (job->traded > 0) {
      if (!job->keeps_reference) symbol.info.reference_price = job->price;
      OnTrades(symbol, job->price, job->price);
    }
    FindPrice(symbol, job);
    if (job->left == 0) return true;
  }
}

// Both sides rest, so both are makers: prices and times decide as ever, at the one price.
bool Market::TradeAtOnePrice(Symbol& symbol, Job* job) {
  while (job->left > 0) {
    // Orders may have been cancelled since the price was found.
    const bool crosses = symbol.bids().best_key() <= symbol.bids().KeyOf(job->price) &&
                         symbol.asks().best_key() <= symbol.asks().KeyOf(job->price);
    if (!crosses) break;
    if (Exhausted()) return false;
    const OrderHandle buyer = symbol.bids().best().first;
    const OrderHandle seller = symbol.asks().best().first;
    const Order& bid = memory_.orders[buyer];
    const Order& ask = memory_.orders[seller];
    const Quantity quantity = std::min({job->left, ShownOf(bid, buyer), ShownOf(ask, seller)});
    Fees fees;
    if (symbol.funded()) {
      const uint32_t fee_bp = symbol.info.rules.maker_fee_bp;
      fees = SettleTrade(symbol, buyer, seller,
                         {.price = job->price,
                          .quantity = quantity,
                          .buyer_fee_bp = fee_bp,
                          .seller_fee_bp = fee_bp});
    }
    FillResting(symbol, buyer, quantity);
    FillResting(symbol, seller, quantity);
    Event& event = EmitTrade(symbol, bid, ask, job->price, quantity);
    event.fee = fees.buyer;
    event.maker_fee = fees.seller;
    AfterFill(symbol, buyer);
    AfterFill(symbol, seller);
    job->left -= quantity;
    job->traded += quantity;
  }
  return true;
}

}  // namespace quorumbook::exchange
