#include "tests/e2e/watch_stream.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"
#include "gtest/gtest.h"
#include "proto/grpc_status.h"

namespace dmaheap {
namespace {

// Bytes that gRPC reads ahead of a slow reader: a few messages.
constexpr int kSlowReadAhead = 1024;

constexpr std::chrono::seconds kPatience(30);

}  // namespace

std::shared_ptr<grpc::Channel> ConnectWatcher(const std::string& socket_path, Reader reader) {
  grpc::ChannelArguments arguments;
  // Channels to one address share a connection otherwise.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (reader == Reader::kSlow) {
    arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kSlowReadAhead);
    // It would widen what is read ahead.
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  }
  return grpc::CreateCustomChannel(absl::StrCat("unix:", socket_path),
                                   grpc::InsecureChannelCredentials(), arguments);
}

WatchStream::WatchStream(const std::shared_ptr<grpc::Channel>& channel,
                         const std::string& request_id) {
  context_.set_deadline(std::chrono::system_clock::now() + kPatience);
  v1::WatchAllocationRequest request;
  request.set_request_id(request_id);
  reader_ = v1::Allocator::NewStub(channel)->WatchAllocation(&context_, request);
}

WatchStream::WatchStream(const std::shared_ptr<grpc::Channel>& channel) {
  context_.set_deadline(std::chrono::system_clock::now() + kPatience);
  reader_ = v1::Admin::NewStub(channel)->WatchAllocations(&context_, v1::WatchAllocationsRequest());
}

WatchStream::~WatchStream() {
  Cancel();
  End().IgnoreError();
}

absl::optional<v1::Allocation> WatchStream::Next() {
  v1::Allocation message;
  if (end_.has_value() || !reader_->Read(&message)) return absl::nullopt;
  return message;
}

v1::Allocation WatchStream::NextThat(const std::function<bool(const v1::Allocation&)>& wanted) {
  while (const absl::optional<v1::Allocation> message = Next()) {
    if (wanted(*message)) return *message;
  }
  ADD_FAILURE() << "the stream ended before what was waited for: " << End();
  return v1::Allocation();
}

std::vector<v1::Allocation> WatchStream::Rest() {
  std::vector<v1::Allocation> rest;
  while (absl::optional<v1::Allocation> message = Next()) rest.push_back(*std::move(message));
  return rest;
}

absl::Status WatchStream::End() {
  if (!end_.has_value()) {
    Rest();
    end_ = FromGrpcStatus(reader_->Finish());
  }
  return *end_;
}

}  // namespace dmaheap
