// A test in the guest that starts, kills and blinds the daemon itself (--no-daemon), with clients
// of the end-to-end tests. At the end no buffer may be left, by anybody's word, and the daemon must
// stop with 0.

#ifndef TESTS_VM_GUEST_DAEMON_FIXTURE_H_
#define TESTS_VM_GUEST_DAEMON_FIXTURE_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "daemon/keeper/testing/daemon_process.h"
#include "proto/testing/fd_leak_check.h"
#include "tests/e2e/agent_process.h"
#include "tests/vm/guest/books.h"

namespace dmaheap {

class DaemonFixture : public FdLeakCheck {
 protected:
  static void SetUpTestSuite() { books_ = std::make_unique<BooksReader>(); }
  static void TearDownTestSuite() { books_.reset(); }
  void TearDown() override;

  // Options beside --user=dmaheapd; folders of which this daemon sees nothing; capabilities that it
  // does not have. Returns when it serves.
  void Start(std::vector<std::string> options = {}, std::vector<std::string> hidden = {},
             std::vector<int> dropped_capabilities = {});
  // The next line of its log with that text.
  std::string WaitLog(const std::string& text) { return daemon_->WaitLog(text); }
  // Keeper, broker and prober at once: what they knew and watched is lost, but for the journal.
  void KillAll();

  // A client without privileges, connected.
  std::unique_ptr<AgentProcess> NewClient() const;

  // What books.h has, of this daemon.
  Books ReadBooks() { return books_->Read(); }
  testing::AssertionResult AllAgreeOn(const std::vector<std::string>& names) {
    return dmaheap::AllAgreeOn(*books_, names);
  }
  testing::AssertionResult BooksComeTo(const std::vector<std::string>& names) {
    return dmaheap::BooksComeTo(*books_, names);
  }

 private:
  inline static std::unique_ptr<BooksReader> books_;
  std::unique_ptr<DaemonProcess> daemon_;
  pid_t broker_ = 0;
  pid_t prober_ = 0;
};

}  // namespace dmaheap

#endif  // TESTS_VM_GUEST_DAEMON_FIXTURE_H_
