# Shell integration for zsh 5.1 and newer, read as .zshenv of a ZDOTDIR of our own, __hk_dir. It writes the three other files there, which read the
# user's own from where they are, and removes them all when the last was read. What it may rely on and where it is blind: mod.rs beside
# this file. __hk_depth, __hk_bash, __hk_zsh and __hk_dir were set by whoever made this text.

typeset -g __hk_home=${HIKESHI_ZDOTDIR-}
unset HIKESHI_ZDOTDIR

typeset -g __hk_nonce=@NONCE@ __hk_shell="$__hk_depth.$$.$RANDOM" __hk_q=''
typeset -gi __hk_n=0 __hk_open=0

__hk_put() {
    builtin printf '\e]8119;%s;%s;%s;%s\e\\' "$__hk_nonce" "$__hk_shell" "$1" "$2" >/dev/tty
}

__hk_quote() {
    local LC_ALL=C
    __hk_q=${(qqqq)1}
}

# Argument 1: what was typed, as zsh kept it, with every line of it. Argument 3: what will run, where nothing was kept.
__hk_preexec() {
    local code=$? parts="${(j:,:)pipestatus[@]}"
    emulate -L zsh
    # A command has taken our precmd away: its end is told only now.
    (( __hk_open )) && { __hk_quote "$PWD"; __hk_put "$((__hk_n += 1))" "E;$code;$parts;l;$__hk_q" }
    local text=$1 source=r i=0 at n size=900 bytes
    if [[ -z $text ]]; then source=h text=$3; fi
    (( __hk_n += 1 )); n=$__hk_n
    __hk_open=1
    () { local LC_ALL=C; bytes=${#1}; __hk_q=${(qqqq)1[1,1048576]} } "$text"
    text=$__hk_q
    if (( ${#text} > size )); then
        for (( at = 1; at <= ${#text}; at += size )); do __hk_put $n "T;$((i++));${text[at,at+size-1]}"; done
        text=
    fi
    __hk_quote "$PWD"
    __hk_put $n "B;$source;$bytes;${#__hk_q};$__hk_q$text"
    __hk_arm
} 2>/dev/null

# First of precmd_functions. A function called precmd runs before it; zsh keeps the exit code for each.
__hk_precmd() {
    local code=$? parts="${(j:,:)pipestatus[@]}"
    emulate -L zsh
    if (( __hk_open )); then
        __hk_open=0
        __hk_quote "$PWD"
        __hk_put "$((__hk_n += 1))" "E;$code;$parts;n;$__hk_q"
    fi
    __hk_arm
} 2>/dev/null

__hk_ready() {
    emulate -L zsh
    __hk_put "$((__hk_n += 1))" P
} 2>/dev/null

__hk_exit() {
    local code=$?
    emulate -L zsh
    # zsh calls this in ( … ), too.
    (( ZSH_SUBSHELL )) && return
    __hk_put "$((__hk_n += 1))" "X;$code"
} 2>/dev/null

__hk_arm() {
    precmd_functions=(__hk_precmd ${${precmd_functions:#__hk_precmd}:#__hk_ready} __hk_ready)
    preexec_functions=(${preexec_functions:#__hk_preexec} __hk_preexec)
}

# Everything of the user's has been read.
__hk_start() {
    emulate -L zsh
    # What was typed before can be called back; nothing is written into the user's file.
    SAVEHIST=0
    (( HISTSIZE > 1 )) || HISTSIZE=500
    __hk_arm
    zshexit_functions=(${zshexit_functions:#__hk_exit} __hk_exit)
    command rm -f -- "$__hk_dir"/.z{shenv,profile,shrc,login}
    command rmdir -- "$__hk_dir"
    __hk_quote "$PWD"
    __hk_put "$((__hk_n += 1))" "S;zsh;$ZSH_VERSION;$__hk_depth;$__hk_q"
} 2>/dev/null

__hk_prelude() {
    builtin printf '__hk_depth=%s __hk_login=%s __hk_bash=%s __hk_zsh=%s\n' $((__hk_depth + 1)) "$1" "$__hk_bash" "$__hk_zsh"
}

# A bare `bash` or `zsh` typed at the prompt gets the same integration; everything else is the program itself.
bash() {
    if (( $# == 0 )) && [[ -t 0 && -t 1 ]] && (( $+commands[base64] )); then
        command bash --rcfile <(__hk_prelude 0; builtin printf %s "$__hk_bash" | command base64 -d) -i
    else
        command bash "$@"
    fi
}
zsh() {
    local dir
    if (( $# == 0 )) && [[ -t 0 && -t 1 ]] && (( $+commands[base64] )) && dir=$(command mktemp -d); then
        { __hk_prelude 0; builtin printf '__hk_dir=%q\n' "$dir"; builtin printf %s "$__hk_zsh" | command base64 -d; } >"$dir/.zshenv"
        HIKESHI_ZDOTDIR=${ZDOTDIR-} ZDOTDIR=$dir command zsh -i
    else
        command zsh "$@"
    fi
}
# hikeshi-inner ssh host · hikeshi-inner sudo · hikeshi-inner docker exec -it box: a recorded shell behind another program.
hikeshi-inner() {
    local -a words
    if [[ $1 == ssh ]]; then words=(ssh -t "${@:2}" "$(__hk_remote)"); else words=("$@" sh -c "$(__hk_remote)"); fi
    command "${words[@]}"
}
__hk_remote() {
    local text=@STARTER@
    builtin printf '%s %s %s %s' "$text" $((__hk_depth + 1)) "$__hk_bash" "$__hk_zsh"
}

__hk_back() {
    if [[ -n $__hk_home ]]; then ZDOTDIR=$__hk_home; else unset ZDOTDIR; fi
}
__hk_forth() {
    [[ $1 == .zlogin || ( $1 == .zshrc && ! -o login ) ]] && { __hk_start; return }
    __hk_home=${ZDOTDIR-} ZDOTDIR=$__hk_dir
}

typeset -ga precmd_functions preexec_functions zshexit_functions
for __hk_q in .zprofile .zshrc .zlogin; do
    builtin print -r -- '__hk_name=${${(%):-%x}:t}; __hk_back
[[ -r ${ZDOTDIR:-$HOME}/$__hk_name ]] && builtin source "${ZDOTDIR:-$HOME}/$__hk_name"
__hk_forth $__hk_name' >|"$__hk_dir/$__hk_q"
done
__hk_back
[[ -r ${ZDOTDIR:-$HOME}/.zshenv ]] && builtin source "${ZDOTDIR:-$HOME}/.zshenv"
__hk_forth .zshenv
