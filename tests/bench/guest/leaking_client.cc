#include "tests/bench/guest/leaking_client.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/dmaheap.h"
#include "tests/bench/become_user.h"
#include "tests/bench/child_process.h"
#include "tests/bench/progress.h"

namespace dmaheap::bench {
namespace {

constexpr uint32_t kFirstUid = 70000;
constexpr int kBuffers = 15;
constexpr int64_t kBufferBytes = 4 << 20;
constexpr absl::Duration kPatience = absl::Seconds(30);

class LeakingClient final : public Trouble {
 public:
  explicit LeakingClient(uint32_t uid) : uid_(uid) {}

  TroubleLabel label() const override { return {"LEAK_SUSPECTED", TroubleLabel::kNone}; }

  absl::StatusOr<std::string> Begin() override {
    auto child = ChildProcess::Start({"/proc/self/exe", kLeakWord, absl::StrCat(uid_)}, "");
    if (!child.ok()) return child.status();
    child_ = *std::move(child);
    if (absl::Status ready = child_->WaitReady(kPatience); !ready.ok()) return ready;
    return absl::StrCat("uid=", uid_, " buffers=", kBuffers);
  }

  absl::StatusOr<std::string> End() override {
    if (absl::Status stopped = child_->Stop(kPatience); !stopped.ok()) return stopped;
    return std::string();
  }

 private:
  const uint32_t uid_;
  std::unique_ptr<ChildProcess> child_;
};

}  // namespace

std::unique_ptr<Trouble> MakeLeakingClient() {
  static uint32_t next_uid = kFirstUid;
  return std::make_unique<LeakingClient>(next_uid++);
}

int RunLeakingClient(const char* text) {
  uint32_t uid = 0;
  if (!absl::SimpleAtoi(text, &uid)) return EXIT_FAILURE;
  if (absl::Status status = BecomeUser(uid); !status.ok()) {
    Say(status.ToString());
    return EXIT_FAILURE;
  }
  auto client = Client::Connect({.label = "leak"});
  if (!client.ok()) {
    Say(client.status().ToString());
    return EXIT_FAILURE;
  }
  std::vector<Buffer> taken;
  while (taken.size() < kBuffers) {
    auto buffer = (*client)->Allocate({.heap = "linux,cma-nofail", .size_bytes = kBufferBytes});
    if (!buffer.ok()) {
      Say(buffer.status().ToString());
      return EXIT_FAILURE;
    }
    taken.push_back(*std::move(buffer));
  }
  puts("READY");
  fflush(stdout);
  WaitForParent();
  return EXIT_SUCCESS;
}

}  // namespace dmaheap::bench
