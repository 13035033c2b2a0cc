// What ThreadSanitizer cannot see (docs: ThreadSanitizerSuppressions in the sanitizers' wiki).
//
// gRPC hands a reply from one thread to another through its completion queue. The queue is in a
// library that is not instrumented, but what fills in the reply (CallOpSet::FinalizeResult) is a
// template of gRPC's headers, which is compiled with us: the sanitizer sees two threads write and
// not the queue between them. Nothing of ours runs below AsyncNextInternal; what does run after it
// is ordered by AwaitedReply itself. gRPC's own threads pass closures to each other in an
// AnyInvocable, of which our instrumented copy is the one that the linker chose; nothing of ours
// runs on them.

extern "C" const char* __tsan_default_suppressions() {  // NOLINT: the sanitizer's name
  return "race:grpc::CompletionQueue::AsyncNextInternal\n"
         "race:grpc_event_engine::experimental::ThreadPool::Queue\n";
}
