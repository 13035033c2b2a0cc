// Scripts that complete dmaheapctl's words in a shell. A pure function.

#ifndef CLIENT_CTL_COMPLETION_H_
#define CLIENT_CTL_COMPLETION_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace dmaheap::ctl {

struct CompletionWords {
  struct Verb {
    std::string name;
    std::string description;
    // "--label"
    std::vector<std::string> options;
    // What stands behind the verb, where the set is closed.
    std::vector<std::string> values;
    // The daemon's heaps stand behind the verb.
    bool takes_heap = false;
    // The caller's reservations do.
    bool takes_reservation = false;
    // The name of a file stands behind the verb. (bash offers those where it finds nothing else.)
    bool takes_file = false;
    // Diagnoses of the caller's failures stand behind the verb.
    bool takes_diagnosis = false;
  };
  // Those of every verb.
  std::vector<std::string> options;
  // Behind -o, and behind --priority.
  std::vector<std::string> formats;
  std::vector<std::string> priorities;
  std::vector<Verb> verbs;
};

// shell is bash, zsh or fish; empty for another. Heaps and reservations are asked of the daemon
// while completing.
std::string CompletionScript(absl::string_view shell, const CompletionWords& words);

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_COMPLETION_H_
