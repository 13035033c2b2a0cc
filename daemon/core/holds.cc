#include "daemon/core/holds.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/core/secret.h"
#include "proto/error.h"

namespace dmaheap {
namespace {

// Ended leases that are remembered: more than a person or a script would be late for.
constexpr size_t kRememberedExpiries = 256;

}  // namespace

std::string HeldFdName(const BufferKey& key) { return absl::StrCat("buffer.", key.ToString()); }

Holds::~Holds() {
  for (auto& [key, entry] : holds_) executor_.Cancel(entry.timer);
}

absl::Status Holds::Hold(const BufferKey& key, UniqueFd fd, std::string token,
                         absl::Duration lease) {
  if (absl::Status status = store_.Store(HeldFdName(key), fd.get()); !status.ok()) return status;
  Entry entry{std::move(fd), std::move(token)};
  entry.timer = executor_.After(lease, [this, key] {
    const auto it = holds_.find(key);
    if (it == holds_.end()) return;
    if (expired_.size() >= kRememberedExpiries) expired_.pop_front();
    expired_.emplace_back(key, it->second.token);
    End(key);
    on_expired_(key);
  });
  holds_.insert_or_assign(key, std::move(entry));
  return absl::OkStatus();
}

absl::StatusOr<int> Holds::Borrow(const BufferKey& key, absl::string_view token) const {
  const auto it = holds_.find(key);
  if (it != holds_.end() && SecretsEqual(it->second.token, token)) return it->second.fd.get();
  const std::string name = absl::StrCat("buffers/", key.ToString());
  for (const auto& [expired, its_token] : expired_) {
    if (expired != key || !SecretsEqual(its_token, token)) continue;
    return Error(ErrorReason::LEASE_EXPIRED,
                 absl::StrCat("the lease of ", name,
                              " ended and the buffer was freed. Hold a new one, "
                              "with a longer lease."))
        .With("buffer", name);
  }
  return Error(ErrorReason::BUFFER_NOT_FOUND,
               absl::StrCat("no held buffer ", name,
                            " with this claim token: it was claimed or released already, or one of "
                            "the two is mistyped."))
      .With("buffer", name);
}

void Holds::End(const BufferKey& key) {
  const auto it = holds_.find(key);
  if (it == holds_.end()) return;
  executor_.Cancel(it->second.timer);
  holds_.erase(it);
  // A store that can not be reached has lost its fds with itself.
  store_.Remove(HeldFdName(key)).IgnoreError();
}

}  // namespace dmaheap
