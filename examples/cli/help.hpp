#pragma once

// What --help teaches beside the flags: for the program, and by examples for each verb.

namespace cli::help_of {

inline constexpr char const* program =
    R"(Exit codes: 0 done, 1 not found or refused, 2 usage, 3 no server reachable, 4 outcome unknown (look before repeating).
Without a verb, on a terminal, the shell begins. `tinykv VERB --help` shows the flags of a verb, and examples.
A key or value that begins with - comes after --, as in: tinykv put k -- -1

Examples:
  tinykv put name Ada              tinykv scan --prefix user/ --limit 10
  echo -n Ada | tinykv put name -  tinykv cas name Bob --expect Ada
  tinykv get name                  tinykv export all.csv; tinykv import all.csv
  tinykv status                    tinykv doctor --data-dir /var/lib/tinykv)";

inline constexpr char const* put =
    R"(  tinykv put name Ada
  tinykv put page - < page.html          the value is stdin: any bytes
  tinykv put balance -- -1               a value that begins with -
  tinykv --hex put 00ff cafe)";

inline constexpr char const* cas =
    R"(  tinykv cas lock me --expect-absent      exit code 1 if somebody has it
  tinykv cas lock --delete --expect me
  tinykv cas counter 8 --expect 7)";

inline constexpr char const* get =
    R"(  tinykv get name
  tinykv get page --raw > page.html
  tinykv --json get name                  {"key":"name","found":true,"value":"Ada"})";

inline constexpr char const* scan =
    R"(  tinykv scan --prefix user/
  tinykv scan --from a --to c --order desc --limit 10
  tinykv scan --limit 0 --keys-only | wc -l

Lines are `key TAB value`; in them \\ \t \n \r \0 stand for backslash, tab, newline, return, byte 0.)";

inline constexpr char const* status =
    R"(  tinykv --endpoints host1:20160,host2:20160,host3:20160 status
  tinykv --json status | jq '.groups[].role')";

inline constexpr char const* import_file =
    R"(  tinykv import all.csv
  tinykv export | tinykv --endpoints other:20160 import
  tinykv import all.csv --skip 20000      go on where an import ended: its message says where

lines are `key TAB value`; in them \\ \t \n \r \0 and \xHH (any byte) are escapes.
csv begins with the line key,value (or key_hex,value_hex); jsonl is {"key":"...","value":"..."} (or key_hex, value_hex).)";

inline constexpr char const* export_file =
    R"(  tinykv export all.csv
  tinykv export --prefix user/ --format jsonl | gzip > users.jsonl.gz)";

inline constexpr char const* doctor =
    R"(  tinykv doctor --data-dir /var/lib/tinykv --listen 10.0.0.5:20160      before a server is started
  tinykv --endpoints host1:20160,host2:20160 doctor                     while they run)";

inline constexpr char const* shell =
    R"(  tinykv shell
  > put name Ada
  > get name
  tinykv shell < commands                 stops at the first line that fails, with its exit code)";

inline constexpr char const* completion =
    R"(  source <(tinykv completion bash)              in ~/.bashrc
  tinykv completion zsh > ~/.zfunc/_tinykv      in a directory of $fpath
  tinykv completion fish > ~/.config/fish/completions/tinykv.fish)";

inline constexpr char const* del = R"(  tinykv del name)";

}  // namespace cli::help_of
