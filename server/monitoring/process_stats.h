// What Linux says of this process.
#pragma once

#include "quorumbook/v1/monitoring.pb.h"

namespace quorumbook::server {

// From /proc/self. What can not be read stays 0.
v1::ProcessSample ReadProcess();

}  // namespace quorumbook::server
