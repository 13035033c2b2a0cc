// The part of ./dev bench verdicts that runs in the virtual machine, as root:
//
//   verdicts_in_guest CASES FILE
//
// Writes what it saw to FILE (verdict_record.h), and what it is at to standard error.

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/dmaheap.h"
#include "dmaheap/v1/admin.grpc.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "proto/error.h"
#include "proto/grpc_status.h"
#include "proto/wire.h"
#include "tests/bench/guest/leaking_client.h"
#include "tests/bench/guest/trivial_kinds.h"
#include "tests/bench/guest/verdict_kinds.h"
#include "tests/bench/progress.h"
#include "tests/bench/verdict_record.h"

namespace dmaheap::bench {
namespace {

constexpr char kSocketDir[] = "/run/dmaheapd";

class Diagnoses {
 public:
  Diagnoses()
      : admin_(v1::Admin::NewStub(
            grpc::CreateChannel(absl::StrCat("unix:", kSocketDir, "/", kAdminSocketName),
                                grpc::InsecureChannelCredentials()))) {}

  absl::StatusOr<v1::Diagnosis> Get(const std::string& name) {
    v1::GetDiagnosisRequest request;
    request.set_name(name);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    v1::Diagnosis diagnosis;
    const absl::Status status = FromGrpcStatus(admin_->GetDiagnosis(&context, request, &diagnosis));
    if (!status.ok()) return status;
    return diagnosis;
  }

 private:
  std::unique_ptr<v1::Admin::Stub> admin_;
};

VerdictCase CaseOf(const VerdictKind& kind, const TroubleLabel& truth,
                   const v1::Diagnosis& diagnosis) {
  VerdictCase one;
  one.kind = kind.name;
  one.true_verdict = truth.verdict;
  one.true_cause = truth.cause;
  one.true_pinner = kind.we_pin ? getpid() : 0;
  one.verdict = v1::Diagnosis::Verdict_Name(diagnosis.verdict());
  one.confidence = v1::Diagnosis::Confidence_Name(diagnosis.confidence());
  one.evidence_level = v1::Diagnosis::EvidenceLevel_Name(diagnosis.evidence_level());
  if (diagnosis.has_pin()) one.cause = v1::Diagnosis::Pin::Cause_Name(diagnosis.pin().cause());
  for (const v1::Diagnosis::Process& process : diagnosis.pin().processes()) {
    if (process.role() == v1::Diagnosis::Process::PINNER &&
        process.confidence() == v1::Diagnosis::CERTAIN) {
      one.pinners.push_back(process.pid());
    }
  }
  return one;
}

// The error of one that failed; OK: none did.
absl::Status AskUntilOneFails(Client& client, const VerdictKind& kind) {
  for (int i = 0; i < kind.tries; ++i) {
    const auto buffer = client.Allocate({.heap = "linux,cma-nofail",
                                         .size_bytes = kind.size_bytes,
                                         .retry_policy = kind.retry_policy});
    if (!buffer.ok()) return buffer.status();
  }
  return absl::OkStatus();
}

absl::Status MakeOneFail(Client& client, Diagnoses& diagnoses, const VerdictKind& kind,
                         VerdictRecord& record) {
  const std::unique_ptr<Trouble> trouble = kind.make();
  if (const auto begun = trouble->Begin(); !begun.ok()) return begun.status();
  const absl::Status failed = AskUntilOneFails(client, kind);
  const TroubleLabel truth = trouble->label();
  if (const auto ended = trouble->End(); !ended.ok()) return ended.status();
  if (failed.ok()) {
    Say(absl::StrCat(kind.name, ": nothing failed"));
    return absl::OkStatus();
  }
  const auto name = GetErrorValue(failed, "diagnosis");
  if (!name.has_value()) return failed;
  const auto diagnosis = diagnoses.Get(*name);
  if (!diagnosis.ok()) return diagnosis.status();
  record.cases.push_back(CaseOf(kind, truth, *diagnosis));
  const VerdictCase& one = record.cases.back();
  Say(absl::StrCat(kind.name, ": ", one.verdict, " (", one.evidence_level, ") ", one.cause, "; ",
                   diagnosis->explanation()));
  return absl::OkStatus();
}

absl::Status FailTrivially(Client& client, int cases, VerdictRecord& record) {
  for (const TrivialKind& kind : TrivialKinds()) {
    for (int i = 0; i < cases; ++i) {
      if (absl::Status status = kind.begin(); !status.ok()) return status;
      const auto buffer = client.Allocate(
          {.heap = kind.heap, .size_bytes = kind.size_bytes, .retry_policy = kind.retry_policy});
      if (absl::Status status = kind.end(); !status.ok()) return status;
      record.trivial.push_back({.kind = kind.name,
                                .true_reason = kind.reason,
                                .reason = ErrorReasonName(buffer.status())});
      if (i == 0) Say(absl::StrCat(kind.name, ": ", buffer.status().ToString()));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<VerdictRecord> Measure(int cases) {
  auto client = Client::Connect({.label = "verdicts"});
  if (!client.ok()) return client.status();
  Diagnoses diagnoses;
  VerdictRecord record;
  for (const VerdictKind& kind : VerdictKinds()) {
    for (int i = 0; i < cases; ++i) {
      if (absl::Status status = MakeOneFail(**client, diagnoses, kind, record); !status.ok()) {
        return absl::Status(status.code(), absl::StrCat(kind.name, ": ", status.message()));
      }
    }
  }
  if (absl::Status status = FailTrivially(**client, cases, record); !status.ok()) return status;
  return record;
}

int Main(int argc, char** argv) {
  if (argc == 3 && absl::string_view(argv[1]) == kLeakWord) return RunLeakingClient(argv[2]);
  int cases = 0;
  if (argc != 3 || !absl::SimpleAtoi(argv[1], &cases)) {
    Say("usage: verdicts_in_guest CASES FILE");
    return EXIT_FAILURE;
  }
  const auto record = Measure(cases);
  if (!record.ok()) {
    Say(record.status().ToString());
    return EXIT_FAILURE;
  }
  std::ofstream file(argv[2]);
  file << FormatVerdictRecord(*record) << std::flush;
  return file ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace dmaheap::bench

int main(int argc, char** argv) { return dmaheap::bench::Main(argc, argv); }
