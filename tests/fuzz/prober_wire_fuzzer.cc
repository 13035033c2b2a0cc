// Both directions between broker and prober: what is taken is what would be sent.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "daemon/diagnosis/prober/prober_wire.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/input.h"

namespace dmaheap::fuzz {
namespace {

void CheckRequest(absl::string_view bytes) {
  const auto request = DecodeProberRequest(bytes);
  if (!request.ok()) return;
  const auto again = EncodeProberRequest(static_cast<ProberOp>(request->op), request->sequence,
                                         absl::string_view(request->name));
  DEMAND(again.ok() && *again == bytes);
}

void CheckNewRequest(Input input) {
  const auto op = static_cast<ProberOp>(input.Take<uint32_t>());
  const uint64_t sequence = input.Take<uint64_t>();
  const absl::string_view name = input.TakeRest();
  const auto bytes = EncodeProberRequest(op, sequence, name);
  if (!bytes.ok()) return;
  const auto request = DecodeProberRequest(*bytes);
  DEMAND(request.ok() && request->op == static_cast<uint32_t>(op));
  DEMAND(request->sequence == sequence && absl::string_view(request->name) == name);
}

template <typename Record>
void DemandSame(const std::vector<Record>& a, const std::vector<Record>& b) {
  DEMAND(a.size() == b.size());
  if (!a.empty()) DEMAND(memcmp(a.data(), b.data(), a.size() * sizeof(Record)) == 0);
}

template <size_t kSize>
void DemandEnded(const char (&text)[kSize]) {
  DEMAND(memchr(text, '\0', kSize) != nullptr);
}

void DemandEnded(const ProcessRecord& process) {
  DemandEnded(process.name);
  DemandEnded(process.cgroup);
  DemandEnded(process.executable);
}

void CheckReply(absl::string_view bytes) {
  const auto part = DecodeProberReply(bytes);
  if (!part.ok()) return;
  for (const BufferRecord& record : part->buffers) {
    DemandEnded(record.name);
    DemandEnded(record.exporter);
  }
  for (const MapperRecord& record : part->mappers) {
    DemandEnded(record.process);
    DemandEnded(record.path);
  }
  for (const PinnerRecord& record : part->pinners) DemandEnded(record.process);
  // "No record follows."
  DEMAND(part->header.error_number == 0 || part->header.count == 0);

  ProberReply reply;
  reply.op = static_cast<ProberOp>(part->header.op);
  reply.sequence = part->header.sequence;
  reply.flags = part->header.flags;
  reply.source = static_cast<ProberSource>(part->header.source);
  reply.error_number = part->header.error_number;
  reply.buffers = part->buffers;
  reply.holders = part->holders;
  reply.areas = part->areas;
  reply.runs = part->runs;
  reply.members = part->members;
  reply.frames = part->frames;
  reply.mappers = part->mappers;
  reply.pinners = part->pinners;
  reply.attempts = part->attempts;
  reply.sources = part->sources;
  ProberReplyPart whole;
  const std::vector<std::string> datagrams = EncodeProberReply(reply);
  DEMAND(!datagrams.empty());
  for (size_t i = 0; i < datagrams.size(); ++i) {
    DEMAND(datagrams[i].size() <= kMaxProberDatagramBytes);
    auto again = DecodeProberReply(datagrams[i]);
    DEMAND(again.ok() && again->header.part == i);
    DEMAND(((again->header.flags & kProberLast) != 0) == (i + 1 == datagrams.size()));
    AppendRecords(*std::move(again), whole);
  }
  DEMAND(whole.header.op == part->header.op && whole.header.sequence == part->header.sequence);
  DEMAND(whole.header.error_number == part->header.error_number);
  DEMAND(whole.header.flags == (part->header.flags | kProberLast));
  DemandSame(whole.buffers, part->buffers);
  DemandSame(whole.holders, part->holders);
  DemandSame(whole.areas, part->areas);
  DemandSame(whole.runs, part->runs);
  DemandSame(whole.members, part->members);
  DemandSame(whole.frames, part->frames);
  DemandSame(whole.mappers, part->mappers);
  DemandSame(whole.pinners, part->pinners);
  DemandSame(whole.attempts, part->attempts);
  DemandSame(whole.sources, part->sources);
}

}  // namespace
}  // namespace dmaheap::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dmaheap::fuzz;
  CheckRequest(AsText(data, size));
  CheckNewRequest(Input(data, size));
  CheckReply(AsText(data, size));
  return 0;
}
