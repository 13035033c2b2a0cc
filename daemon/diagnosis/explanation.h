// A diagnosis in words, for people: what was in the way, who has to do with it, what would help.
// Pure; tells only what the message has, so that what was taken out of it for a caller is not told.

#ifndef DAEMON_DIAGNOSIS_EXPLANATION_H_
#define DAEMON_DIAGNOSIS_EXPLANATION_H_

#include <string>

#include "dmaheap/v1/diagnosis.pb.h"

namespace dmaheap {

// Whole sentences, one paragraph.
std::string ExplanationOf(const v1::Diagnosis& diagnosis);

// What is said of the page alone, without a full stop; empty where none was in the way, or not for
// long enough to be one and the same.
std::string PinInWords(const v1::Diagnosis& diagnosis);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_EXPLANATION_H_
