// Commands of the public protocol, to the exchange's own.
#include "server/order_codec.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <variant>

namespace quorumbook::server {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using ::testing::HasSubstr;

NameDirectory& Names() {
  static auto& names = *[] {
    auto* directory = new NameDirectory;
    directory->symbols.Add("AMZN", exchange::SymbolId(5));
    directory->symbols.Add("MSFT", exchange::SymbolId(6));
    directory->assets.Add("USD", exchange::AssetId(7));
    directory->assets.Add("BTC", exchange::AssetId(8));
    return directory;
  }();
  return names;
}

absl::StatusOr<exchange::Command> Translate(const v1::Command& command) {
  v1::CommandBatch batch;
  batch.set_session(1);
  batch.set_first_sequence(1);
  *batch.add_commands() = command;
  absl::StatusOr<exchange::SessionCommands> commands = FromProto(batch, Names());
  if (!commands.ok()) return commands.status();
  return commands->commands[0];
}

template <typename Kind>
Kind TranslateTo(const v1::Command& command) {
  const absl::StatusOr<exchange::Command> translated = Translate(command);
  EXPECT_TRUE(translated.ok()) << translated.status();
  EXPECT_TRUE(std::holds_alternative<Kind>(*translated)) << translated->index();
  return std::get<Kind>(*translated);
}

v1::NewOrder* PlainOrder(v1::Command* command) {
  v1::NewOrder* order = command->mutable_new_order();
  order->set_symbol("AMZN");
  order->set_client_order_id(11);
  order->set_side(v1::SELL);
  order->set_type(v1::LIMIT);
  order->set_time_in_force(v1::FILL_OR_KILL);
  order->set_price(22395);
  order->set_quantity(100);
  return order;
}

TEST(OrderCodec, KeepsTheNumbersOfABatch) {
  v1::CommandBatch batch;
  batch.set_session(7);
  batch.set_first_sequence(3);
  batch.set_acknowledged(2);
  PlainOrder(batch.add_commands());
  const auto commands = FromProto(batch, Names());
  ASSERT_TRUE(commands.ok()) << commands.status();
  EXPECT_EQ(commands->session, exchange::SessionId(7));
  EXPECT_EQ(commands->first_sequence, 3u);
  EXPECT_EQ(commands->acknowledged, 2u);
}

TEST(OrderCodec, AnOrderWithoutTermsIsTheShortCommand) {
  v1::Command command;
  v1::NewOrder* order = PlainOrder(&command);
  order->set_self_trade_prevention(v1::CANCEL_BOTH);
  order->set_post_only(true);
  const exchange::NewOrder expected{exchange::SymbolId(5),
                                    exchange::ClientOrderId(11),
                                    exchange::Side::kSell,
                                    exchange::OrderType::kLimit,
                                    exchange::TimeInForce::kFillOrKill,
                                    22395,
                                    100,
                                    exchange::SelfTrade::kCancelBoth,
                                    true};
  EXPECT_EQ(TranslateTo<exchange::NewOrder>(command), expected);
}

TEST(OrderCodec, EveryTermOfAnOrder) {
  v1::Command command;
  v1::NewOrder* order = PlainOrder(&command);
  order->set_type(v1::STOP_LIMIT);
  order->set_time_in_force(v1::GOOD_TILL_DATE);
  order->set_stop_price(1);
  order->set_trail(2);
  order->set_display_quantity(3);
  order->set_minimum_quantity(4);
  order->set_protection(5);
  order->set_expires_ns(6);
  order->set_all_or_none(true);
  const auto special = TranslateTo<exchange::SpecialOrder>(command);
  EXPECT_EQ(special.order.type, exchange::OrderType::kStopLimit);
  EXPECT_EQ(special.order.time_in_force, exchange::TimeInForce::kGoodTillTime);
  EXPECT_EQ(special.order.price, 22395);
  EXPECT_EQ(special.terms, (exchange::OrderTerms{1, 2, 3, 4, 5, 6, true}));
}

TEST(OrderCodec, ChangesOfOrders) {
  const exchange::SymbolId amzn(5);
  v1::Command command;
  command.mutable_cancel_order()->set_symbol("AMZN");
  command.mutable_cancel_order()->set_client_order_id(12);
  EXPECT_EQ(TranslateTo<exchange::CancelOrder>(command),
            (exchange::CancelOrder{amzn, exchange::ClientOrderId(12)}));
  command.mutable_reduce_order()->set_symbol("AMZN");
  command.mutable_reduce_order()->set_client_order_id(13);
  command.mutable_reduce_order()->set_quantity(4);
  EXPECT_EQ(TranslateTo<exchange::ReduceOrder>(command),
            (exchange::ReduceOrder{amzn, exchange::ClientOrderId(13), 4}));
  command.mutable_replace_order()->set_symbol("AMZN");
  command.mutable_replace_order()->set_client_order_id(14);
  command.mutable_replace_order()->set_price(8);
  command.mutable_replace_order()->set_quantity(9);
  EXPECT_EQ(TranslateTo<exchange::ReplaceOrder>(command),
            (exchange::ReplaceOrder{amzn, exchange::ClientOrderId(14), 8, 9}));
  command.mutable_mass_cancel()->set_account(3);
  command.mutable_mass_cancel()->set_symbol("AMZN");
  command.mutable_mass_cancel()->set_side(v1::SELL);
  EXPECT_EQ(TranslateTo<exchange::MassCancel>(command),
            (exchange::MassCancel{exchange::AccountId(3), amzn, exchange::Side::kSell}));
}

TEST(OrderCodec, SymbolsAndTheirGovernment) {
  v1::Command command;
  v1::AddSymbol* add = command.mutable_add_symbol();
  add->set_name("NEW");
  add->mutable_tick_size()->set_mantissa(1);
  add->mutable_tick_size()->set_exponent(-2);
  add->mutable_lot_size()->set_mantissa(10);
  add->mutable_lot_size()->set_exponent(3);
  add->set_base("BTC");
  add->set_quote("USD");
  add->mutable_rules()->set_min_quantity(1);
  add->mutable_rules()->set_max_quantity(2);
  add->mutable_rules()->set_static_band_bp(3);
  add->mutable_rules()->set_dynamic_band_bp(4);
  add->mutable_rules()->set_protection(5);
  add->mutable_rules()->set_maker_fee_bp(6);
  add->mutable_rules()->set_taker_fee_bp(7);
  const exchange::SymbolRules rules{1, 2, 3, 4, 5, 6, 7};
  exchange::AddSymbol expected{"NEW",
                               {1, -2},
                               {10, 3},
                               exchange::AssetId(8),
                               exchange::AssetId(7),
                               rules,
                               exchange::Phase::kContinuous};
  EXPECT_EQ(TranslateTo<exchange::AddSymbol>(command), expected);
  add->set_phase(v1::PRE_OPEN);
  expected.phase = exchange::Phase::kPreOpen;
  EXPECT_EQ(TranslateTo<exchange::AddSymbol>(command), expected);

  const v1::SymbolRules rules_message = add->rules();
  command.mutable_set_symbol_rules()->set_symbol("AMZN");
  *command.mutable_set_symbol_rules()->mutable_rules() = rules_message;
  EXPECT_EQ(TranslateTo<exchange::SetSymbolRules>(command),
            (exchange::SetSymbolRules{exchange::SymbolId(5), rules}));
  command.mutable_set_phase()->set_symbol("AMZN");
  command.mutable_set_phase()->set_phase(v1::CLOSING_AUCTION);
  command.mutable_set_phase()->set_reference_price(9);
  EXPECT_EQ(TranslateTo<exchange::SetPhase>(command),
            (exchange::SetPhase{exchange::SymbolId(5), exchange::Phase::kClosingAuction, 9}));
  command.mutable_delist_symbol()->set_symbol("AMZN");
  EXPECT_EQ(TranslateTo<exchange::DelistSymbol>(command),
            exchange::DelistSymbol{exchange::SymbolId(5)});
}

TEST(OrderCodec, AssetsAndAccounts) {
  v1::Command command;
  command.mutable_add_asset()->set_name("EUR");
  command.mutable_add_asset()->set_exponent(-2);
  EXPECT_EQ(TranslateTo<exchange::AddAsset>(command), (exchange::AddAsset{"EUR", -2}));
  command.mutable_deposit()->set_account(3);
  command.mutable_deposit()->set_asset("USD");
  command.mutable_deposit()->set_amount(4);
  EXPECT_EQ(TranslateTo<exchange::Deposit>(command),
            (exchange::Deposit{exchange::AccountId(3), exchange::AssetId(7), 4}));
  command.mutable_withdraw()->set_account(3);
  command.mutable_withdraw()->set_asset("BTC");
  command.mutable_withdraw()->set_amount(5);
  EXPECT_EQ(TranslateTo<exchange::Withdraw>(command),
            (exchange::Withdraw{exchange::AccountId(3), exchange::AssetId(8), 5}));
  command.mutable_set_account_limits()->set_account(3);
  command.mutable_set_account_limits()->mutable_limits()->set_max_order_quantity(6);
  command.mutable_set_account_limits()->mutable_limits()->set_max_notional(7);
  command.mutable_set_account_limits()->mutable_limits()->set_max_open_orders(8);
  EXPECT_EQ(TranslateTo<exchange::SetAccountLimits>(command),
            (exchange::SetAccountLimits{exchange::AccountId(3), {6, 7, 8}}));
  command.mutable_set_position_limit()->set_account(3);
  command.mutable_set_position_limit()->set_asset("USD");
  command.mutable_set_position_limit()->set_limit(9);
  EXPECT_EQ(TranslateTo<exchange::SetPositionLimit>(command),
            (exchange::SetPositionLimit{exchange::AccountId(3), exchange::AssetId(7), 9}));
  command.mutable_set_kill_switch()->set_account(3);
  command.mutable_set_kill_switch()->set_engaged(true);
  EXPECT_EQ(TranslateTo<exchange::SetKillSwitch>(command),
            (exchange::SetKillSwitch{exchange::AccountId(3), true}));
}

// Whatever is added to the protocol must be heard: of every kind of command every field, set to
// another value than before, must change what the exchange is told.

// A value of the field that is valid, not its default, and not `other`'s.
void SetField(Message* message, const FieldDescriptor* field, bool other) {
  const auto* reflection = message->GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection->SetUInt64(message, field, other ? 3 : 2);
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection->SetInt64(message, field, other ? 3 : 2);
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection->SetUInt32(message, field, other ? 3 : 2);
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection->SetInt32(message, field, other ? 3 : 2);
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->SetBool(message, field, !other);
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection->SetEnumValue(message, field, other ? 2 : 1);
    case FieldDescriptor::CPPTYPE_STRING: {
      const bool asset =
          field->name() == "asset" || field->name() == "base" || field->name() == "quote";
      const char* symbol = other ? "MSFT" : "AMZN";
      return reflection->SetString(message, field, asset ? (other ? "BTC" : "USD") : symbol);
    }
    default:
      FAIL() << field->full_name() << " is of a type that this test does not know";
  }
}

void FillAll(Message* message) {
  const auto* descriptor = message->GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor* field = descriptor->field(i);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      FillAll(message->GetReflection()->MutableMessage(message, field));
    } else {
      SetField(message, field, false);
    }
  }
}

// Calls `check` with each leaf changed in turn.
void ForEachLeaf(Message* message, const std::function<void(const std::string&)>& check) {
  const auto* descriptor = message->GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor* field = descriptor->field(i);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      ForEachLeaf(message->GetReflection()->MutableMessage(message, field), check);
      continue;
    }
    SetField(message, field, true);
    check(std::string(field->full_name()));
    SetField(message, field, false);
  }
}

TEST(OrderCodec, NoFieldOfAnyCommandIsLeftOut) {
  const auto* kinds = v1::Command::descriptor()->oneof_decl(0);
  int leaves = 0;
  for (int i = 0; i < kinds->field_count(); ++i) {
    v1::Command command;
    Message* kind = command.GetReflection()->MutableMessage(&command, kinds->field(i));
    FillAll(kind);
    const absl::StatusOr<exchange::Command> before = Translate(command);
    ASSERT_TRUE(before.ok()) << kinds->field(i)->name() << ": " << before.status();
    ForEachLeaf(kind, [&](const std::string& field) {
      ++leaves;
      const absl::StatusOr<exchange::Command> after = Translate(command);
      ASSERT_TRUE(after.ok()) << field << ": " << after.status();
      EXPECT_NE(*after, *before) << field << " makes no difference";
    });
  }
  EXPECT_GT(leaves, 50);
}

TEST(OrderCodec, WhatIsNotThereIsLeftToTheExchangeAndNeverMeansAll) {
  v1::Command command;
  PlainOrder(&command)->set_symbol("NOPE");
  const exchange::SymbolId nobody = TranslateTo<exchange::NewOrder>(command).symbol;
  EXPECT_NE(nobody, exchange::SymbolId(5));
  command.mutable_mass_cancel()->set_symbol("NOPE");
  EXPECT_EQ(TranslateTo<exchange::MassCancel>(command).symbol, nobody);
  EXPECT_NE(nobody, exchange::SymbolId()) << "would cancel in all symbols";
  command.mutable_mass_cancel()->set_symbol("");
  EXPECT_EQ(TranslateTo<exchange::MassCancel>(command).symbol, exchange::SymbolId());
  command.mutable_add_symbol()->set_base("NOPE");
  const auto symbol = TranslateTo<exchange::AddSymbol>(command);
  EXPECT_NE(symbol.base, exchange::AssetId()) << "would be a symbol without assets";
  EXPECT_EQ(symbol.quote, exchange::AssetId());
}

TEST(OrderCodec, NamesTheMalformedCommandAndField) {
  const auto expect = [](const std::function<void(v1::Command*)>& spoil, const std::string& said) {
    v1::CommandBatch batch;
    PlainOrder(batch.add_commands());
    v1::Command* command = batch.add_commands();
    PlainOrder(command);
    spoil(command);
    const absl::Status status = FromProto(batch, Names()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("commands[1]: " + said));
  };
  expect([](auto* c) { c->Clear(); }, "holds no command");
  expect([](auto* c) { c->mutable_new_order()->set_side(v1::SIDE_UNSPECIFIED); }, "side");
  expect([](auto* c) { c->mutable_new_order()->set_type(static_cast<v1::OrderType>(6)); }, "type");
  expect([](auto* c) { c->mutable_new_order()->set_type(v1::ORDER_TYPE_UNSPECIFIED); }, "type");
  expect(
      [](auto* c) { c->mutable_new_order()->set_time_in_force(static_cast<v1::TimeInForce>(6)); },
      "time_in_force");
  expect(
      [](auto* c) {
        c->mutable_new_order()->set_self_trade_prevention(static_cast<v1::SelfTradePrevention>(5));
      },
      "self_trade_prevention");
  expect([](auto* c) { c->mutable_mass_cancel()->set_side(static_cast<v1::Side>(3)); }, "side");
  expect([](auto* c) { c->mutable_set_phase()->set_phase(v1::PHASE_UNSPECIFIED); }, "phase");
  expect([](auto* c) { c->mutable_set_phase()->set_phase(static_cast<v1::Phase>(7)); }, "phase");
  expect([](auto* c) { c->mutable_add_symbol()->set_phase(static_cast<v1::Phase>(7)); }, "phase");
  expect([](auto* c) { c->mutable_add_symbol()->set_name("SEVENTEEN-LETTERS"); },
         "name is longer than 16 bytes");
  expect([](auto* c) { c->mutable_add_symbol()->mutable_tick_size()->set_exponent(200); },
         "the exponent");
  expect([](auto* c) { c->mutable_add_symbol()->mutable_lot_size()->set_exponent(-200); },
         "the exponent");
  expect([](auto* c) { c->mutable_add_asset()->set_name("SEVENTEEN-LETTERS"); },
         "name is longer than 16 bytes");
  expect([](auto* c) { c->mutable_add_asset()->set_exponent(-129); }, "exponent");
  EXPECT_THAT(std::string(FromProto(v1::CommandBatch(), Names()).status().message()),
              HasSubstr("no commands"));
}

}  // namespace
}  // namespace quorumbook::server
