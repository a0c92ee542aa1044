#include <malloc.h>

#include "base/standard_streams.h"
#include "cli/run.h"

int main(int argc, char** argv) {
  if (!embedd::occupy_standard_streams()) return embedd::cli::kFailed;
  // Big blocks (answers, vectors) go back to the system when freed: glibc would otherwise raise this
  // threshold to what it has seen, and keep megabytes of holes.
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  return embedd::cli::run(argc, argv);
}
