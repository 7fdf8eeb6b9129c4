// Runs a fuzz target without a fuzzer: given files, its seeds, and mutations of these by a random
// generator of fixed seed, so that every compiler's tests run what the fuzzer ran.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz_target.h"
#include "random_flow.h"

namespace quorumbook::fuzz {
namespace {

using exchange::Random;

constexpr size_t kMaxBytes = 4'096;
constexpr char kFailure[] = "fuzz-failure";

struct Options {
  std::vector<std::string> paths;
  std::string write_seeds;
  uint64_t seed = 1;
  uint64_t runs = 10'000;
};

std::string running;  // the input under way, for OnAbort

// The process is about to die of a failed check: what it was doing is all that matters.
void OnAbort(int) {
  std::ofstream(kFailure, std::ios::binary) << running;
  std::fprintf(stderr, "the input is in the file %s\n", kFailure);
  std::signal(SIGABRT, SIG_DFL);
  std::abort();
}

void Run(const std::string& input) {
  running = input;
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(running.data()), running.size());
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void RunFiles(const std::filesystem::path& path, uint64_t* count) {
  if (std::filesystem::is_directory(path)) {
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      RunFiles(entry.path(), count);
    }
  } else {
    Run(ReadFile(path));
    ++*count;
  }
}

std::string RandomBytes(Random* random, size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random->Below(256));
  return bytes;
}

void Mutate(const std::vector<std::string>& seeds, Random* random, std::string* input) {
  const size_t at = random->Below(input->size() + 1);
  switch (random->Below(5)) {
    case 0:
      if (at < input->size()) (*input)[at] = static_cast<char>(random->Below(256));
      break;
    case 1:
      if (at < input->size()) {
        (*input)[at] = static_cast<char>((*input)[at] ^ (1 << random->Below(8)));
      }
      break;
    case 2:
      input->insert(at, RandomBytes(random, 1 + random->Below(8)));
      break;
    case 3:
      input->erase(at, 1 + random->Below(16));
      break;
    default: {
      const std::string& other = seeds[random->Below(seeds.size())];
      if (!other.empty()) input->insert(at, other.substr(random->Below(other.size()), 64));
    }
  }
}

int Main(const Options& options) {
  const std::vector<std::string> seeds = Seeds();
  if (!options.write_seeds.empty()) {
    for (size_t i = 0; i < seeds.size(); ++i) {
      const std::filesystem::path path =
          std::filesystem::path(options.write_seeds) / ("seed-" + std::to_string(i));
      std::ofstream out(path, std::ios::binary);
      out << seeds[i];
      if (!out.flush()) {
        std::fprintf(stderr, "%s: can not be written\n", path.c_str());
        return 1;
      }
    }
    return 0;
  }
  std::signal(SIGABRT, OnAbort);
  uint64_t files = 0;
  for (const std::string& path : options.paths) RunFiles(path, &files);
  for (const std::string& seed : seeds) Run(seed);
  Random random(options.seed);
  for (uint64_t i = 0; i < options.runs; ++i) {
    std::string input = random.OneIn(8) ? RandomBytes(&random, random.Below(kMaxBytes))
                                        : seeds[random.Below(seeds.size())];
    for (uint64_t changes = random.Below(5); changes > 0; --changes) {
      Mutate(seeds, &random, &input);
    }
    Run(input);
  }
  std::printf("%llu files, %zu seeds and %llu mutations of seed %llu held\n",
              static_cast<unsigned long long>(files), seeds.size(),
              static_cast<unsigned long long>(options.runs),
              static_cast<unsigned long long>(options.seed));
  return 0;
}

}  // namespace
}  // namespace quorumbook::fuzz

int main(int argc, char** argv) {
  quorumbook::fuzz::Options options;
  CLI::App app("Runs a fuzz target on files, on its seeds, and on random mutations of these.");
  app.add_option("path", options.paths, "files, and directories of files")
      ->check(CLI::ExistingPath);
  app.add_option("--seed", options.seed, "of the mutations");
  app.add_option("--runs", options.runs, "how many mutations");
  app.add_option("--write-seeds", options.write_seeds,
                 "write the seeds into this directory, for a fuzzer to begin with, and no more")
      ->check(CLI::ExistingDirectory);
  CLI11_PARSE(app, argc, argv);
  return quorumbook::fuzz::Main(options);
}
