// One line for a message, a write or a state, as the golden transcripts show them.
#pragma once

#include <string>

#include "consensus/message.h"
#include "consensus/output.h"
#include "consensus/raft.h"

namespace quorumbook::consensus {

// Entries as term/index: "2/7 'payload'".
std::string Describe(const Configuration& members);
std::string Describe(const Entry& entry);
std::string Describe(const Message& message);
std::string Describe(const Persist& write);
std::string Describe(const Evidence& evidence);
std::string Describe(const RaftStatus& status);

}  // namespace quorumbook::consensus
