// What is wrong with a policy, as it is found, and the checks that its parts have in common.

#ifndef DAEMON_CONFIG_POLICY_PROBLEMS_H_
#define DAEMON_CONFIG_POLICY_PROBLEMS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"

namespace dmaheap {

struct PolicyProblem {
  // "access[1].who.uids[0]"
  std::string path;
  // What is wrong, and what would be right.
  std::string what;
  // A required field is not there (rather than: is wrong).
  bool is_missing = false;
};

// What is wrong with the name of a heap; empty if nothing is. A heap is a node below /dev/dma_heap,
// so its name is a file name; ':' and '*' and quotes have a meaning where names are listed.
std::string WrongHeapName(absl::string_view name);

class PolicyProblems {
 public:
  // "access", 1 -> "access[1]"
  static std::string At(absl::string_view path, int index);

  void Wrong(absl::string_view path, std::string what);
  void Missing(absl::string_view path, std::string what);

  // The name of a heap, which must be there.
  void HeapName(absl::string_view path, absl::string_view name);
  // Above zero and at most max; false if it is not.
  bool Span(absl::string_view path, const google::protobuf::Duration& given, absl::Duration max);
  // From least to most; NaN is within no range. An absent one is fine.
  void Number(absl::string_view path, bool present, double number, double least, double most);

  std::vector<PolicyProblem> Take() { return std::move(problems_); }

 private:
  std::vector<PolicyProblem> problems_;
};

}  // namespace dmaheap

#endif  // DAEMON_CONFIG_POLICY_PROBLEMS_H_
