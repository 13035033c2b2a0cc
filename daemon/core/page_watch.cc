#include "daemon/core/page_watch.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace dmaheap {

std::string ToText(const PageMappers& mappers) {
  return absl::StrJoin(mappers.processes, ", ", [](std::string* out, const PageMapper& process) {
    absl::StrAppend(out, process.name, " (pid ", process.pid, ", uid ", process.uid, ")");
  });
}

}  // namespace dmaheap
