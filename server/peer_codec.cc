#include "server/peer_codec.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace quorumbook::server {
namespace {

using consensus::Index;
using consensus::Term;

constexpr uint64_t kFixedBytes = 64;
// An election a microsecond takes 146,000 years to get here; beyond it, terms could not count up.
constexpr uint64_t kMaxTerm = uint64_t{1} << 62;

void SetDigest(const Digest& digest, v1::LogDigest* out) {
  out->set_high(digest.high);
  out->set_low(digest.low);
}
Digest GetDigest(const v1::LogDigest& digest) {
  return {.high = digest.high(), .low = digest.low()};
}

void SetMeta(const consensus::SnapshotMeta& meta, v1::SnapshotMeta* out) {
  out->set_index(meta.index.value());
  out->set_term(meta.term.value());
  SetDigest(meta.chain, out->mutable_chain());
}
consensus::SnapshotMeta GetMeta(const v1::SnapshotMeta& meta) {
  return {Index(meta.index()), Term(meta.term()), GetDigest(meta.chain())};
}

// One overload a message body, both ways.
struct Encoder {
  v1::PeerMessage* out;

  void operator()(const consensus::RequestVote& body) const {
    v1::RequestVote* proto = out->mutable_request_vote();
    proto->set_last_log_index(body.last_log_index.value());
    proto->set_last_log_term(body.last_log_term.value());
    proto->set_pre_vote(body.pre_vote);
    proto->set_leadership_transfer(body.leadership_transfer);
  }
  void operator()(const consensus::RequestVoteResponse& body) const {
    v1::RequestVoteResponse* proto = out->mutable_request_vote_response();
    proto->set_pre_vote(body.pre_vote);
    proto->set_granted(body.granted);
  }
  void operator()(const consensus::AppendEntries& body) const {
    v1::AppendEntries* proto = out->mutable_append_entries();
    proto->set_prev_index(body.prev_index.value());
    proto->set_prev_term(body.prev_term.value());
    SetDigest(body.prev_chain, proto->mutable_prev_chain());
    proto->set_commit(body.commit.value());
    proto->set_round(body.round);
    proto->set_quiesce(body.quiesce);
    for (const consensus::Entry& entry : body.entries) {
      v1::LogEntry* item = proto->add_entries();
      item->set_term(entry.term.value());
      item->set_type(static_cast<uint32_t>(entry.type));
      SetDigest(entry.chain, item->mutable_chain());
      item->set_payload(*entry.payload);
    }
  }
  void operator()(const consensus::AppendEntriesResponse& body) const {
    v1::AppendEntriesResponse* proto = out->mutable_append_entries_response();
    proto->set_accepted(body.accepted);
    proto->set_index(body.index.value());
    proto->set_hint_index(body.hint_index.value());
    proto->set_hint_term(body.hint_term.value());
    proto->set_round(body.round);
    proto->set_clock_trusted(body.clock_trusted);
    proto->set_priority(body.priority);
    if (body.chain != Digest{}) SetDigest(body.chain, proto->mutable_chain());
    proto->set_corrupt(body.corrupt);
  }
  void operator()(const consensus::InstallSnapshot& body) const {
    v1::InstallSnapshot* proto = out->mutable_install_snapshot();
    SetMeta(body.meta, proto->mutable_meta());
    proto->set_total_bytes(body.total_bytes);
    proto->set_offset(body.offset);
    proto->set_checksum(body.checksum);
    proto->set_data(body.data);
    proto->set_round(body.round);
    if (!body.configuration.empty()) {
      proto->set_configuration(consensus::EncodeConfiguration(body.configuration));
    }
    SetDigest(body.data_digest, proto->mutable_data_digest());
  }
  void operator()(const consensus::InstallSnapshotResponse& body) const {
    v1::InstallSnapshotResponse* proto = out->mutable_install_snapshot_response();
    SetMeta(body.meta, proto->mutable_meta());
    proto->set_next_offset(body.next_offset);
    proto->set_installed(body.installed);
    proto->set_round(body.round);
  }
  void operator()(const consensus::TimeoutNow&) const { out->mutable_timeout_now(); }
  void operator()(const consensus::StateDigest& body) const {
    v1::StateDigest* proto = out->mutable_state_digest();
    proto->set_index(body.index.value());
    SetDigest(body.digest, proto->mutable_digest());
    if (body.chain != Digest{}) SetDigest(body.chain, proto->mutable_chain());
    proto->set_format(body.format);
  }
};

absl::StatusOr<consensus::AppendEntries> GetAppendEntries(v1::AppendEntries* proto) {
  consensus::AppendEntries body;
  body.prev_index = Index(proto->prev_index());
  body.prev_term = Term(proto->prev_term());
  body.prev_chain = GetDigest(proto->prev_chain());
  body.commit = Index(proto->commit());
  body.round = proto->round();
  body.quiesce = proto->quiesce();
  body.entries.reserve(static_cast<size_t>(proto->entries_size()));
  Index index = body.prev_index;
  for (v1::LogEntry& item : *proto->mutable_entries()) {
    const auto type = static_cast<consensus::EntryType>(item.type());
    if (item.type() > UINT8_MAX || !consensus::IsKnown(type)) {
      return absl::InvalidArgumentError("a log entry of an unknown type");
    }
    index = index.Next();
    body.entries.push_back(
        {Term(item.term()), index, type, GetDigest(item.chain()),
         std::make_shared<const std::string>(std::move(*item.mutable_payload()))});
  }
  return body;
}

absl::StatusOr<consensus::InstallSnapshot> GetInstallSnapshot(v1::InstallSnapshot* proto) {
  consensus::InstallSnapshot body{.meta = GetMeta(proto->meta()),
                                  .data_digest = GetDigest(proto->data_digest()),
                                  .total_bytes = proto->total_bytes(),
                                  .offset = proto->offset(),
                                  .checksum = proto->checksum(),
                                  .data = std::move(*proto->mutable_data()),
                                  .round = proto->round()};
  if (proto->configuration().empty()) return body;
  std::optional<consensus::Configuration> configuration =
      consensus::DecodeConfiguration(proto->configuration());
  if (!configuration) return absl::InvalidArgumentError("a snapshot without valid members");
  body.configuration = *std::move(configuration);
  return body;
}

}  // namespace

void ToProto(ShardId shard, const consensus::Message& message, v1::PeerMessage* out) {
  out->set_shard(static_cast<uint32_t>(shard.value()));
  out->set_term(message.term.value());
  std::visit(Encoder{out}, message.body);
}

absl::StatusOr<consensus::Message> FromProto(NodeId from, NodeId to, v1::PeerMessage* proto) {
  if (proto->term() > kMaxTerm) return absl::InvalidArgumentError("a term that no cluster reaches");
  consensus::Message message{from, to, Term(proto->term()), consensus::TimeoutNow{}};
  switch (proto->body_case()) {
    case v1::PeerMessage::kRequestVote: {
      const v1::RequestVote& body = proto->request_vote();
      message.body =
          consensus::RequestVote{Index(body.last_log_index()), Term(body.last_log_term()),
                                 body.pre_vote(), body.leadership_transfer()};
      return message;
    }
    case v1::PeerMessage::kRequestVoteResponse:
      message.body = consensus::RequestVoteResponse{proto->request_vote_response().pre_vote(),
                                                    proto->request_vote_response().granted()};
      return message;
    case v1::PeerMessage::kAppendEntries: {
      absl::StatusOr<consensus::AppendEntries> body =
          GetAppendEntries(proto->mutable_append_entries());
      if (!body.ok()) return body.status();
      message.body = *std::move(body);
      return message;
    }
    case v1::PeerMessage::kAppendEntriesResponse: {
      const v1::AppendEntriesResponse& body = proto->append_entries_response();
      message.body = consensus::AppendEntriesResponse{
          body.accepted(), Index(body.index()),  Index(body.hint_index()), Term(body.hint_term()),
          body.round(),    body.clock_trusted(), body.priority(),          GetDigest(body.chain()),
          body.corrupt()};
      return message;
    }
    case v1::PeerMessage::kInstallSnapshot: {
      absl::StatusOr<consensus::InstallSnapshot> body =
          GetInstallSnapshot(proto->mutable_install_snapshot());
      if (!body.ok()) return body.status();
      message.body = *std::move(body);
      return message;
    }
    case v1::PeerMessage::kInstallSnapshotResponse: {
      const v1::InstallSnapshotResponse& body = proto->install_snapshot_response();
      message.body = consensus::InstallSnapshotResponse{GetMeta(body.meta()), body.next_offset(),
                                                        body.installed(), body.round()};
      return message;
    }
    case v1::PeerMessage::kTimeoutNow:
      return message;
    case v1::PeerMessage::kStateDigest:
      message.body = consensus::StateDigest{
          Index(proto->state_digest().index()), GetDigest(proto->state_digest().digest()),
          GetDigest(proto->state_digest().chain()), proto->state_digest().format()};
      return message;
    case v1::PeerMessage::BODY_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("a peer message without a body this version knows");
}

uint64_t ApproximateBytes(const consensus::Message& message) {
  uint64_t bytes = kFixedBytes;
  if (const auto* append = std::get_if<consensus::AppendEntries>(&message.body)) {
    for (const consensus::Entry& entry : append->entries) {
      bytes += kFixedBytes + entry.payload->size();
    }
  } else if (const auto* snapshot = std::get_if<consensus::InstallSnapshot>(&message.body)) {
    bytes += snapshot->data.size();
  }
  return bytes;
}

}  // namespace quorumbook::server
