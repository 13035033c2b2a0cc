// The ways in which requests are made to fail, each with its truth. One more is one more line in
// the source.

#ifndef TESTS_BENCH_GUEST_VERDICT_KINDS_H_
#define TESTS_BENCH_GUEST_VERDICT_KINDS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/vm/tools/trouble.h"

namespace dmaheap::bench {

struct VerdictKind {
  // In the rows of the report.
  std::string name;
  std::function<std::unique_ptr<Trouble>()> make;
  // What is asked for meanwhile, and by which retry policy.
  int64_t size_bytes = 0;
  std::string retry_policy;
  // This process keeps the page in place, as long as the trouble lasts.
  bool we_pin = false;
  // How often to ask until one fails: what is in the way for an instant need not be.
  int tries = 1;
};

std::vector<VerdictKind> VerdictKinds();

}  // namespace dmaheap::bench

#endif  // TESTS_BENCH_GUEST_VERDICT_KINDS_H_
