# tinykv_own_target(<target>): the warnings that hold for code of this repository.
# Private: a consumer's targets never inherit them.
function(tinykv_own_target target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
  if(TINYKV_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()
