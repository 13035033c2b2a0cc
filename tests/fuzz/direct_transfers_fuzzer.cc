// /proc/PID/task/TID/syscall and the flags in fdinfo.

#include <fcntl.h>
#include <sys/syscall.h>

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "daemon/diagnosis/prober/direct_transfers.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dmaheap;
  const absl::string_view text = fuzz::AsText(data, size);
  IsDirect(text);
  DEMAND(IsDirect(absl::StrCat("pos:\t0\nflags:\t0140000\n", text)));
  DEMAND(!IsDirect(absl::StrCat("pos:\t0\nflags:\t0100000\n", text)));
  const auto call = ParseTransferCall(text);
  if (!call.has_value()) return 0;
  const auto again = ParseTransferCall(absl::StrCat(
      call->of_pieces ? SYS_readv : SYS_read, " 0x", absl::Hex(static_cast<uint32_t>(call->fd)),
      " 0x", absl::Hex(call->address), " 0x", absl::Hex(call->count), " 0x0 0x0 0x0 0x1 0x2\n"));
  DEMAND(again.has_value() && again->fd == call->fd && again->address == call->address);
  DEMAND(again->of_pieces == call->of_pieces && again->count == call->count);
  return 0;
}
