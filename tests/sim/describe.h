// Messages in a few words, for the lines of --verbose.
#pragma once

#include <string>
#include <vector>

#include "consensus/configuration.h"
#include "consensus/message.h"

namespace quorumbook::sim {

// "append 3+2 to 2, heartbeat to 3"
std::string Describe(const std::vector<consensus::Message>& messages);

// "1 2 3, learning 4"
std::string Describe(const consensus::Configuration& configuration);

}  // namespace quorumbook::sim
