// A CA of a test's own and its certificates, made by deploy/make-certificates.sh.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "server/config.h"
#include "server/tls.h"

namespace quorumbook::server {

class TestCertificates {
 public:
  // For nodes 1 to 3 of cluster "c". REQUIRES: the working directory is that of the sources.
  TestCertificates() {
    std::string pattern = ::testing::TempDir() + "/certificates-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    Make("--cluster c --nodes 3");
  }
  ~TestCertificates() { std::filesystem::remove_all(directory_); }
  TestCertificates(const TestCertificates&) = delete;
  TestCertificates& operator=(const TestCertificates&) = delete;

  // More, or others, from the same CA.
  void Make(const std::string& arguments) const {
    const std::string command = "deploy/make-certificates.sh " + directory_ + " " + arguments;
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
  }

  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  Config WithFiles(Config config, uint64_t node) const {
    config.tls_certificate_file = Path("node" + std::to_string(node) + ".crt");
    config.tls_key_file = Path("node" + std::to_string(node) + ".key");
    config.tls_ca_file = Path("ca.crt");
    return config;
  }
  // With those of its node.
  Config WithTls(Config config) const {
    config = WithFiles(std::move(config), config.node_id.value());
    TlsResult result = ReadTlsFiles(config);
    EXPECT_NE(result.tls, nullptr) << result.key << ": " << result.fault.message;
    config.tls = std::move(result.tls);
    return config;
  }

 private:
  std::string directory_;
};

}  // namespace quorumbook::server
