# embedd_embed_files(TARGET NAME PATTERN...): compiles files into TARGET and declares them in the generated header
# "embedded/NAME.h" as `embedd::embedded::NAME()`, a span of {name, content}, sorted by name.
function(embedd_embed_files target name)
  file(GLOB files CONFIGURE_DEPENDS ${ARGN})
  if(NOT files)
    message(FATAL_ERROR "no file matches ${ARGN}")
  endif()
  list(SORT files)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/generated/embedded)
  add_custom_command(
    OUTPUT ${out}/${name}.cc ${out}/${name}.h
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DOUT=${out} "-DFILES=${files}" -P ${CMAKE_SOURCE_DIR}/cmake/embed_script.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/embed_script.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${out}/${name}.cc ${out}/${name}.h)
  target_include_directories(${target} PUBLIC ${CMAKE_CURRENT_BINARY_DIR}/generated)
endfunction()
