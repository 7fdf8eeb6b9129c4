#include "client/replay/replay_command.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "client/qb/table.h"
#include "client/replay/replay_report.h"

namespace quorumbook::replay {

namespace {

struct Arguments {
  std::string format;
  std::string symbol;
  std::string file;
  std::string messages;
  std::string orderbook;
  std::string fills;
  std::string report;
  uint32_t in_flight = SessionOptions().max_in_flight;
};

// Everything that can be wrong before the first command is sent is found here.
struct Prepared {
  std::unique_ptr<Client> client;
  std::unique_ptr<CsvFlowReader> flow;       // either this
  std::unique_ptr<LobsterReader> recording;  // or this
  std::unique_ptr<FillLog> fills;            // null unless wanted
  std::ofstream report;                      // closed unless wanted
  std::unique_ptr<OrderSession> session;
};

absl::Status CheckArguments(const Arguments& arguments) {
  const bool csv = arguments.format == "csv";
  if (csv && arguments.file.empty()) {
    return absl::InvalidArgumentError("--format csv needs --file FILE");
  }
  if (csv && !(arguments.messages.empty() && arguments.orderbook.empty())) {
    return absl::InvalidArgumentError("--messages and --orderbook go with --format lobster");
  }
  if (!csv && (arguments.messages.empty() || arguments.orderbook.empty())) {
    return absl::InvalidArgumentError("--format lobster needs --messages FILE --orderbook FILE");
  }
  if (!csv && !arguments.file.empty()) {
    return absl::InvalidArgumentError("--file goes with --format csv");
  }
  return absl::OkStatus();
}

bool IsOne(const v1::Decimal& value) {
  int64_t mantissa = value.mantissa();
  int32_t exponent = value.exponent();
  for (; exponent < 0 && mantissa % 10 == 0 && mantissa != 0; ++exponent) mantissa /= 10;
  return exponent == 0 && mantissa == 1;
}

// Other orders in the book would be taken for those of the recording.
absl::Status CheckMarketForLobster(Client& client, const v1::Symbol& symbol) {
  if (!IsOne(symbol.lot_size())) {
    return absl::FailedPreconditionError(
        absl::StrCat("a recording counts single shares, and the lot size of ", symbol.name(),
                     " is not 1; add a symbol with --lot-size 1"));
  }
  auto book = client.GetBook(symbol.name(), /*levels=*/1, /*orders=*/false);
  if (!book.ok()) return book.status();
  if (book->bids_size() + book->asks_size() == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the book of ", symbol.name(),
                   " is not empty, so that it can not become the recorded one; add another symbol "
                   "(qb symbol add) and replay on that"));
}

absl::StatusOr<v1::Symbol> FindSymbol(Client& client, const std::string& name) {
  auto symbol = client.FindSymbol(name);
  if (!absl::IsNotFound(symbol.status())) return symbol;
  return absl::NotFoundError(absl::StrCat("there is no symbol ", name,
                                          "; add it first: qb symbol add ", name,
                                          " --tick-size 0.01 --lot-size 1"));
}

absl::Status OpenFiles(const Arguments& arguments, const v1::Symbol& symbol, Prepared* prepared) {
  if (arguments.format == "csv") {
    auto flow = CsvFlowReader::Open(arguments.file, symbol.name());
    if (!flow.ok()) return flow.status();
    prepared->flow = *std::move(flow);
  } else {
    auto recording =
        LobsterReader::Open(arguments.messages, arguments.orderbook, symbol.tick_size());
    if (!recording.ok()) return recording.status();
    prepared->recording = *std::move(recording);
  }
  if (!arguments.fills.empty()) {
    auto fills = FillLog::Create(arguments.fills);
    if (!fills.ok()) return fills.status();
    prepared->fills = *std::move(fills);
  }
  if (!arguments.report.empty()) {
    prepared->report.open(arguments.report, std::ios::trunc);
    if (!prepared->report) {
      return absl::InvalidArgumentError(absl::StrCat("can not write the report to ",
                                                     arguments.report, ": ", std::strerror(errno)));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Prepared> Prepare(const qb::Context& context, const Arguments& arguments) {
  if (absl::Status checked = CheckArguments(arguments); !checked.ok()) return checked;
  Prepared prepared;
  auto client = context.Connect();
  if (!client.ok()) return client.status();
  prepared.client = *std::move(client);
  auto symbol = FindSymbol(*prepared.client, arguments.symbol);
  if (!symbol.ok()) return symbol.status();
  if (absl::Status opened = OpenFiles(arguments, *symbol, &prepared); !opened.ok()) return opened;
  if (prepared.recording != nullptr) {
    absl::Status checked = CheckMarketForLobster(*prepared.client, *symbol);
    if (!checked.ok()) return checked;
  }
  SessionOptions options;
  options.max_in_flight = arguments.in_flight;
  options.max_batch = std::min(options.max_batch, arguments.in_flight);
  options.timeout = std::max(options.timeout, context.timeout);
  auto session = prepared.client->OpenSession(arguments.symbol, context.account, options);
  if (!session.ok()) return session.status();
  prepared.session = *std::move(session);
  return prepared;
}

void PrintTable(const nlohmann::ordered_json& json) {
  qb::Table table({{"FIELD"}, {"VALUE", qb::Table::kRight}});
  for (const auto& [key, value] : json.items()) {
    if (value.is_array() || value.is_null() || (value.is_object() && value.empty())) continue;
    std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (value.is_number_float()) text = absl::StrFormat("%.3f", value.get<double>());
    table.AddRow({key, std::move(text)});
  }
  table.Print(std::cout);
  for (const char* list : {"first_rejections", "first_differences"}) {
    if (!json.contains(list) || json[list].empty()) continue;
    std::cout << '\n' << list << ":\n";
    for (const auto& line : json[list]) std::cout << "  " << line.get<std::string>() << '\n';
  }
}

absl::Status WriteReport(const std::string& path, const std::string& text, std::ofstream* out) {
  if (!out->is_open()) return absl::OkStatus();
  *out << text << '\n';
  out->close();
  if (*out) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("the report is not whole in ", path, ": writing failed"));
}

// What went wrong, the first that did.
absl::Status Outcome(const ReplayReport& report, const absl::Status& state,
                     const absl::Status& files) {
  absl::Status outcome = report.result.status;
  // A row that is wrong is not a command line that is wrong.
  if (absl::IsInvalidArgument(outcome)) outcome = absl::DataLossError(outcome.message());
  outcome.Update(state);
  if (report.state.has_value() && report.state->diverged() > 0) {
    outcome.Update(absl::DataLossError(
        absl::StrCat(report.state->diverged(), " replicas of shard ", report.shard,
                     " are at the leader's index with another digest: their states diverged")));
  }
  outcome.Update(files);
  return outcome;
}

int Run(const qb::Context& context, const Arguments& arguments) {
  auto prepared = Prepare(context, arguments);
  if (!prepared.ok()) return qb::ReportError(context, prepared.status());
  ReplayReport report;
  report.format = arguments.format;
  report.symbol = arguments.symbol;
  report.shard = prepared->session->shard();
  {
    ProgressBar progress(stderr);
    report.result =
        prepared->flow != nullptr
            ? ReplayCsv(*prepared->flow, *prepared->session, prepared->fills.get(), progress)
            : ReplayLobster(*prepared->recording, arguments.symbol, *prepared->session,
                            prepared->fills.get(), progress);
  }
  auto state = ReadShardState(*prepared->client, report.shard, context.timeout);
  if (state.ok()) report.state = *state;

  const nlohmann::ordered_json json = ToJson(report);
  absl::Status files = WriteReport(
      arguments.report, json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace),
      &prepared->report);
  if (prepared->fills != nullptr) files.Update(prepared->fills->Close());
  if (context.json) {
    qb::PrintJson(json);
  } else {
    PrintTable(json);
  }
  const absl::Status outcome = Outcome(report, state.status(), files);
  return outcome.ok() ? qb::kExitOk : qb::ReportError(context, outcome);
}

}  // namespace

void AddReplayCommand(CLI::App& app, qb::Context& context) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("replay", "Send recorded order flow through the cluster");
  command->fallthrough();
  command->add_option("--format", arguments->format, "Form of the recording")
      ->required()
      ->check(CLI::IsMember({"csv", "lobster"}));
  command->add_option("--symbol", arguments->symbol, "Symbol to trade, which has to exist")
      ->required();
  command->add_option("--file", arguments->file, "csv: ts_ns,op,order_id,side,price,quantity");
  command->add_option("--messages", arguments->messages, "lobster: message file");
  command->add_option("--orderbook", arguments->orderbook, "lobster: order-book file");
  command->add_option("--fills", arguments->fills, "Write the executions to this file, as CSV");
  command->add_option("--report", arguments->report, "Write the report to this file, as JSON");
  command->add_option("--in-flight", arguments->in_flight, "Commands sent and not yet answered")
      ->check(CLI::Range(uint32_t{1}, SessionOptions().max_in_flight))
      ->capture_default_str();
  command->callback([arguments, &context] { context.exit_code = Run(context, *arguments); });
}

}  // namespace quorumbook::replay
