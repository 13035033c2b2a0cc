#include "daemon/diagnosis/prober/drop_capability.h"

#include <cerrno>
#include <memory>
#include <type_traits>

#include "proto/errno_status.h"

namespace dmaheap {

absl::Status DropCapability(cap_value_t capability) {
  struct CapFree {
    void operator()(cap_t caps) const { cap_free(caps); }
  };
  const std::unique_ptr<std::remove_pointer_t<cap_t>, CapFree> caps(cap_get_proc());
  if (caps == nullptr) return ErrnoStatus(errno, "cap_get_proc");
  for (const cap_flag_t set : {CAP_EFFECTIVE, CAP_PERMITTED, CAP_INHERITABLE}) {
    if (cap_set_flag(caps.get(), set, 1, &capability, CAP_CLEAR) != 0) {
      return ErrnoStatus(errno, "cap_set_flag");
    }
  }
  if (cap_set_proc(caps.get()) != 0) return ErrnoStatus(errno, "cap_set_proc");
  return absl::OkStatus();
}

}  // namespace dmaheap
