// Takes a reference to each page in a pipe, and gives it up again.
//
// tee(2) does it without taking anything out. Nothing changes for the pipe's users: its bytes stay,
// and it has one more reader for an instant. Each step but the copy's own waits for the pipe's lock
// (fs/pipe.c: fifo_open, pipe_fcntl, pipe_release; fs/splice.c: do_tee), for as long as who has it
// likes: only for a process that can be left behind (scouts.h).

#ifndef DAEMON_DIAGNOSIS_PROBER_PIPE_TOUCH_H_
#define DAEMON_DIAGNOSIS_PROBER_PIPE_TOUCH_H_

#include "proto/unique_fd.h"

namespace dmaheap {

// place: the pipe, opened with O_PATH, which waits for nothing. False: not all pages were touched.
bool TouchPipe(const UniqueFd& place);

}  // namespace dmaheap

#endif  // DAEMON_DIAGNOSIS_PROBER_PIPE_TOUCH_H_
