// What is wrong with a policy that could be parsed: every rule of the schema's comments, all at
// once.
//
// Pure. It knows nothing of this machine but the page size: whether a heap exists is not its
// question.

#ifndef DAEMON_CONFIG_POLICY_VALIDATION_H_
#define DAEMON_CONFIG_POLICY_VALIDATION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "dmaheap/config/v1/policy.pb.h"

namespace dmaheap {

struct PolicyProblem {
  // "access[1].who.uids[0]"
  std::string path;
  // What is wrong, and what would be right.
  std::string what;
  // A required field is not there (rather than: is wrong).
  bool is_missing = false;
};

// Empty for a valid policy. page_size_bytes: of the machine that will use it.
std::vector<PolicyProblem> ValidatePolicy(const config::v1::Policy& policy,
                                          int64_t page_size_bytes);

// What is wrong with the name of a heap; empty if nothing is. A heap is a node below /dev/dma_heap,
// so its name is a file name; ':' and '*' and quotes have a meaning where names are listed.
std::string WrongHeapName(absl::string_view name);

}  // namespace dmaheap

#endif  // DAEMON_CONFIG_POLICY_VALIDATION_H_
