#include "daemon/transport/admin_service.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "daemon/core/allocation_view.h"
#include "daemon/core/listing.h"
#include "daemon/core/metrics_snapshot.h"
#include "daemon/core/proto_time.h"
#include "daemon/log.h"
#include "daemon/telemetry/metric_families.h"
#include "daemon/transport/rpc_call.h"
#include "daemon/transport/watch_call.h"
#include "proto/error.h"
#include "proto/wire.h"
#include "spdlog/spdlog.h"

namespace dmaheap {
namespace {

v1::Client ToProto(const Session& session, const Allocator& allocator, absl::Time now) {
  v1::Client client;
  client.set_name(absl::StrCat("clients/", session.client_id()));
  client.set_uid(session.peer().principal.uid);
  client.set_gid(session.peer().principal.gid);
  client.set_debug_pid(session.peer().debug_pid);
  client.set_label(session.label);
  client.set_library_version(session.library_version);
  client.set_wire_version(session.wire_version);
  *client.mutable_connect_time() = ToTimestamp(session.connect_time);
  const BufferTotals totals = allocator.table().OfClient(session.client_id());
  client.set_live_buffers(totals.buffers);
  client.set_live_bytes(totals.bytes);
  client.set_unacknowledged_fds(session.unacknowledged());
  *client.mutable_idle_duration() = ToProtoDuration(now - session.last_heard);
  return client;
}

}  // namespace

absl::Status AdminService::Check(const PeerIdentity& peer, Right right) const {
  const Rights rights = allocator_.policy().RightsOf(peer.principal, {});
  if (right == Right::kInspect ? rights.inspect : rights.admin) return absl::OkStatus();
  const char* name = right == Right::kInspect ? "INSPECT" : "ADMIN";
  return Error(ErrorReason::ACCESS_DENIED,
               absl::StrCat("uid ", peer.principal.uid, " does not have the right ", name,
                            ": the operator's policy file decides."))
      .With("uid", peer.principal.uid)
      .With("right", name);
}

// A page of a list, for who may inspect.
template <typename Request>
grpc::ServerUnaryReactor* AdminService::List(grpc::CallbackServerContext* context,
                                             const Request* request,
                                             absl::AnyInvocable<void(const Page&, Finish)> fill) {
  return RunTask(
      context, executor_, identities_,
      [this, request, fill = std::move(fill)](const PeerIdentity& peer, Finish finish) mutable {
        if (absl::Status status = Check(peer, Right::kInspect); !status.ok()) {
          return finish(status);
        }
        const absl::StatusOr<Page> page = CheckPage(request->page_size(), request->page_token());
        if (!page.ok()) return finish(page.status());
        fill(*page, std::move(finish));
      });
}

grpc::ServerUnaryReactor* AdminService::ListClients(grpc::CallbackServerContext* context,
                                                    const v1::ListClientsRequest* request,
                                                    v1::ListClientsResponse* response) {
  return List(context, request, [this, response](const Page& page, Finish finish) {
    allocator_.reconciler().ReconcileIfStale(
        [this, page, response, finish = std::move(finish)]() mutable {
          uint64_t last = 0;
          const auto& sessions = sessions_.sessions();
          for (auto it = sessions.upper_bound(page.after); it != sessions.end(); ++it) {
            if (response->clients_size() == page.size) {
              response->set_next_page_token(absl::StrCat(last));
              break;
            }
            *response->add_clients() = ToProto(*it->second, allocator_, executor_.Now());
            last = it->first;
          }
          finish(absl::OkStatus());
        });
  });
}

grpc::ServerUnaryReactor* AdminService::ListBuffers(grpc::CallbackServerContext* context,
                                                    const v1::ListBuffersRequest* request,
                                                    v1::ListBuffersResponse* response) {
  return List(context, request, [this, response](const Page& page, Finish finish) {
    allocator_.reconciler().ReconcileIfStale(
        [this, page, response, finish = std::move(finish)]() mutable {
          *response = dmaheap::ListBuffers(allocator_, absl::nullopt, page);
          finish(absl::OkStatus());
        });
  });
}

grpc::ServerUnaryReactor* AdminService::ListReservations(grpc::CallbackServerContext* context,
                                                         const v1::ListReservationsRequest* request,
                                                         v1::ListReservationsResponse* response) {
  return List(context, request, [this, response](const Page& page, Finish finish) {
    *response = dmaheap::ListReservations(allocator_, absl::nullopt, page);
    finish(absl::OkStatus());
  });
}

grpc::ServerUnaryReactor* AdminService::ListAllocations(grpc::CallbackServerContext* context,
                                                        const v1::ListAllocationsRequest* request,
                                                        v1::ListAllocationsResponse* response) {
  return List(context, request, [this, response](const Page& page, Finish finish) {
    *response = dmaheap::ListAllocations(allocator_, page);
    finish(absl::OkStatus());
  });
}

grpc::ServerWriteReactor<v1::Allocation>* AdminService::WatchAllocations(
    grpc::CallbackServerContext* context, const v1::WatchAllocationsRequest*) {
  auto* call = new WatchCall(executor_, allocator_);
  auto identity = identities_.Find(context->peer());
  if (!identity.ok()) {
    call->Refuse(identity.status());
    return call;
  }
  executor_.Post([this, call, peer = *std::move(identity)] {
    if (absl::Status status = Check(*peer, Right::kInspect); !status.ok()) {
      return call->Refuse(status);
    }
    call->Start({peer->principal.uid, absl::nullopt, Onlooker::kInspector});
  });
  return call;
}

grpc::ServerUnaryReactor* AdminService::GetDiagnosis(grpc::CallbackServerContext* context,
                                                     const v1::GetDiagnosisRequest* request,
                                                     v1::Diagnosis* response) {
  return RunTask(
      context, executor_, identities_,
      [this, request, response](const PeerIdentity& peer, Finish finish) {
        if (absl::Status status = Check(peer, Right::kInspect); !status.ok()) return finish(status);
        const auto id = ParseDiagnosisName("name", request->name());
        if (!id.ok()) return finish(id.status());
        finish(Assign(allocator_.diagnoser().store().Get(*id, absl::nullopt), *response));
      });
}

grpc::ServerUnaryReactor* AdminService::ListDiagnoses(grpc::CallbackServerContext* context,
                                                      const v1::ListDiagnosesRequest* request,
                                                      v1::ListDiagnosesResponse* response) {
  return List(context, request, [this, response](const Page& page, Finish finish) {
    *response = allocator_.diagnoser().store().List(absl::nullopt, page);
    finish(absl::OkStatus());
  });
}

grpc::ServerUnaryReactor* AdminService::ListPinners(grpc::CallbackServerContext* context,
                                                    const v1::ListPinnersRequest* request,
                                                    v1::ListPinnersResponse* response) {
  return List(context, request, [this, response](const Page& page, Finish finish) {
    *response = allocator_.pinner_costs().List(page);
    finish(absl::OkStatus());
  });
}

grpc::ServerUnaryReactor* AdminService::GetServerInfo(grpc::CallbackServerContext* context,
                                                      const v1::GetServerInfoRequest* request,
                                                      v1::ServerInfo* response) {
  return RunTask(context, executor_, identities_,
                 [this, response](const PeerIdentity& peer, Finish finish) {
                   if (absl::Status status = Check(peer, Right::kInspect); !status.ok())
                     return finish(status);
                   allocator_.reconciler().ReconcileIfStale(
                       [this, response, finish = std::move(finish)]() mutable {
                         response->set_version(std::string(kVersion));
                         response->set_min_wire_version(kMinWireVersion);
                         response->set_max_wire_version(kMaxWireVersion);
                         response->set_policy_path(policy_path_);
                         response->set_accounting(allocator_.accounting());
                         FillAccounts(allocator_, *response);
                         const SourceErrors sources = allocator_.sources();
                         response->set_evidence_level(BestLevel(sources));
                         for (v1::EvidenceSource& source : DescribeSources(sources)) {
                           *response->add_evidence_sources() = std::move(source);
                         }
                         finish(absl::OkStatus());
                       });
                 });
}

// What lives is as the kernel says, as in the lists: not older than a second.
grpc::ServerUnaryReactor* AdminService::GetMetrics(grpc::CallbackServerContext* context,
                                                   const v1::GetMetricsRequest*,
                                                   v1::Metrics* response) {
  return RunTask(context, executor_, identities_,
                 [this, response](const PeerIdentity& peer, Finish finish) {
                   if (absl::Status status = Check(peer, Right::kInspect); !status.ok())
                     return finish(status);
                   allocator_.reconciler().ReconcileIfStale(
                       [this, response, finish = std::move(finish)]() mutable {
                         *response = ToMetrics(TakeMetricsSnapshot(
                             allocator_, static_cast<int64_t>(sessions_.sessions().size())));
                         finish(absl::OkStatus());
                       });
                 });
}

grpc::ServerUnaryReactor* AdminService::ReloadPolicy(grpc::CallbackServerContext* context,
                                                     const v1::ReloadPolicyRequest* request,
                                                     v1::ReloadPolicyResponse* response) {
  return RunTask(context, executor_, identities_,
                 [this, response](const PeerIdentity& peer, Finish finish) {
                   absl::Status status = Check(peer, Right::kAdmin);
                   if (status.ok()) status = reload_();
                   if (status.ok()) response->set_policy_path(policy_path_);
                   finish(status);
                 });
}

grpc::ServerUnaryReactor* AdminService::CheckPolicy(grpc::CallbackServerContext* context,
                                                    const v1::CheckPolicyRequest* request,
                                                    v1::CheckPolicyResponse* response) {
  return RunTask(context, executor_, identities_,
                 [this, request, response](const PeerIdentity& peer, Finish finish) {
                   if (absl::Status status = Check(peer, Right::kInspect); !status.ok())
                     return finish(status);
                   policy_checks_.Start(*request, *response, std::move(finish));
                 });
}

grpc::ServerUnaryReactor* AdminService::SetLogLevel(grpc::CallbackServerContext* context,
                                                    const v1::SetLogLevelRequest* request,
                                                    v1::SetLogLevelResponse* response) {
  return RunTask(
      context, executor_, identities_,
      [this, request, response](const PeerIdentity& peer, Finish finish) {
        if (absl::Status status = Check(peer, Right::kAdmin); !status.ok()) return finish(status);
        const auto name = [](v1::LogLevel level) {
          return absl::AsciiStrToLower(v1::LogLevel_Name(level));
        };
        if (!v1::LogLevel_IsValid(request->level()) ||
            request->level() == v1::LOG_LEVEL_UNSPECIFIED) {
          const std::string problem =
              absl::StrCat(static_cast<int>(request->level()),
                           " is not a level: TRACE, DEBUG, INFO, WARN or ERROR");
          return finish(Error(ErrorReason::INVALID_LOG_LEVEL, absl::StrCat("level: ", problem))
                            .Field("level", problem));
        }
        v1::LogLevel previous = v1::LOG_LEVEL_UNSPECIFIED;
        v1::LogLevel_Parse(absl::AsciiStrToUpper(GetLogLevel()), &previous);
        if (absl::Status status = dmaheap::SetLogLevel(name(request->level())); !status.ok()) {
          return finish(status);
        }
        spdlog::info("event=log_level from={} to={} uid={}", name(previous), name(request->level()),
                     peer.principal.uid);
        response->set_previous_level(previous);
        finish(absl::OkStatus());
      });
}

}  // namespace dmaheap
