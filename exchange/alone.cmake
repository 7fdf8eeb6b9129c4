# What this directory needs when another project adds it without the rest: docs/embedding.md.
find_package(absl REQUIRED)

# As in cmake/quorumbook.cmake, with nothing that would bind the project that embeds it.
function(quorumbook_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(quorumbook_${name} STATIC ${ARG_SOURCES})
  add_library(quorumbook::${name} ALIAS quorumbook_${name})
  target_compile_features(quorumbook_${name} PUBLIC cxx_std_20)
  target_include_directories(quorumbook_${name} PUBLIC ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/..)
  target_link_libraries(quorumbook_${name} PUBLIC ${ARG_DEPENDS})
endfunction()

add_subdirectory(${CMAKE_CURRENT_LIST_DIR}/../common common)
