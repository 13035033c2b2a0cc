#include "daemon/diagnosis/prober/process_identity.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/diagnosis/prober/time_box.h"
#include "daemon/diagnosis/prober/tree.h"
#include "proto/unique_fd.h"

namespace dmaheap {
namespace {

// A process whose locks are taken is not waited for. A box of its own: a name that is known is
// worth more than the time.
constexpr absl::Duration kNameTimeBox = absl::Milliseconds(5);

}  // namespace

bool RunsAProgram(int proc, const std::string& pid) {
  char target[1];
  return readlinkat(proc, (pid + "/exe").c_str(), target, sizeof(target)) >= 0 || errno != ENOENT;
}

ProcessIdentity ReadProcessIdentity(int process) {
  ProcessIdentity identity;
  struct stat owner;
  if (fstat(process, &owner) == 0) identity.uid = owner.st_uid;
  const absl::StatusOr<UniqueFd> comm = OpenFileBelow(process, "comm");
  if (!comm.ok()) return identity;
  const absl::StatusOr<FileText> text =
      ReadAll(comm->get(), sizeof(identity.name), TimeBox(kNameTimeBox));
  if (!text.ok()) return identity;
  const absl::string_view name = absl::StripTrailingAsciiWhitespace(text->bytes);
  std::copy_n(name.begin(), std::min(name.size(), sizeof(identity.name) - 1), identity.name);
  return identity;
}

}  // namespace dmaheap
