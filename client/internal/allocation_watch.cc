#include "client/internal/allocation_watch.h"

#include <mutex>
#include <utility>

#include "client/internal/convert.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/async_stream.h"

namespace dmaheap::client_internal {
namespace {

// The end is the reply's to tell: the stream's word for it may come before or after, and a try that
// failed may not be the last.
bool UnderWay(const v1::Allocation& allocation) {
  return allocation.state() != v1::Allocation::SUCCEEDED &&
         allocation.state() != v1::Allocation::FAILED;
}

}  // namespace

// What gRPC uses until the stream has ended. It keeps itself alive as long.
class AllocationWatch::Stream : public AwaitedReply {
 public:
  Stream(ReplyThread& replies, ProgressCallback on_progress)
      : stay_(replies), on_progress_(std::move(on_progress)) {}

  static void Start(const std::shared_ptr<Stream>& stream, v1::Allocator::Stub& stub,
                    const std::string& request_id, grpc::CompletionQueue& queue) {
    v1::WatchAllocationRequest request;
    request.set_request_id(request_id);
    stream->self_ = stream;
    stream->reader_ = stub.PrepareAsyncWatchAllocation(&stream->context_, request, &queue);
    // Until it has started: its end may arrive on the other thread before StartCall returns.
    std::lock_guard<std::mutex> lock(stream->mutex_);
    stream->reader_->StartCall(stream->Tag());
  }

  void End() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      on_progress_ = nullptr;
    }
    // What it waits for fails now, and so it comes to its end.
    context_.TryCancel();
  }

 private:
  enum class Step { kStarts, kReads, kFinishes };

  void Arrived(bool ok) override {
    if (step_ == Step::kStarts) AwaitStart();
    if (step_ == Step::kFinishes) {
      const std::shared_ptr<Stream> last = std::move(self_);
      return;
    }
    if (ok && step_ == Step::kReads) Tell();
    step_ = ok ? Step::kReads : Step::kFinishes;
    if (ok) {
      reader_->Read(&message_, Tag());
    } else {
      reader_->Finish(&status_, Tag());
    }
  }

  void AwaitStart() { const std::lock_guard<std::mutex> lock(mutex_); }

  void Tell() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (on_progress_ && UnderWay(message_)) on_progress_(ToProgress(message_));
  }

  const ReplyThread::Stay stay_;
  Step step_ = Step::kStarts;
  std::shared_ptr<Stream> self_;
  grpc::ClientContext context_;
  v1::Allocation message_;
  // Nobody asks why it ended.
  grpc::Status status_;
  // Lives in the memory of the context's call, and so goes before it.
  std::unique_ptr<grpc::ClientAsyncReader<v1::Allocation>> reader_;

  // Held while the call is started, and while on_progress runs.
  std::mutex mutex_;
  ProgressCallback on_progress_;
};

AllocationWatch::AllocationWatch(ReplyThread& replies, v1::Allocator::Stub& stub,
                                 const std::string& request_id,
                                 const ProgressCallback& on_progress) {
  if (!on_progress) return;
  stream_ = std::make_shared<Stream>(replies, on_progress);
  Stream::Start(stream_, stub, request_id, replies.queue());
}

AllocationWatch::~AllocationWatch() {
  if (stream_ != nullptr) stream_->End();
}

}  // namespace dmaheap::client_internal
