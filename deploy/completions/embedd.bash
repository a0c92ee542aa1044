# Completes embedd's command line in bash: embedd itself says what may follow.
# shellcheck shell=bash

_embedd() {
  local word words=() offers
  for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
    [[ $word == = ]] || words+=("$word") # --index=hnsw is three words
  done
  [[ ${COMP_WORDS[COMP_CWORD]} != = ]] || words+=('')
  mapfile -t offers < <("${COMP_WORDS[0]}" __complete "${words[@]}" 2>/dev/null)
  if [[ ${offers[0]-} == :files ]]; then
    COMPREPLY=()
    compopt -o default 2>/dev/null
  else
    COMPREPLY=("${offers[@]%%$'\t'*}")
  fi
}

complete -F _embedd embedd
