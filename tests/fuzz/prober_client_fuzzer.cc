// The broker's end of the prober, against a prober that was taken over by what it reads: each
// question has at most one answer, and whatever is in it can be calculated with. The input is
// datagrams, each behind its length; a sequence of 0 to 7 stands for that of a question.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/diagnosis/prober/prober_client.h"
#include "daemon/diagnosis/prober/prober_wire.h"
#include "proto/fd_socket.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/free_list_property.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/quiet.h"
#include "tests/fuzz/seqpacket_pair.h"

namespace dmaheap::fuzz {
namespace {

void Check(const DmabufList& list) {
  DEMAND(list.buffers.size() <= kMaxProberRecords);
  for (const ProbedBuffer& buffer : list.buffers) {
    DEMAND(buffer.size_bytes.value_or(0) >= 0 && buffer.references.value_or(0) >= 0);
    for (const BufferHolder& holder : buffer.holders) DEMAND(holder.count >= 0);
  }
}
void Check(const CmaFreeList& list) { DemandSound(list); }
void Check(const CgroupMemberList& list) { DEMAND(list.pids.size() <= kMaxProberRecords); }
void Check(const FrameMappers& found) {
  DEMAND(found.map_count.value_or(0) >= 0);
  for (const FrameMappers::Process& process : found.processes) DEMAND(process.pages >= 0);
}
void Check(const FramePinners& found) {
  DEMAND(found.map_count.value_or(0) >= 0 && found.references.value_or(0) >= 0);
  DEMAND(found.most_mapped >= 0);
}
void Check(const std::vector<SourceRecord>& sources) {
  DEMAND(sources.size() <= kMaxProberRecords);
}
void Check(const RefusingPage& page) {
  DEMAND(page.error_number >= 0 && page.windows_refused >= 0);
  DEMAND(page.map_count.value_or(0) >= 0);
}

class Questions {
 public:
  explicit Questions(ProberClient& client) {
    Ask([&](auto answer) { return client.ListDmabufs(answer); });
    Ask([&](auto answer) { return client.GetFreeList("reserved", answer); });
    Ask([&](auto answer) { return client.GetCgroupMembers(0, answer); });
    Ask([&](auto answer) { return client.FindMappers(4711, 16, answer); });
    Ask([&](auto answer) { return client.FindPinners(4711, absl::Milliseconds(5), answer); });
    Ask([&](auto answer) { return client.FindSources(answer); });
    Ask([&](auto answer) { return client.WatchPage(90, 0, answer, [] {}); });
  }

  uint64_t SequenceOf(size_t question) const { return sequences_[question % sequences_.size()]; }
  const std::vector<uint64_t>& sequences() const { return sequences_; }

 private:
  template <typename Send>
  void Ask(Send send) {
    auto answered = std::make_shared<bool>(false);
    const absl::StatusOr<uint64_t> sequence = send([answered](const auto& answer) {
      DEMAND(!std::exchange(*answered, true));
      if (answer.ok()) {
        Check(*answer);
      } else {
        DEMAND(!answer.status().message().empty());
      }
    });
    DEMAND(sequence.ok());
    sequences_.push_back(*sequence);
  }

  std::vector<uint64_t> sequences_;
};

void Run(Input input) {
  SeqpacketPair channel;
  const auto client = ProberClient::Create(std::move(channel.one)).value();
  const Questions questions(*client);
  while (!input.empty()) {
    std::string bytes(input.TakeBytes(input.Take<uint16_t>() % (kMaxProberDatagramBytes + 2)));
    uint64_t sequence = 0;
    constexpr size_t kAt = offsetof(ProberReplyHeader, sequence);
    if (bytes.size() >= kAt + sizeof(sequence)) {
      memcpy(&sequence, &bytes[kAt], sizeof(sequence));
      if (sequence < 8) sequence = questions.SequenceOf(sequence);
      memcpy(&bytes[kAt], &sequence, sizeof(sequence));
    }
    if (bytes.empty()) continue;
    SendDatagram(channel.other.get(), bytes, {}).IgnoreError();
    DEMAND(client->OnReadable().ok());
  }
  for (const uint64_t sequence : questions.sequences()) client->UnwatchPage(sequence);
  DEMAND(client->pending() == 0);
}

}  // namespace
}  // namespace dmaheap::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dmaheap::fuzz::BeQuiet();
  const int before = dmaheap::fuzz::NextFd();
  dmaheap::fuzz::Run(dmaheap::fuzz::Input(data, size));
  DEMAND(dmaheap::fuzz::NextFd() == before);
  return 0;
}
