#include "tests/policy_lab/recording/kernel_probes.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "proto/errno_status.h"
#include "proto/unique_fd.h"

namespace dmaheap::policy_lab {
namespace {

constexpr char kFile[] = "/sys/kernel/tracing/kprobe_events";

// In one write, as the kernel takes a definition.
absl::Status Append(const std::string& line) {
  const UniqueFd file(open(kFile, O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!file.valid() ||
      write(file.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    return ErrnoStatus(errno, absl::StrCat("writing `", line, "` to ", kFile));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<KernelProbes>> KernelProbes::Make(
    const std::vector<std::string>& definitions) {
  std::unique_ptr<KernelProbes> probes(new KernelProbes);
  for (const std::string& definition : definitions) {
    if (absl::Status status = Append(definition); !status.ok()) {
      return absl::Status(
          status.code(),
          absl::StrCat(status.message(),
                       ": be root, and use a kernel with CONFIG_KPROBE_EVENTS and that function"));
    }
    const size_t name = definition.find(':') + 1;
    probes->events_.push_back(definition.substr(name, definition.find(' ') - name));
  }
  return probes;
}

KernelProbes::~KernelProbes() {
  for (const std::string& event : events_) Append(absl::StrCat("-:", event)).IgnoreError();
}

}  // namespace dmaheap::policy_lab
