#include "client/internal/random_id.h"

#include <sys/random.h>
#include <unistd.h>

#include <atomic>
#include <chrono>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace dmaheap::client_internal {
namespace {

// getrandom(2) with up to 256 bytes neither fails nor is interrupted once the pool is ready. Should
// a sandbox forbid it, the clock, the pid and a counter still make ids that are unique enough: an
// id is no secret.
void Fill(void* bytes, size_t size) {
  if (getrandom(bytes, size, 0) == static_cast<ssize_t>(size)) return;
  static std::atomic<uint64_t> counter{0};
  for (size_t i = 0; i < size; ++i) {
    uint64_t mix =
        static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    mix = (mix + (counter.fetch_add(1) << 20) + static_cast<uint64_t>(getpid())) *
          0x9E3779B97F4A7C15ull;
    static_cast<unsigned char*>(bytes)[i] = static_cast<unsigned char>(mix >> 56);
  }
}

}  // namespace

uint64_t RandomNumber() {
  uint64_t number;
  Fill(&number, sizeof(number));
  return number;
}

std::string RandomId() {
  char bytes[16];
  Fill(bytes, sizeof(bytes));
  return absl::BytesToHexString(absl::string_view(bytes, sizeof(bytes)));
}

}  // namespace dmaheap::client_internal
