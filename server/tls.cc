#include "server/tls.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_join.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <optional>
#include <utility>

#include "common/small_file.h"

namespace quorumbook::server {
namespace {

constexpr char kMakeThem[] = "deploy/make-certificates.sh makes such files";

template <auto free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    free(object);
  }
};
void FreeCertificates(STACK_OF(X509) * certificates) { sk_X509_pop_free(certificates, X509_free); }

using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using Certificates = std::unique_ptr<STACK_OF(X509), Freer<FreeCertificates>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Store = std::unique_ptr<X509_STORE, Freer<X509_STORE_free>>;
using Verification = std::unique_ptr<X509_STORE_CTX, Freer<X509_STORE_CTX_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;

std::optional<std::string> ReadFile(const std::string& path, ConfigFault* fault) {
  std::optional<std::string> text = ReadSmallFile(path);
  if (!text) {
    *fault = {fmt::format("'{}' can not be read", path),
              "name a file of at most 1 MiB that exists and that this user may read"};
  }
  return text;
}

Bio Reader(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Null: there is none, or one that is malformed.
Certificates ReadCertificates(const std::string& pem) {
  Certificates certificates(sk_X509_new_null());
  const Bio reader = Reader(pem);
  ERR_clear_error();
  while (X509* const one = PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr)) {
    sk_X509_push(certificates.get(), one);
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end || sk_X509_num(certificates.get()) == 0) return nullptr;
  return certificates;
}

Key ReadKey(const std::string& pem) {
  const auto no_password = [](char*, int, int, void*) { return -1; };
  Key key(PEM_read_bio_PrivateKey(Reader(pem).get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  return key;
}

int64_t UnixTime(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

std::vector<std::string> DnsNames(const X509* certificate) {
  std::vector<std::string> names;
  const Names all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(all.get(), i);
    if (name->type != GEN_DNS) continue;
    names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                       static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  return names;
}

ConfigFault CheckTime(const X509* certificate) {
  const int64_t now = std::time(nullptr);
  const int64_t from = UnixTime(X509_get0_notBefore(certificate));
  const int64_t until = UnixTime(X509_get0_notAfter(certificate));
  if (now < from) {
    return {
        fmt::format("the certificate is not valid before {:%Y-%m-%d %H:%M} UTC", fmt::gmtime(from)),
        "see whether the clock of this machine is right"};
  }
  if (now < until) return {};
  return {fmt::format("the certificate expired on {:%Y-%m-%d %H:%M} UTC", fmt::gmtime(until)),
          "get a new one from the same CA"};
}

ConfigFault CheckNames(const Config& config, const X509* certificate) {
  const std::vector<std::string> names = DnsNames(certificate);
  if (NodeOfCertificate(config.cluster_id, names) == config.node_id) return {};
  return {
      fmt::format("the certificate is for '{}', not for '{}' alone", absl::StrJoin(names, "', '"),
                  CertificateName(config.cluster_id, config.node_id)),
      fmt::format("each node needs one with its own name among the alternative names; {}",
                  kMakeThem)};
}

// The first certificate of `chain`, with the help of the rest.
ConfigFault CheckSigned(STACK_OF(X509) * chain, STACK_OF(X509) * ca) {
  const Store store(X509_STORE_new());
  for (int i = 0; i < sk_X509_num(ca); ++i) {
    X509_STORE_add_cert(store.get(), sk_X509_value(ca, i));
  }
  for (const int purpose : {X509_PURPOSE_SSL_SERVER, X509_PURPOSE_SSL_CLIENT}) {
    const Verification verification(X509_STORE_CTX_new());
    X509_STORE_CTX_init(verification.get(), store.get(), sk_X509_value(chain, 0), chain);
    X509_STORE_CTX_set_purpose(verification.get(), purpose);
    if (X509_verify_cert(verification.get()) == 1) continue;
    const char* const why =
        X509_verify_cert_error_string(X509_STORE_CTX_get_error(verification.get()));
    ERR_clear_error();
    return {fmt::format("these CAs do not vouch for the certificate: {}", why),
            "name the CA that signed it, for servers and for clients"};
  }
  return {};
}

bool Found(const ConfigFault& fault) { return !fault.message.empty(); }

}  // namespace

TlsResult ReadTlsFiles(const Config& config) {
  TlsResult result;
  const auto fail = [&result](std::string key, ConfigFault fault) {
    result.key = std::move(key);
    result.fault = std::move(fault);
    return std::move(result);
  };
  ConfigFault fault;
  std::optional<std::string> certificate = ReadFile(config.tls_certificate_file, &fault);
  if (!certificate) return fail("tls.certificate_file", fault);
  std::optional<std::string> key = ReadFile(config.tls_key_file, &fault);
  if (!key) return fail("tls.key_file", fault);
  std::optional<std::string> ca = ReadFile(config.tls_ca_file, &fault);
  if (!ca) return fail("tls.ca_file", fault);

  const Certificates chain = ReadCertificates(*certificate);
  if (chain == nullptr) {
    return fail("tls.certificate_file", {"holds no certificate in PEM form", kMakeThem});
  }
  X509* const own = sk_X509_value(chain.get(), 0);
  if (fault = CheckTime(own); Found(fault)) return fail("tls.certificate_file", fault);
  if (fault = CheckNames(config, own); Found(fault)) return fail("tls.certificate_file", fault);
  const Key private_key = ReadKey(*key);
  if (private_key == nullptr) {
    return fail("tls.key_file", {"holds no private key in PEM form, or one with a password",
                                 "write the key there without a password"});
  }
  if (X509_check_private_key(own, private_key.get()) != 1) {
    ERR_clear_error();
    return fail("tls.key_file", {"is the key of another certificate",
                                 "name the key that tls.certificate_file was made with"});
  }
  const Certificates authorities = ReadCertificates(*ca);
  if (authorities == nullptr) {
    return fail("tls.ca_file", {"holds no certificate in PEM form", kMakeThem});
  }
  fault = CheckSigned(chain.get(), authorities.get());
  if (Found(fault)) return fail("tls.ca_file", fault);
  result.tls = std::make_shared<const Tls>(Tls{*std::move(certificate), *std::move(key),
                                               *std::move(ca), UnixTime(X509_get0_notAfter(own))});
  return result;
}

std::string CertificateName(std::string_view cluster, NodeId node) {
  return fmt::format("node-{}.{}.quorumbook", node.value(), cluster);
}

NodeId NodeOfCertificate(std::string_view cluster, const std::vector<std::string>& names) {
  constexpr std::string_view kPrefix = "node-";
  NodeId found;
  for (const std::string& name : names) {
    if (!name.starts_with(kPrefix)) continue;
    const std::string number = name.substr(kPrefix.size(), name.find('.') - kPrefix.size());
    uint64_t value = 0;
    if (!absl::SimpleAtoi(number, &value) || name != CertificateName(cluster, NodeId(value))) {
      continue;
    }
    if (found != NodeId() && found != NodeId(value)) return NodeId();
    found = NodeId(value);
  }
  return found;
}

}  // namespace quorumbook::server
