#include "proto/grpc_status.h"

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "proto/errno_status.h"
#include "proto/error.h"
#include "proto/rpc_status.h"

namespace dmaheap {
namespace {

absl::Status Rich() {
  return Error(ErrorReason::QUOTA_EXCEEDED, "uid 7 is charged too much")
      .With("uid", 7)
      .Quota("uid:7", "bytes")
      .Field("size_bytes", "is much")
      .RetryAfter(absl::Milliseconds(1500));
}

TEST(GrpcStatusTest, OkStaysOk) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
  EXPECT_TRUE(FromGrpcStatus(grpc::Status::OK).ok());
}

TEST(GrpcStatusTest, EveryCodeKeepsItsNumber) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "text");
    const grpc::Status sent = ToGrpcStatus(status);
    EXPECT_EQ(static_cast<int>(sent.error_code()), code);
    EXPECT_EQ(FromGrpcStatus(sent), status);
  }
}

TEST(GrpcStatusTest, ARichErrorComesBackAsItWas) {
  const absl::Status status = Rich();

  const absl::Status back = FromGrpcStatus(ToGrpcStatus(status));

  EXPECT_EQ(back, status);
  EXPECT_EQ(GetReason(back), ErrorReason::QUOTA_EXCEEDED);
  EXPECT_EQ(GetErrorValue(back, "uid"), "7");
  EXPECT_EQ(GetRetryAfter(back), absl::Milliseconds(1500));
  google::rpc::BadRequest bad_request;
  EXPECT_TRUE(GetDetail(back, bad_request));
}

TEST(GrpcStatusTest, TheTrailerIsAGoogleRpcStatus) {
  google::rpc::Status message;
  ASSERT_TRUE(message.ParseFromString(ToGrpcStatus(Rich()).error_details()));
  EXPECT_EQ(message.code(), static_cast<int>(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(message.message(), "uid 7 is charged too much");
  EXPECT_EQ(message.details_size(), 4);
}

TEST(GrpcStatusTest, TheErrnoStaysBehind) {
  const grpc::Status sent = ToGrpcStatus(ErrnoStatus(ENOMEM, "ioctl"));
  EXPECT_TRUE(sent.error_details().empty());
  EXPECT_EQ(GetErrno(FromGrpcStatus(sent)), 0);
}

TEST(GrpcStatusTest, DetailsAbove4KiBAreTrimmedToTheErrorInfo) {
  Error error(ErrorReason::INVALID_SIZE, "many");
  std::move(error).With("key", "value");
  for (int i = 0; i < 100; ++i) {
    std::move(error).Field(absl::StrCat("field_", i), std::string(60, 'x'));
  }
  const absl::Status status = std::move(error).ToStatus();
  ASSERT_GT(ToRpcStatus(status).ByteSizeLong(), 4096u);

  const grpc::Status sent = ToGrpcStatus(status);
  const absl::Status back = FromGrpcStatus(sent);

  EXPECT_LE(sent.error_details().size(), 4096u);
  EXPECT_EQ(GetReason(back), ErrorReason::INVALID_SIZE);
  EXPECT_EQ(GetErrorValue(back, "key"), "value");
  google::rpc::BadRequest bad_request;
  EXPECT_FALSE(GetDetail(back, bad_request));
}

TEST(GrpcStatusTest, AnErrorInfoThatIsTooLargeAloneDoesNotGoToTheTrailer) {
  // gRPC would replace the whole error by one of its own.
  const absl::Status status =
      Error(ErrorReason::INTERNAL_ERROR, "text").With("key", std::string(20000, 'x'));

  const grpc::Status sent = ToGrpcStatus(status);

  EXPECT_LE(sent.error_details().size(), 4096u);
  EXPECT_EQ(sent.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(sent.error_message(), "text");
}

TEST(GrpcStatusTest, ATrailerThatDoesNotParseKeepsCodeAndText) {
  const absl::Status status =
      FromGrpcStatus(grpc::Status(grpc::StatusCode::UNAVAILABLE, "text", "\xff\xff"));
  EXPECT_EQ(status, absl::UnavailableError("text"));
}

TEST(GrpcStatusTest, ATrailerThatContradictsTheCodeIsNotBelieved) {
  const grpc::Status sent = ToGrpcStatus(Rich());
  const absl::Status status =
      FromGrpcStatus(grpc::Status(grpc::StatusCode::UNAVAILABLE, "text", sent.error_details()));
  EXPECT_EQ(status, absl::UnavailableError("text"));
}

TEST(RpcStatusTest, ARichErrorComesBackAsItWas) {
  EXPECT_EQ(FromRpcStatus(ToRpcStatus(Rich())), Rich());
}

TEST(RpcStatusTest, TheErrnoStaysBehind) {
  absl::Status status = ErrnoStatus(EIO, "read");
  EXPECT_EQ(ToRpcStatus(status).details_size(), 0);
}

TEST(RpcStatusTest, AnErrnoOfTheOtherEndIsNotOurs) {
  google::rpc::Status message = ToRpcStatus(Rich());
  auto* detail = message.add_details();
  detail->set_type_url("dmaheap.errno");
  detail->set_value("5");
  EXPECT_EQ(GetErrno(FromRpcStatus(message)), 0);
}

}  // namespace
}  // namespace dmaheap
