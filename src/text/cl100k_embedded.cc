#include "text/cl100k_embedded.h"

#ifdef EMBEDD_CL100K_FILE
// The assembler includes the file as it is; as an array initialiser, 1.7 MB would take the compiler seconds.
asm(R"(
  .section .rodata
  .global embedd_cl100k_begin
  .global embedd_cl100k_end
embedd_cl100k_begin:
  .incbin ")" EMBEDD_CL100K_FILE R"("
embedd_cl100k_end:
  .byte 0
  .text
)");
extern "C" const char embedd_cl100k_begin[];
extern "C" const char embedd_cl100k_end[];
#endif

namespace embedd {

std::string_view cl100k_embedded() {
#ifdef EMBEDD_CL100K_FILE
  return {embedd_cl100k_begin, embedd_cl100k_end};
#else
  return {};
#endif
}

}  // namespace embedd
