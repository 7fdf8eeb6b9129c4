// What a fuzz target is: libFuzzer calls the first, replay_main.cc both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// Runs one input. Aborts (QB_CHECK) when something does not hold that must for all inputs.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace quorumbook::fuzz {

// Inputs to begin with, always the same ones.
std::vector<std::string> Seeds();

}  // namespace quorumbook::fuzz
