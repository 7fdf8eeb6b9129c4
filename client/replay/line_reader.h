// Reads a text file line by line, plain or compressed by gzip, in bounded memory.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace quorumbook::replay {

class LineReader {
 public:
  // A longer line is refused: no format read here comes near it.
  static constexpr size_t kMaxLineBytes = 64 * 1024;

  // Compression is recognised by content, not by name. Errors: kNotFound, kInvalidArgument.
  static absl::StatusOr<std::unique_ptr<LineReader>> Open(const std::string& path);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // The next line without its end ("\n" or "\r\n"), valid until the next call; none at the end of
  // the file. Errors: kDataLoss for a file that ends in the middle of a line (a last number that
  // lost digits would look like a good one) or whose compressed data is damaged or cut off, for a
  // line over the bound or one with a NUL byte. An error stays.
  absl::StatusOr<std::optional<absl::string_view>> Next();

  // Number of the line that Next returned last, from 1.
  int64_t line() const { return line_; }
  const std::string& path() const { return path_; }
  // Read so far, 0 to 1, of the bytes on disk.
  double fraction_read() const;
  // "path:line: what" for an error about the line that Next returned last.
  absl::Status ErrorHere(absl::StatusCode code, absl::string_view what) const;

 private:
  struct File;
  LineReader(std::string path, std::unique_ptr<File> file, uint64_t file_bytes);

  // Moves what is left to the front of the buffer and reads behind it.
  absl::Status Fill();
  absl::Status Damaged(absl::string_view what) const;

  const std::string path_;
  const std::unique_ptr<File> file_;
  const uint64_t file_bytes_;
  std::vector<char> buffer_;
  size_t begin_ = 0;  // of what was read and not yet returned
  size_t end_ = 0;
  int64_t line_ = 0;
  bool at_end_ = false;
  absl::Status error_;
};

// Splits at commas. False unless there are `least` to `most` fields; REQUIRES most <= the array.
bool SplitFields(absl::string_view line, size_t least, size_t most, absl::string_view* fields);

// Whole-string decimal integers. False for anything else, overflow and leading '+' included.
bool ParseInt(absl::string_view text, int64_t* value);
bool ParseUint(absl::string_view text, uint64_t* value);

}  // namespace quorumbook::replay
