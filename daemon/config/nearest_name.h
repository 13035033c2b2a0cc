// The name that somebody who mistyped may have meant.

#ifndef DAEMON_CONFIG_NEAREST_NAME_H_
#define DAEMON_CONFIG_NEAREST_NAME_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace dmaheap {

// The candidate with the fewest letters to insert, delete, replace or swap with their neighbour,
// the case of letters aside; the first of equals. None if even that one is another word: more than
// a third of its letters differ.
absl::optional<std::string> NearestName(absl::string_view name,
                                        const std::vector<std::string>& candidates);

}  // namespace dmaheap

#endif  // DAEMON_CONFIG_NEAREST_NAME_H_
