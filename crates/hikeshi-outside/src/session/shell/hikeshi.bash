# Shell integration for bash 4.4 and newer, read in place of ~/.bashrc. What it may rely on and where it is blind: mod.rs beside this file.
# Everything begins with __hk_; nothing is exported, so that a child inherits nothing. The functions come before the user's own files,
# so that no alias of theirs is read into them. __hk_depth, __hk_login, __hk_bash and __hk_zsh were set by whoever made this text.

__hk_nonce=@NONCE@
__hk_shell="$__hk_depth.$$.$RANDOM"
__hk_n=0 __hk_open=0 __hk_now=0 __hk_from=0 __hk_base=0 __hk_hist=0 __hk_z=('') __hk_lines=()

# The terminal itself, not stdout: `exec >file` must not take the marks with it.
__hk_put() {
    builtin printf '\e]8119;%s;%s;%s;%s\e\\' "$__hk_nonce" "$__hk_shell" "$1" "$2" >/dev/tty
}

# Printable ASCII for anything, into __hk_q.
__hk_quote() {
    local LC_ALL=C
    builtin printf -v __hk_q %q "$1"
}

# Before a command, in a subshell of PS0, so that nothing which it sets stays. The lines that the parser has just consumed are the command,
# exactly: a paste may hold several. Arguments: exit code and pipeline of what ran before.
__hk_begin() {
    local IFS=, LC_ALL=C; builtin set +eux; builtin trap - DEBUG ERR RETURN
    local n="$((__hk_n + 2))" from="$((__hk_from - __hk_base))" count="$((__hk_now - __hk_from))" source=r text= i=0 at size=900
    ((__hk_open)) && { __hk_quote "$PWD"; __hk_put "$((__hk_n + 1))" "E;$1;${*:2};n;$__hk_q"; }
    IFS=$'\n'
    if ((from < 0 || count < 1)); then from=0 count=${#__hk_lines[@]}; fi
    if ((count > 0 && from + count <= ${#__hk_lines[@]})); then
        text="${__hk_lines[*]:from:count}"
    elif [[ -o history && $HISTCMD != "$__hk_hist" ]]; then
        source=h text=$(HISTTIMEFORMAT= builtin history 1)
        [[ $text =~ ^\ *[0-9]+[*\ ]\ ? ]] && text=${text:${#BASH_REMATCH[0]}}
    else
        source=n text="${__hk_lines[*]}"
    fi
    local bytes=${#text}
    __hk_quote "${text:0:1048576}"; text=$__hk_q
    if ((${#text} > size)); then
        for ((at = 0; at < ${#text}; at += size)); do __hk_put "$n" "T;$((i++));${text:at:size}"; done
        text=
    fi
    __hk_quote "$PWD"
    __hk_put "$n" "B;$source;$bytes;${#__hk_q};$__hk_q$text"
} 2>/dev/null

# First after a command, before every PROMPT_COMMAND of the user. Arguments: exit code, LINENO, pipeline.
__hk_end() {
    # After `PROMPT_COMMAND="theirs; $PROMPT_COMMAND"` something has run before: __hk_ready or the next accepted line knows the right exit code.
    [[ ${PROMPT_COMMAND[0]} == "$__hk_first"* ]] || return 0
    local IFS=,
    if ((__hk_open)); then
        __hk_open=0
        __hk_quote "$PWD"
        __hk_put "$((__hk_n += 1))" "E;$1;${*:3};n;$__hk_q"
    fi
    __hk_lines=() __hk_base=$2 __hk_from=$2 __hk_hist=$HISTCMD
    [[ $BASH_VERSION == 4.* || $BASH_VERSION == 5.0* ]] && [[ $- != *e* ]] && return "$1"
    return 0
}

# Last before the prompt. Same arguments. A command has taken our first hook away, or put something before it: its end is told here.
__hk_ready() {
    local IFS=,
    ((__hk_open)) && __hk_late "$1" "$2" "${*:3}"
    __hk_arm
    __hk_put "$((__hk_n += 1))" P
}

# Puts our hooks back where they belong, whatever a command did to them.
__hk_arm() {
    local e
    local -a theirs=()
    [[ $PS0 == *"$__hk_ps0"* ]] || PS0=$PS0$__hk_ps0
    for e in "${PROMPT_COMMAND[@]}"; do
        [[ $e == "$__hk_first" || $e == "$__hk_last" ]] || theirs+=("${e//"$__hk_first"/:}")
    done
    if [[ $BASH_VERSION == 4.* || $BASH_VERSION == 5.0* ]]; then
        e=${theirs[0]//"$__hk_last"/:}
        while [[ $e == ':;'* ]]; do e=${e#:;}; done
        while [[ $e == *';:' ]]; do e=${e%;:}; done
        PROMPT_COMMAND="$__hk_first;${e:-:};$__hk_last"
    else
        PROMPT_COMMAND=("$__hk_first" "${theirs[@]}" "$__hk_last")
    fi
    if [[ -o emacs || -o vi ]]; then
        __hk_bind
    else
        # Without line editing the history is the only witness of a command's text. Neither can be switched on from here.
        builtin shopt -s cmdhist lithist; HISTCONTROL= HISTIGNORE=
        [[ ${HISTSIZE:-500} -gt 1 ]] 2>/dev/null || HISTSIZE=500
    fi
}

# Arguments: exit code, LINENO, pipeline.
__hk_late() {
    __hk_open=0 __hk_lines=() __hk_base=$2 __hk_from=$2 __hk_hist=$HISTCMD
    __hk_quote "$PWD"
    __hk_put "$((__hk_n += 1))" "E;$1;$3;l;$__hk_q"
}

# Enter first shows us the line, then accepts it.
__hk_bind() {
    local map
    for map in emacs-standard vi-insert vi-command; do
        builtin bind -m "$map" -x '"\e[8119;1~": __hk_accept "$?" "$LINENO" "${PIPESTATUS[*]}" "$_"'
        builtin bind -m "$map" -x '"\e[8119;3~": __hk_edit "$_"'
        builtin bind -m "$map" '"\e[8119;2~": accept-line'
        builtin bind -m "$map" '"\C-m": "\e[8119;1~\e[8119;2~"'
        builtin bind -m "$map" '"\C-j": "\e[8119;1~\e[8119;2~"'
    done
    # edit-and-execute-command would run commands that never pass the prompt; ours edits, and Enter runs.
    builtin bind -m emacs-standard '"\C-x\C-e": "\e[8119;3~"'
    builtin bind -m vi-command '"v": "\e[8119;3~"'
} 2>/dev/null

# Arguments: exit code, LINENO, pipeline; and last what $_ is to be afterwards.
__hk_accept() {
    local line=$READLINE_LINE expanded
    local -a new=()
    if ((__hk_open)); then
        # `read -e` in a command that runs; or both hooks are gone, and the end of a command is told only now, one line later.
        [[ ${PROMPT_COMMAND[0]} == "$__hk_first"* ]] && return 0
        __hk_late "$1" "$(($2 - 1))" "${3// /,}"
    fi
    __hk_arm
    if [[ $line == *$'\n'* ]]; then
        builtin mapfile -t new < <(builtin printf '%s\n' "$line")
        __hk_lines+=("${new[@]}")
    else
        # What `!!` becomes is what will run. `history -p` leaves out the newest entry, which it takes for itself, but for one just pushed.
        if [[ $- == *H* && -o history && $line == *'!'* && $BASH_VERSION != 4.* ]]; then
            expanded=$(builtin history -s x; builtin history -d -1; builtin history -p -- "$line" 2>/dev/null) &&
                [[ -n $expanded && $expanded != *$'\n'* ]] && line=$expanded
        fi
        __hk_lines+=("$line")
    fi
} 2>/dev/null

__hk_edit() {
    local file
    file=$(command mktemp) || return 0
    builtin printf '%s\n' "$READLINE_LINE" >"$file"
    command ${VISUAL:-${EDITOR:-vi}} "$file" </dev/tty >/dev/tty 2>/dev/tty
    READLINE_LINE=$(<"$file") READLINE_POINT=0
    command rm -f -- "$file"
}

__hk_exit() {
    __hk_put "$((__hk_n += 1))" "X;$1"
}

__hk_prelude() {
    builtin printf '__hk_depth=%s __hk_login=%s __hk_bash=%s __hk_zsh=%s\n' "$((__hk_depth + 1))" "$1" "$__hk_bash" "$__hk_zsh"
}

# A bare `bash` or `zsh` typed at the prompt gets the same integration; everything else is the program itself.
bash() {
    if (($# == 0)) && [[ -t 0 && -t 1 ]] && builtin type -P base64 >/dev/null; then
        command bash --rcfile <(__hk_prelude 0; builtin printf %s "$__hk_bash" | command base64 -d) -i
    else
        command bash "$@"
    fi
}
zsh() {
    local dir
    if (($# == 0)) && [[ -t 0 && -t 1 ]] && builtin type -P base64 >/dev/null && dir=$(command mktemp -d); then
        { __hk_prelude 0; builtin printf '__hk_dir=%q\n' "$dir"; builtin printf %s "$__hk_zsh" | command base64 -d; } >"$dir/.zshenv"
        HIKESHI_ZDOTDIR=${ZDOTDIR-} ZDOTDIR=$dir command zsh -i
    else
        command zsh "$@"
    fi
}
# hikeshi-inner ssh host · hikeshi-inner sudo · hikeshi-inner docker exec -it box: a recorded shell behind another program.
hikeshi-inner() {
    local -a words=("$@")
    [[ $1 == ssh ]] && words=(ssh -t "${@:2}" "$(__hk_remote)") || words+=(sh -c "$(__hk_remote)")
    command "${words[@]}"
}
__hk_remote() {
    local text=@STARTER@
    builtin printf '%s %s %s %s' "$text" "$((__hk_depth + 1))" "$__hk_bash" "$__hk_zsh"
}

__hk_start() {
    local IFS=$' \t\n'
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then return; fi
    # What was typed before can be called back; nothing is written into the user's file.
    if [[ -n ${HISTFILE-} && -r ${HISTFILE-} ]]; then builtin history -r; fi
    builtin unset HISTFILE
    builtin shopt -s promptvars
    __hk_ps0='${__hk_z[__hk_now=LINENO,0]}$(__hk_begin "$?" "${PIPESTATUS[@]}")${__hk_z[__hk_n+=2,__hk_from=LINENO,__hk_open=1,0]}'
    __hk_first='{ __hk_end "$?" "$LINENO" "${PIPESTATUS[@]}"; } 2>/dev/null'
    __hk_last='{ __hk_ready "$?" "$LINENO" "${PIPESTATUS[@]}"; } 2>/dev/null'
    [[ -n $(builtin trap -p EXIT) ]] || builtin trap '{ __hk_exit "$?"; } 2>/dev/null' EXIT
    __hk_arm
    __hk_quote "$PWD"
    __hk_put "$((__hk_n += 1))" "S;bash;$BASH_VERSION;$__hk_depth;$__hk_q"
}

# Not in a function: a `declare` of the user's would be local to it.
if ((__hk_login)); then
    [[ -r /etc/profile ]] && builtin source /etc/profile
    for __hk_q in ~/.bash_profile ~/.bash_login ~/.profile; do
        if [[ -r $__hk_q ]]; then builtin source "$__hk_q"; break; fi
    done
elif [[ -r ~/.bashrc ]]; then
    # /etc/bash.bashrc, where bash was built with one, has been read already.
    builtin source ~/.bashrc
fi
__hk_start
