// The prober's list of buffers, for the books.

#ifndef DAEMON_DIAGNOSIS_LINK_PROBER_LISTER_H_
#define DAEMON_DIAGNOSIS_LINK_PROBER_LISTER_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "daemon/core/buffer_lister.h"
#include "daemon/diagnosis/prober/prober_client.h"
#include "daemon/loop/executor.h"

namespace dmaheap {

// As the books need it: without sizes and holders.
BufferListing ToListing(const DmabufList& list);

class ProberLister : public BufferLister {
 public:
  // client may be nullptr: there is no prober. Both outlive this.
  ProberLister(Executor& executor, ProberClient* client) : executor_(executor), client_(client) {}

  // DEADLINE_EXCEEDED: the prober did not answer, perhaps because it died.
  void List(Done done) override;

 private:
  Executor& executor_;
  ProberClient* const client_;
};

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_LINK_PROBER_LISTER_H_
