#include "exchange/result_window.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/check.h"

namespace quorumbook::exchange {

void ByteBuffer::Grow(size_t size) {
  const size_t capacity = std::max(size, capacity_ * 2);
  std::unique_ptr<char[]> data(new char[capacity]);
  std::copy_n(data_.get(), size_, data.get());
  data_ = std::move(data);
  capacity_ = capacity;
}

void ByteBuffer::EraseFirst(size_t size) {
  std::copy(data_.get() + size, data_.get() + size_, data_.get());
  size_ -= size;
}

void ResultWindow::AppendEncoded(std::string_view events) {
  std::memcpy(bytes_.Reserve(events.size()), events.data(), events.size());
  bytes_.Add(events.size());
  ends_.push_back(static_cast<uint32_t>(bytes_.size()));
}

std::string_view ResultWindow::operator[](size_t i) const {
  const size_t at = forgotten_ + i;
  const size_t from = at == 0 ? 0 : ends_[at - 1];
  return {bytes_.data() + from, ends_[at] - from};
}

void ResultWindow::ForgetOldest(size_t count) {
  QB_CHECK(count <= size());
  forgotten_ += count;
  if (forgotten_ == ends_.size()) {
    // What a burst took is given back: tens of thousands of sessions may lie idle.
    constexpr size_t kWorthKeeping = 64 << 10;
    const bool keep = bytes_.capacity() <= kWorthKeeping;
    bytes_.clear();
    ends_.clear();
    forgotten_ = 0;
    if (!keep) *this = ResultWindow();
    return;
  }
  // Moving no more than was forgotten since the last time costs a constant time a byte.
  constexpr size_t kWorthMoving = 4096;
  const size_t forgotten_bytes = begin();
  if (forgotten_bytes < bytes() + kWorthMoving) return;
  bytes_.EraseFirst(forgotten_bytes);
  ends_.erase(ends_.begin(), ends_.begin() + static_cast<std::ptrdiff_t>(forgotten_));
  for (uint32_t& end : ends_) end -= static_cast<uint32_t>(forgotten_bytes);
  forgotten_ = 0;
}

}  // namespace quorumbook::exchange
