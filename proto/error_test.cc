#include "proto/error.h"

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"

namespace dmaheap {
namespace {

// "INVALID_ARGUMENT. A BadRequest ..." -> the codes before the full stop; empty for another
// comment.
std::vector<std::string> CodesOf(absl::string_view comment) {
  const std::vector<absl::string_view> sentences = absl::StrSplit(comment, absl::MaxSplits('.', 1));
  std::vector<std::string> codes;
  for (absl::string_view word : absl::StrSplit(sentences[0], ", ")) {
    for (const char c : word) {
      if (!absl::ascii_isupper(static_cast<unsigned char>(c)) && c != '_') return {};
    }
    codes.emplace_back(word);
  }
  return codes;
}

// reason -> code, as the comments of errors.proto have it. A comment with several codes gives one
// to each value that follows, in that order.
std::map<std::string, std::string> TableOfTheComments() {
  std::map<std::string, std::string> table;
  std::ifstream file("proto/dmaheap/v1/errors.proto");
  std::vector<std::string> codes;
  size_t next = 0;
  bool in_enum = false;
  for (std::string line; std::getline(file, line);) {
    absl::string_view text = absl::StripAsciiWhitespace(line);
    if (absl::StartsWith(text, "enum ErrorReason")) in_enum = true;
    if (!in_enum) continue;
    if (absl::ConsumePrefix(&text, "// ")) {
      if (auto found = CodesOf(text); !found.empty()) {
        codes = found;
        next = 0;
      }
      continue;
    }
    const std::vector<std::string> words = absl::StrSplit(text, ' ');
    if (words.size() != 3 || words[1] != "=" || codes.empty()) continue;
    table[words[0]] = codes[codes.size() == 1 ? 0 : next++];
  }
  return table;
}

std::string NameOf(absl::StatusCode code) { return absl::StatusCodeToString(code); }

TEST(ErrorTest, EveryReasonHasTheCodeThatTheCommentsOfErrorsProtoGive) {
  const std::map<std::string, std::string> table = TableOfTheComments();
  const auto* reasons = v1::ErrorReason_descriptor();
  ASSERT_EQ(table.size() + 1, static_cast<size_t>(reasons->value_count()));
  for (int i = 0; i < reasons->value_count(); ++i) {
    const auto reason = static_cast<ErrorReason>(reasons->value(i)->number());
    if (reason == ErrorReason::ERROR_REASON_UNSPECIFIED) continue;
    const auto expected = table.find(reasons->value(i)->name());
    ASSERT_NE(expected, table.end()) << reasons->value(i)->name();
    EXPECT_EQ(NameOf(CodeOf(reason)), expected->second) << reasons->value(i)->name();
  }
}

TEST(ErrorTest, EveryReasonTravelsInsideItsStatus) {
  const auto* reasons = v1::ErrorReason_descriptor();
  for (int i = 0; i < reasons->value_count(); ++i) {
    const auto reason = static_cast<ErrorReason>(reasons->value(i)->number());
    const absl::Status status = Error(reason, "text");
    EXPECT_EQ(GetReason(status), reason);
    EXPECT_EQ(status.code(), CodeOf(reason));
    EXPECT_FALSE(status.ok()) << reasons->value(i)->name();
  }
}

TEST(ErrorTest, TheTextAndEveryValueAreThere) {
  const absl::Status status = Error(ErrorReason::SIZE_EXCEEDS_HEAP, "too large")
                                  .With("heap", "reserved")
                                  .With("size_bytes", int64_t{1} << 62);

  EXPECT_EQ(status.message(), "too large");
  EXPECT_EQ(GetErrorValue(status, "heap"), "reserved");
  EXPECT_EQ(GetErrorValue(status, "size_bytes"), "4611686018427387904");
  EXPECT_EQ(GetErrorValue(status, "missing"), absl::nullopt);
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(GetDetail(status, info));
  EXPECT_EQ(info.domain(), "dmaheap.v1");
  EXPECT_EQ(info.reason(), "SIZE_EXCEEDS_HEAP");
}

TEST(ErrorTest, TheLaterValueOfAKeyCounts) {
  const absl::Status status = Error(ErrorReason::OVERLOADED, "x").With("n", 1).With("n", 2);
  EXPECT_EQ(GetErrorValue(status, "n"), "2");
}

TEST(ErrorTest, ViolationsAreListedInOrder) {
  const absl::Status status =
      Error(ErrorReason::INVALID_SIZE, "x").Field("size_bytes", "is 0").Field("count", "is 99");
  google::rpc::BadRequest bad_request;
  ASSERT_TRUE(GetDetail(status, bad_request));
  ASSERT_EQ(bad_request.field_violations_size(), 2);
  EXPECT_EQ(bad_request.field_violations(0).field(), "size_bytes");
  EXPECT_EQ(bad_request.field_violations(1).description(), "is 99");
}

TEST(ErrorTest, ADetailThatWasNotSaidIsNotThere) {
  const absl::Status status = Error(ErrorReason::INTERNAL_ERROR, "x");
  google::rpc::BadRequest bad_request;
  google::rpc::QuotaFailure quota;
  EXPECT_FALSE(GetDetail(status, bad_request));
  EXPECT_FALSE(GetDetail(status, quota));
  EXPECT_EQ(GetRetryAfter(status), absl::nullopt);
}

TEST(ErrorTest, QuotaAndRetryTravel) {
  const absl::Duration delay = absl::Seconds(2) + absl::Nanoseconds(7);
  const absl::Status status =
      Error(ErrorReason::QUOTA_EXCEEDED, "x").Quota("uid:1000", "bytes: used 1").RetryAfter(delay);
  google::rpc::QuotaFailure quota;
  ASSERT_TRUE(GetDetail(status, quota));
  ASSERT_EQ(quota.violations_size(), 1);
  EXPECT_EQ(quota.violations(0).subject(), "uid:1000");
  EXPECT_EQ(GetRetryAfter(status), delay);
}

TEST(ErrorTest, ADelayThatIsOverIsNone) {
  absl::Status status = absl::UnavailableError("x");
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(-1);
  SetDetail(status, retry);
  EXPECT_EQ(GetRetryAfter(status), absl::ZeroDuration());
}

TEST(ErrorTest, AnErrorOfAnotherDomainHasNoneOfOurReasons) {
  google::rpc::ErrorInfo info;
  info.set_domain("example.com");
  info.set_reason("OVERLOADED");
  absl::Status status = absl::UnavailableError("x");
  SetDetail(status, info);
  EXPECT_EQ(GetReason(status), ErrorReason::ERROR_REASON_UNSPECIFIED);
}

TEST(ErrorTest, AReasonOfALaterVersionIsUnspecified) {
  google::rpc::ErrorInfo info;
  info.set_domain("dmaheap.v1");
  info.set_reason("NOT_YET_INVENTED");
  absl::Status status = absl::UnavailableError("x");
  SetDetail(status, info);
  EXPECT_EQ(GetReason(status), ErrorReason::ERROR_REASON_UNSPECIFIED);
}

TEST(ErrorTest, APlainStatusHasNoReason) {
  EXPECT_EQ(GetReason(absl::InternalError("x")), ErrorReason::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(GetReason(absl::OkStatus()), ErrorReason::ERROR_REASON_UNSPECIFIED);
}

TEST(ErrorTest, AnErrorBecomesAStatusOr) {
  const absl::StatusOr<int> result = Error(ErrorReason::DEADLINE, "late");
  EXPECT_TRUE(absl::IsDeadlineExceeded(result.status()));
}

}  // namespace
}  // namespace dmaheap
