// Little-endian, fixed-width encoding for every binary format of the project (docs/formats).
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace quorumbook {

static_assert(std::endian::native == std::endian::little,
              "formats are little-endian; a big-endian host needs byte swaps here");

// Appends to a string that the caller owns.
class ByteWriter {
 public:
  explicit ByteWriter(std::string* out) : out_(out) {}

  template <typename T>
    requires(std::integral<T> || std::is_enum_v<T>)
  void Put(T value) {
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    out_->append(raw, sizeof(T));
  }
  void PutBytes(std::string_view bytes) { out_->append(bytes); }
  // A u32 length, then the bytes. REQUIRES: bytes.size() < 2^32.
  void PutSized(std::string_view bytes) {
    Put(static_cast<uint32_t>(bytes.size()));
    PutBytes(bytes);
  }

 private:
  std::string* out_;
};

// Reads what ByteWriter wrote from bytes that nobody vouches for. A read past the end returns
// zeros and makes ok() false for good, so that a decoder may read a whole record and check once.
class ByteReader {
 public:
  // `bytes` must outlive the reader: a temporary string, which would not, is refused.
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
  template <std::same_as<std::string> T>
  explicit ByteReader(T&& bytes) = delete;

  template <typename T>
    requires(std::integral<T> || std::is_enum_v<T>)
  T Get() {
    T value{};
    if (rest_.size() < sizeof(T)) {
      Fail();
      return value;
    }
    std::memcpy(&value, rest_.data(), sizeof(T));
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  // Reads values that follow one another, as Get would each, with one check of what is left. False,
  // and zeros in all, when that is too little.
  template <typename... T>
    requires((std::integral<T> || std::is_enum_v<T>) && ...)
  bool GetAll(T*... values) {
    constexpr size_t kSize = (sizeof(T) + ...);
    if (rest_.size() < kSize) {
      ((*values = T{}), ...);
      Fail();
      return false;
    }
    const char* from = rest_.data();
    ((std::memcpy(values, from, sizeof(T)), from += sizeof(T)), ...);
    rest_.remove_prefix(kSize);
    return true;
  }
  std::string_view GetBytes(size_t size) {
    if (rest_.size() < size) {
      Fail();
      return {};
    }
    std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }
  std::string_view GetSized() { return GetBytes(Get<uint32_t>()); }

  bool ok() const { return ok_; }
  bool AtEnd() const { return rest_.empty(); }
  size_t remaining() const { return rest_.size(); }

 private:
  void Fail() {
    ok_ = false;
    rest_ = {};
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace quorumbook
