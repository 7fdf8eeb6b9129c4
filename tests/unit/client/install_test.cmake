# Installs the client library and builds the example against it, as somebody else would.
# Run as: cmake -D BUILD=<build directory> -D SOURCE=<source directory> -D WORK=<scratch> -P this
foreach(step
    "${CMAKE_COMMAND};--install;${BUILD};--component;development;--prefix;${WORK}/prefix"
    "${CMAKE_COMMAND};-G;Ninja;-DCMAKE_CXX_COMPILER=${COMPILER};-S;${SOURCE}/client/example;-B;${WORK}/example;-DCMAKE_PREFIX_PATH=${WORK}/prefix;-DCMAKE_CXX_FLAGS=${FLAGS}"
    "${CMAKE_COMMAND};--build;${WORK}/example")
  execute_process(COMMAND ${step} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${step}\n${output}")
  endif()
endforeach()
# It runs, and says so when there is no cluster.
execute_process(COMMAND ${WORK}/example/place_order nowhere RESULT_VARIABLE result ERROR_VARIABLE output)
if(NOT result EQUAL 1 OR NOT output MATCHES "is not host:port")
  message(FATAL_ERROR "place_order: exit ${result}: ${output}")
endif()
