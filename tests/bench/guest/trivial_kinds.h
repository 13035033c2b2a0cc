// Failures that need no diagnosis to be told right: the request itself, or the daemon, is at fault.

#ifndef TESTS_BENCH_GUEST_TRIVIAL_KINDS_H_
#define TESTS_BENCH_GUEST_TRIVIAL_KINDS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace dmaheap::bench {

struct TrivialKind {
  std::string name;
  // Of the error that the request has to get (proto/dmaheap/v1/errors.proto).
  std::string reason;
  // The request.
  std::string heap;
  int64_t size_bytes = 0;
  std::string retry_policy;
  // Make it so that it fails, and undo that.
  std::function<absl::Status()> begin = [] { return absl::OkStatus(); };
  std::function<absl::Status()> end = [] { return absl::OkStatus(); };
};

// By the daemon's policy verdict_policy.textproto. Root.
std::vector<TrivialKind> TrivialKinds();

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_GUEST_TRIVIAL_KINDS_H_
