// What a broker that may have been taken over says to the keeper.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daemon/keeper/notify_message.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"

namespace dmaheap::fuzz {
namespace {

std::string Written(const NotifyMessage& message) {
  std::string text = "X_OTHER=1\n";
  if (message.ready) text += "READY=1\n";
  if (message.stopping) text += "STOPPING=1\n";
  if (message.watchdog) text += "WATCHDOG=1\n";
  if (message.fd_store) text += "FDSTORE=1\n";
  if (message.fd_store_remove) text += "FDSTOREREMOVE=1\n";
  if (message.barrier) text += "BARRIER=1\n";
  if (message.status.has_value()) absl::StrAppend(&text, "STATUS=", *message.status, "\n");
  return absl::StrCat(text, "FDNAME=", message.fd_name);
}

}  // namespace
}  // namespace dmaheap::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dmaheap;
  const auto message = ParseNotifyMessage(fuzz::AsText(data, size));
  if (!message.ok()) return 0;
  DEMAND(size > 0 && size <= kMaxNotifyBytes);
  DEMAND(!(message->fd_store && message->fd_store_remove));
  if (message->fd_store || message->fd_store_remove) {
    DEMAND(IsFdName(message->fd_name));
    DEMAND(message->fd_name.size() <= 255 && !absl::StrContains(message->fd_name, ":"));
  }
  const std::string written = fuzz::Written(*message);
  if (written.size() > kMaxNotifyBytes) return 0;
  const auto again = ParseNotifyMessage(written);
  DEMAND(again.ok());
  DEMAND(again->ready == message->ready && again->stopping == message->stopping);
  DEMAND(again->watchdog == message->watchdog && again->barrier == message->barrier);
  DEMAND(again->fd_store == message->fd_store);
  DEMAND(again->fd_store_remove == message->fd_store_remove);
  DEMAND(again->status == message->status && again->fd_name == message->fd_name);
  return 0;
}
