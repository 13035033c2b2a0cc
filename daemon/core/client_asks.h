// Asks clients for memory of a heap that has no room: those that said at connect that they may be
// asked, and that have buffers of it. A pool that is asked shrinks; who does not want to, keeps
// what it has.
//
// At most one question in kMinAskInterval for each heap, whoever waits. Inside tasks of the
// executor only.

#ifndef DAEMON_CORE_CLIENT_ASKS_H_
#define DAEMON_CORE_CLIENT_ASKS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/time/time.h"
#include "daemon/core/allocation.h"
#include "daemon/core/buffer_table.h"
#include "daemon/loop/executor.h"
#include "daemon/telemetry/heap_counters.h"
#include "dmaheap/v1/fd_channel.pb.h"

namespace dmaheap {

// Sends a question to the session of that client: false if it is not one that may be asked, or can
// not be reached now.
using AskClient = std::function<bool(uint64_t client_id, const v1::GiveBack& question)>;

class ClientAsks {
 public:
  // table outlives this.
  ClientAsks(const Executor& executor, const BufferTable& table, AskClient ask)
      : executor_(executor), table_(table), ask_(std::move(ask)) {}

  // For an allocation that lacks room. counts: of its heap.
  void Ask(Allocation& allocation, ClientAskCounts& counts);

  // What to add to where an allocation ended for which clients were asked: memory of another heap
  // than theirs is no help of theirs. counts: of allocation.asked_of.
  static void OnEnd(const Allocation& allocation, ClientAskCounts& counts);

 private:
  const Executor& executor_;
  const BufferTable& table_;
  const AskClient ask_;
  // By heap.
  std::map<std::string, absl::Time> last_asked_;
};

}  // namespace dmaheap

#endif  // DAEMON_CORE_CLIENT_ASKS_H_
