// Where evidence comes from on this machine, and how good a diagnosis can be by that: pure
// functions.

#ifndef DAEMON_DIAGNOSIS_SOURCES_H_
#define DAEMON_DIAGNOSIS_SOURCES_H_

#include <map>
#include <string>
#include <vector>

#include "dmaheap/v1/diagnosis.pb.h"

namespace dmaheap {

// Each that was tried out: the errno why it tells nothing, or 0. What is not in it was not tried:
// nobody is there to do it (ENOTCONN).
using SourceErrors = std::map<v1::EvidenceSource::Kind, int>;

// All of them, the least of evidence first.
std::vector<v1::EvidenceSource> DescribeSources(const SourceErrors& errors);

// The best that a diagnosis of a request on a heap of the kernel can rest on. What is known of a
// page is of use only where the kernel tells which page it was.
v1::Diagnosis::EvidenceLevel BestLevel(const SourceErrors& errors);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_SOURCES_H_
