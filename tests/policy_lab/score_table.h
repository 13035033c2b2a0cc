// Scores as a table for people: one line for each policy.

#ifndef TESTS_POLICY_LAB_SCORE_TABLE_H_
#define TESTS_POLICY_LAB_SCORE_TABLE_H_

#include <string>

#include "tests/policy_lab/contest.h"

namespace dmaheap::policy_lab {

// With the end of the line.
std::string ScoreHead();
std::string ScoreLine(const Score& score);
// What the columns mean.
std::string ScoreNotes();

}  // namespace dmaheap::policy_lab

#endif  // TESTS_POLICY_LAB_SCORE_TABLE_H_
