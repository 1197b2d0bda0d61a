//! The table: what is typed, and which records must come of it, in the order in which the commands end.

use hikeshi_outside::session::shell::{Ended, Forged, ShellKind, TextSource};

pub struct Row {
    pub name: &'static str,
    pub shells: Vec<ShellKind>,
    pub typed: Vec<String>,
    pub wants: Vec<Want>,
    pub forged: Vec<Forged>,
}

pub struct Want {
    pub text: String,
    pub depth: u32,
    pub exit: Option<i32>,
    /// Empty: the exit code alone.
    pub pipeline: Vec<i32>,
    pub ended: Ended,
    pub source: TextSource,
    pub output: Option<Vec<u8>>,
}

/// A command and its exit code.
fn cmd(text: &str, exit: i32) -> Want {
    Want {
        text: text.to_owned(),
        depth: 1,
        exit: Some(exit),
        pipeline: Vec::new(),
        ended: Ended::Told,
        source: TextSource::Line,
        output: None,
    }
}

impl Want {
    fn from(mut self, source: TextSource) -> Self {
        self.source = source;
        self
    }
    fn parts(mut self, pipeline: &[i32]) -> Self {
        self.pipeline = pipeline.to_vec();
        self
    }
    fn prints(mut self, output: impl AsRef<[u8]>) -> Self {
        self.output = Some(output.as_ref().to_vec());
        self
    }
    fn ended(mut self, ended: Ended) -> Self {
        self.ended = ended;
        self
    }
    fn unknown(mut self) -> Self {
        self.exit = None;
        self.ended = Ended::StreamEnded;
        self
    }
    fn inner(mut self) -> Self {
        self.depth = 2;
        self
    }
}

fn both(name: &'static str, typed: &[&str], wants: Vec<Want>) -> Row {
    let typed = typed.iter().map(|step| (*step).to_owned()).collect();
    Row { name, shells: vec![ShellKind::Bash, ShellKind::Zsh], typed, wants, forged: Vec::new() }
}

fn bash(name: &'static str, typed: &[&str], wants: Vec<Want>) -> Row {
    Row { shells: vec![ShellKind::Bash], ..both(name, typed, wants) }
}

fn zsh(name: &'static str, typed: &[&str], wants: Vec<Want>) -> Row {
    Row { shells: vec![ShellKind::Zsh], ..both(name, typed, wants) }
}

impl Row {
    fn forged(self, forged: &[Forged]) -> Self {
        Self { forged: forged.to_vec(), ..self }
    }
}

pub fn all() -> Vec<Row> {
    [awkward(), pasted(), odd_programs(), hostile(), settings(), ends()].into_iter().flatten().collect()
}

/// The thirteen of the beginning, and what is near them.
fn awkward() -> Vec<Row> {
    vec![
        both("simple", &["echo hi\r"], vec![cmd("echo hi", 0).prints("hi\r\n")]),
        both("for loop", &["for i in 1 2; do\recho $i\rdone\r"], vec![cmd("for i in 1 2; do\necho $i\ndone", 0).prints("1\r\n2\r\n")]),
        both("here-doc", &["cat <<E\ra\r\r  b;\rE\r"], vec![cmd("cat <<E\na\n\n  b;\nE", 0).prints("a\r\n\r\n  b;\r\n")]),
        both("pipeline", &["printf 'b\\na\\n' | sort | head -1\r"], vec![cmd("printf 'b\\na\\n' | sort | head -1", 0).parts(&[0, 0, 0])]),
        both("pipeline that fails in parts", &["false | true | (exit 3)\r"], vec![cmd("false | true | (exit 3)", 3).parts(&[1, 0, 3])]),
        both("subshell", &["(exit 7)\r"], vec![cmd("(exit 7)", 7)]),
        both("Ctrl-C in a command", &["sleep 30\r", "\x03"], vec![cmd("sleep 30", 130)]),
        both("Ctrl-C at the prompt", &["rm -rf /nothing", "\x03", "echo ok\r"], vec![cmd("echo ok", 0).prints("ok\r\n")]),
        both("Ctrl-C in the middle of a loop", &["for i in 1 2; do\r", "\x03", "echo ok\r"], vec![cmd("echo ok", 0)]),
        both("an empty line", &["\r", "\r", "echo ok\r"], vec![cmd("echo ok", 0)]),
        both(
            "nested bash",
            &["bash\r", "(exit 5)\r", "exit 2\r"],
            vec![cmd("(exit 5)", 5).inner(), cmd("exit 2", 2).inner().ended(Ended::ShellExited), cmd("bash", 2)],
        ),
        both("leading space", &["  echo sp\r"], vec![cmd("  echo sp", 0).prints("sp\r\n")]),
        both("background and wait", &["sleep 0.1 & wait\r"], vec![cmd("sleep 0.1 & wait", 0)]),
        both("forged OSC 133", &["printf '\\e]133;D;0\\e\\\\'; false\r"], vec![cmd("printf '\\e]133;D;0\\e\\\\'; false", 1)]),
        both("not found", &["no-such-command-here 1\r"], vec![cmd("no-such-command-here 1", 127)]),
        both("continued line", &["echo a \\\r  b\r"], vec![cmd("echo a \\\n  b", 0).prints("a b\r\n")]),
        both(
            "quotes, backslashes, newline in a string",
            &["printf '%s' \"a'b\" 'c\\\"d' \\\\ 'x\ry'\r"],
            vec![cmd("printf '%s' \"a'b\" 'c\\\"d' \\\\ 'x\ny'", 0).prints("a'bc\\\"d\\x\r\ny")],
        ),
    ]
}

fn pasted() -> Vec<Row> {
    let japanese = format!("echo {}", "火消し".repeat(33));
    let long = format!("echo {} | wc -c", "x".repeat(100_000));
    let quick: Vec<String> = (1..=20).map(|n| format!("echo {n}")).collect();
    vec![
        both("typed ahead", &["echo 1\recho 2\rfalse\r"], vec![cmd("echo 1", 0).prints("1\r\n"), cmd("echo 2", 0), cmd("false", 1)]),
        bash(
            "bracketed paste of several",
            &[
                "\x1b[200~echo one\nfalse; cat <<X\nhere\nX\nfor i in 1 2; do\necho $i\ndone\n\n# why\necho 'a\nb' \\\n c\nfalse | true\x1b[201~\r",
            ],
            vec![
                cmd("echo one", 0).prints("one\r\n"),
                cmd("false; cat <<X\nhere\nX", 0).prints("here\r\n"),
                cmd("for i in 1 2; do\necho $i\ndone", 0).prints("1\r\n2\r\n"),
                cmd("\n# why\necho 'a\nb' \\\n c", 0).prints("a\r\nb c\r\n"),
                cmd("false | true", 0).parts(&[1, 0]),
            ],
        ),
        zsh(
            "bracketed paste of several",
            &["\x1b[200~echo one\necho two\n(exit 4)\x1b[201~\r"],
            vec![cmd("echo one\necho two\n(exit 4)", 4).prints("one\r\ntwo\r\n")],
        ),
        both(
            "bracketed paste of one, edited",
            &["\x1b[200~echo one\x1b[201~", " two\r"],
            vec![cmd("echo one two", 0).prints("one two\r\n")],
        ),
        both("twenty at once", &[&format!("{}\r", quick.join("\r"))], quick.iter().map(|text| cmd(text, 0)).collect()),
        both("very long", &[&format!("\x1b[200~{long}\x1b[201~\r")], vec![cmd(&long, 0).parts(&[0, 0]).prints("100001\r\n")]),
        both(
            "two hundred columns of Japanese",
            &[&format!("{japanese}\r")],
            vec![cmd(&japanese, 0).prints(format!("{}\r\n", "火消し".repeat(33)))],
        ),
        both("full-width space", &["echo　x\r"], vec![cmd("echo　x", 127)]),
        both("emoji and combining marks", &["echo 🔥 が\r"], vec![cmd("echo 🔥 が", 0).prints("🔥 が\r\n")]),
        both(
            "search backwards",
            &["echo needle\r", "echo other\r", "\x12need", "\r"],
            vec![cmd("echo needle", 0), cmd("echo other", 0), cmd("echo needle", 0).prints("needle\r\n")],
        ),
        both(
            "history expansion",
            &["echo first\r", "echo !!\r", "echo !-2:1 !!\r"],
            vec![cmd("echo first", 0), cmd("echo echo first", 0), cmd("echo first echo echo first", 0)],
        ),
    ]
}

fn odd_programs() -> Vec<Row> {
    vec![
        both("alias", &["ll /\r"], vec![cmd("ll /", 0).prints("/\r\n")]),
        both("function", &["f() {\r  return 5\r}\r", "f\r"], vec![cmd("f() {\n  return 5\n}", 0), cmd("f", 5)]),
        both("bash -c", &["bash -c 'exit 3'\r"], vec![cmd("bash -c 'exit 3'", 3)]),
        both("a script on stdin", &["echo 'exit 3' | bash\r"], vec![cmd("echo 'exit 3' | bash", 3).parts(&[0, 3])]),
        both("script(1) with a command", &["script -qec 'exit 3' /dev/null\r"], vec![cmd("script -qec 'exit 3' /dev/null", 3)]),
        both(
            "script(1) with a shell",
            &["SHELL=/bin/sh script -q /dev/null\r", "echo in\r", "exit\r"],
            vec![cmd("SHELL=/bin/sh script -q /dev/null", 0)],
        ),
        both(
            "Shift_JIS output",
            &["printf '\\x93\\xfa\\x96\\x7b\\x8c\\xea\\n'\r"],
            vec![cmd("printf '\\x93\\xfa\\x96\\x7b\\x8c\\xea\\n'", 0).prints(b"\x93\xfa\x96\x7b\x8c\xea\r\n")],
        ),
        both("no final newline", &["printf abc\r"], vec![cmd("printf abc", 0).prints("abc")]),
        both(
            "binary output",
            &["printf '\\x9c\\x9d\\x1b]0;never ended'; (exit 2)\r"],
            vec![cmd("printf '\\x9c\\x9d\\x1b]0;never ended'; (exit 2)", 2).prints(b"\x9c\x9d\x1b]0;never ended")],
        ),
        both(
            "while read",
            &["while read -r x; do echo \"<$x>\"; done\r", "a b\r", "\x04"],
            vec![cmd("while read -r x; do echo \"<$x>\"; done", 0).prints("a b\r\n<a b>\r\n")],
        ),
        both(
            "last argument and exit code survive",
            &["mkdir -p d/e; false\r", "echo $? $_\r"],
            vec![cmd("mkdir -p d/e; false", 1), cmd("echo $? $_", 0).prints("1 false\r\n").parts(&[0])],
        ),
        both(
            "last argument",
            &["mkdir -p d/e\r", "cd $_ && pwd | tail -c 4\r"],
            vec![cmd("mkdir -p d/e", 0), cmd("cd $_ && pwd | tail -c 4", 0).prints("d/e\r\n").parts(&[0, 0])],
        ),
        bash(
            "pipeline's codes survive",
            &["false | true | (exit 3)\r", "echo ${PIPESTATUS[@]}\r"],
            vec![cmd("false | true | (exit 3)", 3).parts(&[1, 0, 3]), cmd("echo ${PIPESTATUS[@]}", 0).prints("1 0 3\r\n")],
        ),
        zsh(
            "pipeline's codes survive",
            &["false | true | (exit 3)\r", "echo $pipestatus\r"],
            vec![cmd("false | true | (exit 3)", 3).parts(&[1, 0, 3]), cmd("echo $pipestatus", 0).prints("1 0 3\r\n")],
        ),
        both("Ctrl-Z and fg", &["sleep 0.7\r", "\x1a", "fg\r"], vec![cmd("sleep 0.7", 148), cmd("fg", 0)]),
    ]
}

fn hostile() -> Vec<Row> {
    let wrong = "printf '\\e]8119;00;1.1.1;9;E;0;0;n;/\\e\\\\'; false";
    vec![
        both("own mark with a wrong nonce", &[&format!("{wrong}\r")], vec![cmd(wrong, 1)]).forged(&[Forged::Nonce]),
        both("unfinished own mark", &["printf '\\e]8119;07'; (exit 3)\r"], vec![cmd("printf '\\e]8119;07'; (exit 3)", 3)]),
        bash("history switched off", &["set +o history\r", "echo nohist\r"], vec![cmd("set +o history", 0), cmd("echo nohist", 0)]),
        zsh(
            "history switched off",
            &["HISTSIZE=0; fc -p /dev/null 0 0\r", "echo nohist\r"],
            vec![cmd("HISTSIZE=0; fc -p /dev/null 0 0", 0), cmd("echo nohist", 0)],
        ),
        bash(
            "PROMPT_COMMAND taken away",
            &["PROMPT_COMMAND='true'; (exit 6)\r", "\r", "echo ok\r"],
            vec![cmd("PROMPT_COMMAND='true'; (exit 6)", 6).ended(Ended::ToldLate), cmd("echo ok", 0)],
        ),
        bash(
            "PROMPT_COMMAND extended",
            &["PROMPT_COMMAND=\"true; $PROMPT_COMMAND\"; (exit 6)\r", "\r", "(exit 3)\r"],
            vec![cmd("PROMPT_COMMAND=\"true; $PROMPT_COMMAND\"; (exit 6)", 6).ended(Ended::ToldLate), cmd("(exit 3)", 3)],
        ),
        bash(
            "every hook taken away",
            &["PROMPT_COMMAND=() PS0=; (exit 6)\r", "\r", "(exit 3)\r"],
            vec![cmd("PROMPT_COMMAND=() PS0=; (exit 6)", 6).ended(Ended::ToldLate), cmd("(exit 3)", 3)],
        ),
        bash("PS0 taken away", &["PS0=\r", "(exit 3)\r"], vec![cmd("PS0=", 0), cmd("(exit 3)", 3)]),
        bash(
            "Enter bound to something else",
            &["bind '\"\\C-m\": accept-line'\r", "(exit 3)\r"],
            vec![cmd("bind '\"\\C-m\": accept-line'", 0), cmd("(exit 3)", 3)],
        ),
        zsh(
            "hooks taken away, one after the other",
            &["precmd_functions=()\r", "preexec_functions=()\r", "(exit 3)\r"],
            vec![cmd("precmd_functions=()", 0).ended(Ended::ToldLate), cmd("preexec_functions=()", 0), cmd("(exit 3)", 3)],
        ),
        both(
            "output sent elsewhere",
            &["exec 3>&1 >out 2>&1\r", "false\r", "exec >&3 2>&3\r"],
            vec![cmd("exec 3>&1 >out 2>&1", 0), cmd("false", 1), cmd("exec >&3 2>&3", 0)],
        ),
    ]
}

fn settings() -> Vec<Row> {
    vec![
        bash(
            "trap DEBUG",
            &["trap 'D=$BASH_COMMAND' DEBUG\r", "false | true\r"],
            vec![cmd("trap 'D=$BASH_COMMAND' DEBUG", 0), cmd("false | true", 0).parts(&[1, 0])],
        ),
        bash(
            "DEBUG and ERR traps for functions too",
            &["set -o functrace -o errtrace; trap 'false' ERR\r", "trap : DEBUG\r", "(exit 9)\r"],
            vec![cmd("set -o functrace -o errtrace; trap 'false' ERR", 0), cmd("trap : DEBUG", 0), cmd("(exit 9)", 9)],
        ),
        both("trace", &["set -x\r", "echo hi\r", "set +x\r"], vec![cmd("set -x", 0), cmd("echo hi", 0), cmd("set +x", 0)]),
        both("unset is an error", &["set -u\r", "(exit 3)\r"], vec![cmd("set -u", 0), cmd("(exit 3)", 3)]),
        bash(
            "the shell ends on an error",
            &["set -e\r", "echo hi\r", "\x03", "false\r"],
            vec![cmd("set -e", 0), cmd("echo hi", 0), cmd("false", 1).ended(Ended::ShellExited)],
        ),
        // zsh ends without calling anything.
        zsh(
            "the shell ends on an error",
            &["set -e\r", "echo hi\r", "\x03", "false\r"],
            vec![cmd("set -e", 0), cmd("echo hi", 0), cmd("false", 1).unknown()],
        ),
        both("everything is exported", &["set -a\r", "x=1; (exit 3)\r"], vec![cmd("set -a", 0), cmd("x=1; (exit 3)", 3)]),
        both("no overwriting of files", &["set -C\r", "(exit 3)\r"], vec![cmd("set -C", 0), cmd("(exit 3)", 3)]),
        both(
            "vi keys",
            &["set -o vi\r", "echo vi\r", "echo vj\x1b", "\r"],
            vec![cmd("set -o vi", 0), cmd("echo vi", 0).prints("vi\r\n"), cmd("echo vj", 0).prints("vj\r\n")],
        ),
        both(
            "other separators",
            &["IFS=0123456789\r", "false | (exit 12)\r"],
            vec![cmd("IFS=0123456789", 0), cmd("false | (exit 12)", 12).parts(&[1, 12])],
        ),
        bash("another locale", &["LC_ALL=C\r", "echo 火\r"], vec![cmd("LC_ALL=C", 0), cmd("echo 火", 0).prints("火\r\n")]),
        bash(
            "line editing off",
            &["set +o emacs; HISTCONTROL=ignorespace\r", " false\r", "set +o history\r", "(exit 8)\r"],
            vec![
                cmd("set +o emacs; HISTCONTROL=ignorespace", 0),
                cmd(" false", 1).from(TextSource::History),
                cmd("set +o history", 0).from(TextSource::History),
                cmd("", 8).from(TextSource::Missing),
            ],
        ),
        bash("posix mode", &["set -o posix\r", "(exit 3)\r"], vec![cmd("set -o posix", 0), cmd("(exit 3)", 3)]),
        zsh(
            "arrays as in ksh",
            &["setopt ksh_arrays sh_word_split\r", "false | (exit 3)\r"],
            vec![cmd("setopt ksh_arrays sh_word_split", 0), cmd("false | (exit 3)", 3).parts(&[1, 3])],
        ),
        bash(
            "read with editing",
            &["read -e x\r", "typed\r", "echo $x\r"],
            vec![cmd("read -e x", 0), cmd("echo $x", 0).prints("typed\r\n")],
        ),
    ]
}

fn ends() -> Vec<Row> {
    vec![
        both("exit", &["exit 3\r"], vec![cmd("exit 3", 3).ended(Ended::ShellExited)]),
        both("end of input", &["echo hi\r", "\x04"], vec![cmd("echo hi", 0)]),
        both("exec", &["exec sh -c 'echo replaced; exit 9'\r"], vec![cmd("exec sh -c 'echo replaced; exit 9'", 0).unknown()]),
        both("kill -9", &["kill -9 $$\r"], vec![cmd("kill -9 $$", 0).unknown()]),
    ]
}
