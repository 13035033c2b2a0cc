// What ThreadSanitizer can not know in a program with gRPC.
//
// Debian's libgrpc++ is not instrumented, but its headers' templates are, where our generated code
// makes them: ThreadSanitizer sees both ends of a hand-over through a completion queue and not the
// queue's own synchronization between them.

extern "C" const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_suppressions() {
  return "race:^grpc::internal::CallOpSet<\n";
}
