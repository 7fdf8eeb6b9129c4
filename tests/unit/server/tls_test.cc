// The files of tls.*: what is taken, and what is said of what is not.
#include "server/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>

#include "tests/unit/server/test_certificates.h"

namespace quorumbook::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(NodeOfCertificate, IsTheOneThatItsNamesStandFor) {
  EXPECT_EQ(CertificateName("demo", NodeId(12)), "node-12.demo.quorumbook");
  const auto node = [](const std::vector<std::string>& names) {
    return NodeOfCertificate("a.b", names).value();
  };
  EXPECT_EQ(node({"localhost", "node-7.a.b.quorumbook", "book.example.com"}), 7u);
  EXPECT_EQ(node({"node-7.a.b.quorumbook", "node-7.a.b.quorumbook"}), 7u);
  EXPECT_EQ(node({"node-7.a.b.quorumbook", "node-8.b.quorumbook"}), 7u) << "of another cluster";
  EXPECT_EQ(node({}), 0u);
  EXPECT_EQ(node({"localhost", "node-", "node-7", "node-.a.b.quorumbook", "7.a.b.quorumbook"}), 0u);
  EXPECT_EQ(node({"node-7.a.quorumbook", "node-7.b.quorumbook", "node-7.A.B.quorumbook"}), 0u);
  EXPECT_EQ(node({"node-07.a.b.quorumbook", "node-*.a.b.quorumbook", "*.a.b.quorumbook"}), 0u);
  EXPECT_EQ(node({"node-7.a.b.quorumbook", "node-8.a.b.quorumbook"}), 0u) << "nobody is two";
}

class TlsFilesTest : public ::testing::Test {
 protected:
  static Config Node(uint64_t node) {
    Config config;
    config.cluster_id = "c";
    config.node_id = NodeId(node);
    return config;
  }
  Config Files(uint64_t node) const { return certificates_.WithFiles(Node(node), node); }

  // "key: message" of what is wrong, or nothing.
  static std::string FaultOf(const Config& config) {
    const TlsResult result = ReadTlsFiles(config);
    if (result.tls != nullptr) return "";
    EXPECT_FALSE(result.fault.hint.empty());
    return result.key + ": " + result.fault.message;
  }
  std::string FileOf(const std::string& text) const {
    const std::string path = certificates_.Path("file");
    std::ofstream(path) << text;
    return path;
  }
  // Node 1's certificate, signed again after `change`.
  void Sign(const std::function<void(X509*)>& change) const {
    std::FILE* file = std::fopen(certificates_.Path("node1.crt").c_str(), "r");
    X509* const certificate = PEM_read_X509(file, nullptr, nullptr, nullptr);
    std::fclose(file);
    file = std::fopen(certificates_.Path("ca.key").c_str(), "r");
    EVP_PKEY* const key = PEM_read_PrivateKey(file, nullptr, nullptr, nullptr);
    std::fclose(file);
    change(certificate);
    EXPECT_GT(X509_sign(certificate, key, EVP_sha256()), 0);
    file = std::fopen(certificates_.Path("node1.crt").c_str(), "w");
    EXPECT_EQ(PEM_write_X509(file, certificate), 1);
    std::fclose(file);
    EVP_PKEY_free(key);
    X509_free(certificate);
  }

  const TestCertificates certificates_;
};

TEST_F(TlsFilesTest, ThoseOfThisNodeAreTaken) {
  const TlsResult result = ReadTlsFiles(Files(2));
  ASSERT_NE(result.tls, nullptr) << result.fault.message;
  EXPECT_THAT(result.tls->certificate, HasSubstr("BEGIN CERTIFICATE"));
  EXPECT_THAT(result.tls->key, HasSubstr("PRIVATE KEY"));
  EXPECT_THAT(result.tls->ca, HasSubstr("BEGIN CERTIFICATE"));
  const int64_t days = (result.tls->expires - std::time(nullptr)) / 86'400;
  EXPECT_GE(days, 363);
  EXPECT_LE(days, 365);
}

TEST_F(TlsFilesTest, OneOfSeveralCasIsEnough) {
  const TestCertificates others;
  Config config = Files(1);
  EXPECT_EQ(std::system(("cat " + others.Path("ca.crt") + " >> " + config.tls_ca_file).c_str()), 0);
  EXPECT_EQ(FaultOf(config), "");
}

TEST_F(TlsFilesTest, WhatCanNotBeReadIsNamed) {
  for (const auto& [field, key] : std::vector<std::pair<std::string Config::*, std::string>>{
           {&Config::tls_certificate_file, "tls.certificate_file"},
           {&Config::tls_key_file, "tls.key_file"},
           {&Config::tls_ca_file, "tls.ca_file"}}) {
    Config config = Files(1);
    config.*field = "/nowhere/file.pem";
    EXPECT_EQ(FaultOf(config), key + ": '/nowhere/file.pem' can not be read");
    config.*field = FileOf(std::string((1 << 20) + 1, 'x'));
    EXPECT_THAT(FaultOf(config), HasSubstr("can not be read"));
    config.*field = FileOf("-----BEGIN CERTIFICATE-----\nno base64\n-----END CERTIFICATE-----\n");
    EXPECT_THAT(FaultOf(config), HasSubstr(key + ": holds no"));
    config.*field = FileOf("");
    EXPECT_THAT(FaultOf(config), HasSubstr(key + ": holds no"));
  }
}

TEST_F(TlsFilesTest, AKeyWithAPasswordIsNotAskedFor) {
  Config config = Files(1);
  const std::string encrypted = certificates_.Path("encrypted.key");
  ASSERT_EQ(std::system(("openssl pkey -aes256 -passout pass:x -in " + config.tls_key_file +
                         " -out " + encrypted)
                            .c_str()),
            0);
  config.tls_key_file = encrypted;
  EXPECT_THAT(FaultOf(config), HasSubstr("tls.key_file: holds no private key"));
}

TEST_F(TlsFilesTest, TheCertificateMustBeOfThisNodeAlone) {
  Config config = Files(1);
  config.tls_key_file = certificates_.Path("node2.key");
  EXPECT_EQ(FaultOf(config), "tls.key_file: is the key of another certificate");
  config.tls_certificate_file = certificates_.Path("node2.crt");
  EXPECT_THAT(FaultOf(config), HasSubstr("tls.certificate_file: the certificate is for "
                                         "'node-2.c.quorumbook', 'localhost', not for "
                                         "'node-1.c.quorumbook' alone"));
  certificates_.Make("--cluster c --node 1 --hosts node-3.c.quorumbook");
  EXPECT_THAT(FaultOf(Files(1)), HasSubstr("not for 'node-1.c.quorumbook' alone"));
  certificates_.Make("--cluster d --node 1");
  EXPECT_THAT(FaultOf(Files(1)), HasSubstr("'node-1.d.quorumbook'"));
}

TEST_F(TlsFilesTest, ACertificateOfAnotherCaIsNone) {
  const TestCertificates others;
  Config config = Files(1);
  config.tls_ca_file = others.Path("ca.crt");
  EXPECT_THAT(FaultOf(config), HasSubstr("tls.ca_file: these CAs do not vouch for"));
}

TEST_F(TlsFilesTest, ACertificateHasItsTime) {
  Sign([](X509* certificate) {
    X509_gmtime_adj(X509_getm_notBefore(certificate), -7'200);
    X509_gmtime_adj(X509_getm_notAfter(certificate), -3'600);
  });
  EXPECT_THAT(FaultOf(Files(1)), HasSubstr("tls.certificate_file: the certificate expired on 2"));
  Sign([](X509* certificate) {
    X509_gmtime_adj(X509_getm_notBefore(certificate), 3'600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 7'200);
  });
  EXPECT_THAT(FaultOf(Files(1)), HasSubstr("the certificate is not valid before 2"));
}

constexpr char kYaml[] = R"(cluster: {id: c}
node: {id: 1}
data_dir: x
listen: {client: "127.0.0.1:1", peer: "127.0.0.1:2"}
peers: [{id: 1, client: "127.0.0.1:1", peer: "127.0.0.1:2"}]
shards: [1]
)";

TEST_F(TlsFilesTest, TheConfigurationNamesAllThreeOrNone) {
  const auto parse = [](const ConfigOverrides& flags) {
    return ParseConfig(kYaml, "n.yaml", {}, flags);
  };
  const Config files = Files(1);
  EXPECT_EQ(parse({}).config.tls, nullptr);
  const ConfigOverrides all = {{"tls.certificate_file", files.tls_certificate_file},
                               {"tls.key_file", files.tls_key_file},
                               {"tls.ca_file", files.tls_ca_file}};
  const ConfigResult good = parse(all);
  ASSERT_THAT(good.errors, IsEmpty());
  EXPECT_NE(good.config.tls, nullptr);
  const ConfigResult two = parse({all[0], all[2]});
  ASSERT_EQ(two.errors.size(), 1u);
  EXPECT_THAT(two.errors[0].ToString(),
              HasSubstr("command line: there is tls.certificate_file, but not all of tls.*"));
  const ConfigResult wrong = parse({all[0], {"tls.key_file", files.tls_ca_file}, all[2]});
  ASSERT_EQ(wrong.errors.size(), 1u);
  EXPECT_THAT(wrong.errors[0].ToString(),
              HasSubstr("command line: tls.key_file: holds no private key"));
}

}  // namespace
}  // namespace quorumbook::server
