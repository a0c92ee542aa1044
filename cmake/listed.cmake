# embedd_all_listed(PATTERN SOURCE...): fails if a file matches PATTERN and is not among those listed: it would be left out
# in silence.
function(embedd_all_listed pattern)
  file(GLOB found RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} ${pattern})
  foreach(source ${found})
    if(NOT source IN_LIST ARGN)
      message(FATAL_ERROR "${source} is not listed in ${CMAKE_CURRENT_LIST_FILE}: add it there.")
    endif()
  endforeach()
endfunction()
