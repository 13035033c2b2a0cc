// What the prober can see, asked once when the broker starts.

#ifndef DAEMON_DIAGNOSIS_LINK_PROBER_SOURCES_H_
#define DAEMON_DIAGNOSIS_LINK_PROBER_SOURCES_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daemon/diagnosis/prober/prober_client.h"
#include "daemon/diagnosis/sources.h"
#include "daemon/loop/executor.h"

namespace dmaheap {

// Inside tasks only.
class ProberSources {
 public:
  // Asked again after that: a prober may die with the question.
  static constexpr absl::Duration kPatience = absl::Seconds(5);

  // client: nullptr where there is no prober; then nothing is ever found. Both outlive this, but
  // for a timer of the executor that never runs again.
  ProberSources(Executor& executor, ProberClient* client) : executor_(executor), client_(client) {}

  // Asks, until it is answered; then says in the log what there is.
  void Ask();

  // Empty until the answer is there.
  const SourceErrors& errors() const { return errors_; }

 private:
  void OnFound(const std::vector<SourceRecord>& sources);

  Executor& executor_;
  ProberClient* const client_;
  SourceErrors errors_;
};

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_LINK_PROBER_SOURCES_H_
