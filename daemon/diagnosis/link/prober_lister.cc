#include "daemon/diagnosis/link/prober_lister.h"

#include <utility>

namespace dmaheap {
namespace {

// The prober's time box is well below; this long it takes to be started again.
constexpr absl::Duration kPatience = absl::Seconds(5);

BufferKey::Backing ToBacking(BufferBacking backing) {
  return backing == BufferBacking::kMemfd ? BufferKey::Backing::kMemfd
                                          : BufferKey::Backing::kDmaBuf;
}

v1::AccountingSource ToSource(ProberSource source) {
  switch (source) {
    case ProberSource::kSysfs:
      return v1::SYSFS;
    case ProberSource::kDebugfs:
      return v1::BUFINFO;
    case ProberSource::kNone:
    case ProberSource::kProcScan:
      break;
  }
  return v1::PARTIAL;
}

// One question, until its answer or the end of patience, whichever comes first.
struct Question {
  BufferLister::Done done;
  TimerId timer = 0;
};

}  // namespace

BufferListing ToListing(const DmabufList& list) {
  BufferListing listing;
  listing.all_dma_bufs = list.buffers_complete;
  listing.source = ToSource(list.source);
  listing.all_processes = list.holders_complete;
  for (const ProbedBuffer& buffer : list.buffers) {
    listing.seen.insert({ToBacking(buffer.backing), buffer.inode});
  }
  return listing;
}

void ProberLister::List(Done done) {
  if (client_ == nullptr) {
    executor_.Post([done = std::move(done)]() mutable {
      done(absl::FailedPreconditionError("the daemon runs without its prober (--no-prober)"));
    });
    return;
  }
  auto question = std::make_shared<Question>();
  question->done = std::move(done);
  const absl::StatusOr<uint64_t> asked =
      client_->ListDmabufs([this, question](absl::StatusOr<DmabufList> list) {
        executor_.Cancel(question->timer);
        if (!list.ok()) return question->done(list.status());
        question->done(ToListing(*list));
      });
  if (!asked.ok()) {
    executor_.Post([question, status = asked.status()] { question->done(status); });
    return;
  }
  question->timer = executor_.After(kPatience, [client = client_, question, asked = *asked] {
    client->Cancel(asked);
    question->done(absl::DeadlineExceededError("the prober did not answer"));
  });
}

}  // namespace dmaheap
