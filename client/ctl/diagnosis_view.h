// Diagnoses as tables, and one of them told to a person. Pure functions; the clock is a parameter.

#ifndef CLIENT_CTL_DIAGNOSIS_VIEW_H_
#define CLIENT_CTL_DIAGNOSIS_VIEW_H_

#include <string>

#include "absl/time/time.h"
#include "client/ctl/table.h"
#include "dmaheap/v1/admin.pb.h"
#include "dmaheap/v1/diagnosis.pb.h"

namespace dmaheap::ctl {

// of_all: of several users, so that the table names them.
Table DiagnosisTable(const v1::ListDiagnosesResponse& diagnoses, bool wide, bool of_all,
                     absl::Time now);

// A paragraph, at most 80 columns wide, then the evidence, one field a line.
std::string ExplainDiagnosis(const v1::Diagnosis& diagnosis, absl::Time now);

// Who kept requests waiting; what tells of failures on this machine.
Table PinnerTable(const v1::ListPinnersResponse& pinners, bool wide, absl::Time now);
Table SourceTable(const v1::ServerInfo& info, bool wide);

}  // namespace dmaheap::ctl

#endif  // CLIENT_CTL_DIAGNOSIS_VIEW_H_
