# Completes embedd's command line in bash, by what `embedd COMMAND --help` says.
# shellcheck shell=bash

_embedd() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  if [[ $word == = ]]; then
    word=''
  elif [[ $previous == = ]]; then # --index=hn
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  COMPREPLY=()

  local help each command=()
  help=$("${COMP_WORDS[0]}" --help 2>/dev/null) || return
  for each in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    grep -qxF -- "$each" <<<"$(_embedd_commands)" || continue
    command+=("$each")
    help=$("${COMP_WORDS[0]}" "${command[@]}" --help 2>/dev/null) || return
  done

  local option='' choices
  [[ $previous != -* ]] || option=$(grep -E -- "^  (-[A-Za-z],)?${previous}[ ,]" <<<"$help" 2>/dev/null)
  if [[ $option =~ ^\ \ [^\ ]+\ [A-Z][A-Z] ]]; then # it takes a value
    choices=''
    [[ ! $option =~ :\{([^}]*)\} ]] || choices=${BASH_REMATCH[1]//,/ }
  elif [[ $word == -* ]]; then
    choices=$(sed -nE 's/^  (-[A-Za-z],)?(--[a-z-]+).*/\2/p' <<<"$help")
  else
    choices=$(_embedd_commands)
  fi
  mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
}

# The commands that `help` lists.
_embedd_commands() { sed -nE '/^Subcommands:/,/^$/s/^  ([a-z][a-z-]*) .*/\1/p' <<<"$help"; }

complete -F _embedd embedd
