#include "client/replay/line_reader.h"

#include <absl/strings/str_cat.h>
#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

namespace quorumbook::replay {

namespace {

constexpr size_t kReadBytes = 256 * 1024;

template <typename T>
bool ParseWhole(absl::string_view text, T* value) {
  const char* end = text.data() + text.size();
  auto [stopped, error] = std::from_chars(text.data(), end, *value);
  return error == std::errc() && stopped == end;
}

}  // namespace

struct LineReader::File {
  explicit File(gzFile opened) : handle(opened) {}
  ~File() { gzclose_r(handle); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  gzFile handle;
};

absl::StatusOr<std::unique_ptr<LineReader>> LineReader::Open(const std::string& path) {
  struct stat info{};
  if (stat(path.c_str(), &info) != 0) {
    return absl::NotFoundError(absl::StrCat("can not read ", path, ": ", std::strerror(errno)));
  }
  if (S_ISDIR(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is a directory, not a file"));
  }
  gzFile handle = gzopen(path.c_str(), "rb");
  if (handle == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("can not open ", path, ": ", std::strerror(errno)));
  }
  gzbuffer(handle, kReadBytes);
  return std::unique_ptr<LineReader>(
      new LineReader(path, std::make_unique<File>(handle), static_cast<uint64_t>(info.st_size)));
}

LineReader::LineReader(std::string path, std::unique_ptr<File> file, uint64_t file_bytes)
    : path_(std::move(path)), file_(std::move(file)), file_bytes_(file_bytes) {
  buffer_.resize(kMaxLineBytes + kReadBytes);
}

LineReader::~LineReader() = default;

absl::StatusOr<std::optional<absl::string_view>> LineReader::Next() {
  size_t searched = begin_;
  while (error_.ok()) {
    const char* found =
        static_cast<const char*>(std::memchr(buffer_.data() + searched, '\n', end_ - searched));
    if (found != nullptr) {
      absl::string_view line(buffer_.data() + begin_, found - (buffer_.data() + begin_));
      begin_ += line.size() + 1;
      ++line_;
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      if (line.find('\0') != absl::string_view::npos) {
        error_ = ErrorHere(absl::StatusCode::kDataLoss, "not a text file (it has a NUL byte)");
        break;
      }
      return line;
    }
    if (at_end_) {
      if (begin_ == end_) return std::nullopt;
      error_ = Damaged(
          "the file ends in the middle of a line; if it is not truncated, end it with a newline");
    } else if (end_ - begin_ > kMaxLineBytes) {
      error_ = Damaged(absl::StrCat("line of more than ", kMaxLineBytes, " bytes"));
    } else {
      error_ = Fill();
      searched = begin_;
    }
  }
  return error_;
}

absl::Status LineReader::Fill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  const size_t room = std::min(kReadBytes, buffer_.size() - end_);
  const int got = gzread(file_->handle, buffer_.data() + end_, static_cast<unsigned>(room));
  if (got > 0) {
    end_ += static_cast<size_t>(got);
    return absl::OkStatus();
  }
  // gzread reports compressed data that was cut off as an ordinary end plus Z_BUF_ERROR.
  int code = Z_OK;
  const char* message = gzerror(file_->handle, &code);
  if (code == Z_BUF_ERROR) return Damaged("the compressed data is cut off");
  if (code == Z_ERRNO) return Damaged(absl::StrCat("can not read: ", std::strerror(errno)));
  if (got < 0) return Damaged(absl::StrCat("the compressed data is damaged: ", message));
  at_end_ = true;
  return absl::OkStatus();
}

absl::Status LineReader::Damaged(absl::string_view what) const {
  return absl::DataLossError(absl::StrCat(path_, ":", line_ + 1, ": ", what));
}

absl::Status LineReader::ErrorHere(absl::StatusCode code, absl::string_view what) const {
  return absl::Status(code, absl::StrCat(path_, ":", line_, ": ", what));
}

double LineReader::fraction_read() const {
  if (file_bytes_ == 0) return 1;
  return std::min(1.0,
                  static_cast<double>(gzoffset(file_->handle)) / static_cast<double>(file_bytes_));
}

bool SplitFields(absl::string_view line, size_t least, size_t most, absl::string_view* fields) {
  size_t count = 0;
  while (count < most) {
    const size_t comma = line.find(',');
    fields[count++] = line.substr(0, comma);
    if (comma == absl::string_view::npos) return count >= least;
    line.remove_prefix(comma + 1);
  }
  return false;
}

bool ParseInt(absl::string_view text, int64_t* value) { return ParseWhole(text, value); }
bool ParseUint(absl::string_view text, uint64_t* value) { return ParseWhole(text, value); }

}  // namespace quorumbook::replay
