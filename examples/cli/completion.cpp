#include "json.hpp"
#include "verbs.hpp"

#include <iostream>
#include <string_view>

// The scripts ask the program itself what could stand for a word (`tinykv complete-words WORD...`), so that they never
// fall behind its verbs and flags. Where it knows nothing, they offer files.

namespace cli {

namespace {

constexpr std::string_view bash = R"script(_tinykv() {
  local IFS=$'\n'
  COMPREPLY=($("${COMP_WORDS[0]}" complete-words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _tinykv tinykv
)script";

constexpr std::string_view zsh = R"script(#compdef tinykv
_tinykv() {
  local -a found
  found=(${(f)"$("${words[1]}" complete-words "${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( ${#found} )); then compadd -- "${found[@]}"; else _files; fi
}
if [ "${funcstack[1]}" = _tinykv ]; then _tinykv "$@"; else compdef _tinykv tinykv; fi
)script";

constexpr std::string_view fish = R"script(function __tinykv_complete
  set -l typed (commandline -opc)
  set -l program $typed[1]
  set -e typed[1]
  set -l found ($program complete-words $typed (commandline -ct) 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c tinykv -f -a '(__tinykv_complete)'
)script";

}  // namespace

int completion(settings const& with, completion_arguments const& what) {
  auto const script = what.shell == "bash" ? bash : what.shell == "zsh" ? zsh : fish;
  if (with.json)
    std::cout << json_line({{"shell", what.shell}, {"script", text_of(script)}});
  else
    std::cout << script;
  return printed(with);
}

}  // namespace cli
