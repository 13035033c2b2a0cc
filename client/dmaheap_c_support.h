// What the files of the C library share: errors, and structs that grow.

#ifndef CLIENT_DMAHEAP_C_SUPPORT_H_
#define CLIENT_DMAHEAP_C_SUPPORT_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/dmaheap.h"
#include "client/dmaheap_c.h"

struct dmaheap_error {
  absl::Status status;
  std::string message;
  std::string reason;
  std::map<std::string, std::string> details;
};

struct dmaheap_client {
  std::unique_ptr<dmaheap::Client> client;
};

namespace dmaheap::c_library {

// The defaults of the C++ library's option structs.
inline constexpr absl::Duration kDefaultTimeout = absl::Seconds(5);

dmaheap_error MakeError(const absl::Status& status);
dmaheap_code CodeOf(const absl::Status& status);
// What every function that can fail ends with.
dmaheap_code Finish(const absl::Status& status, dmaheap_error** error);
absl::Status MissingArgument(absl::string_view name);

std::string StringOrEmpty(const char* text);
// Zero stands for the default; what is negative is the library's to refuse.
absl::Duration DurationOr(int64_t milliseconds, absl::Duration fallback);
// Downwards: a delay of 0 is one that is over.
int64_t Milliseconds(absl::Duration duration);
absl::StatusOr<int> ConvertCount(absl::string_view name, uint32_t count);
dmaheap::ProgressCallback ConvertProgress(dmaheap_progressed on_progress, void* context);
absl::Status CheckReserved(uint32_t reserved);

// ---- Parameter structs --------------------------------------------------------------------------
//
// The caller's struct as this library knows it: shorter from an older caller, longer from a newer
// one. The sizes that a version had are all that there can be, and a page the most: more is a
// number that nobody has set.

inline constexpr uint32_t kMaxStructBytes = 4096;

// The bytes before the first of the members that came together later, oldest version first.
template <typename Options>
inline constexpr std::array<size_t, 0> kEarlierBytes = {};
template <>
inline constexpr std::array<size_t, 1> kEarlierBytes<dmaheap_connect_options> = {
    offsetof(dmaheap_connect_options, on_give_back)};
template <>
inline constexpr std::array<size_t, 2> kEarlierBytes<dmaheap_allocate_options> = {
    offsetof(dmaheap_allocate_options, priority), offsetof(dmaheap_allocate_options, reservation)};
template <>
inline constexpr std::array<size_t, 1> kEarlierBytes<dmaheap_hold_options> = {
    offsetof(dmaheap_hold_options, priority)};

// What sizeof was when there were no others: with the padding that may stand there now filled.
template <typename Options>
constexpr size_t EarlierSize(size_t bytes) {
  return (bytes + alignof(Options) - 1) / alignof(Options) * alignof(Options);
}

// size is not one that an earlier version had; for a struct with known bytes whose first version
// had least.
absl::Status CheckOptionsSize(const void* from, uint32_t size, size_t known, size_t least);

template <typename Options>
absl::Status CopyOptions(const Options* from, Options& to) {
  static_assert(std::is_trivially_copyable_v<Options>);
  if (from == nullptr) return MissingArgument("options");
  size_t least = sizeof(Options);
  for (const size_t bytes : kEarlierBytes<Options>) {
    const size_t size = EarlierSize<Options>(bytes);
    least = std::min(least, size);
    if (from->struct_size != size || size == sizeof(Options)) continue;
    to = {};
    std::memcpy(&to, from, bytes);
    return absl::OkStatus();
  }
  absl::Status status = CheckOptionsSize(from, from->struct_size, sizeof(Options), least);
  if (status.ok()) std::memcpy(&to, from, sizeof(Options));
  return status;
}

// ---- Structs that are filled for the caller -----------------------------------------------------

// least: the size that the first version had.
absl::Status CheckInfoSize(uint32_t size, size_t least);

// As far as info->struct_size goes and this library knows; zero beyond that.
template <typename Info>
void CopyInfo(const Info& known, Info& info) {
  static_assert(std::is_trivially_copyable_v<Info>);
  const uint32_t size = info.struct_size;
  std::memset(static_cast<void*>(&info), 0, size);
  std::memcpy(static_cast<void*>(&info), &known, std::min<size_t>(size, sizeof(known)));
}

}  // namespace dmaheap::c_library

#endif  // CLIENT_DMAHEAP_C_SUPPORT_H_
