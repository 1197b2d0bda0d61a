//! What a program prints comes out of the record byte for byte, through recorder, server and export: any encoding, characters that are cut
//! anywhere, and bytes that are no text at all.

use super::session::{Night, RELEASED};

/// 日本語予約表ソ能 and ｱ, as a terminal of that encoding gets them. In Shift_JIS some of them end in a backslash.
const SHIFT_JIS: &[u8] = b"\x93\xfa\x96{\x8c\xea\x97\\\x96\xf1\x95\\\x83\\\x94\\ \xb1\n";
/// The same, with a character of three bytes at its end.
const EUC_JP: &[u8] = b"\xc6\xfc\xcb\xdc\xb8\xec\xcd\xbd\xcc\xf3\xc9\xbd\xa5\xbd\xc7\xbd \x8e\xb1\x8f\xb0\xa1\n";
/// A family, a flag and a hand with a skin colour: many code points each, joined.
const EMOJI: &str = "👨\u{200d}👩\u{200d}👧\u{200d}👦 🇯🇵 👍🏽 予約\u{3099}\n";

/// Bytes that look like nothing, the same each time; each value occurs.
fn binary(length: usize) -> Vec<u8> {
    let mut dice = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes: Vec<u8> = (0..=255).collect();
    while bytes.len() < length {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        bytes.extend(dice.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// What a terminal makes of it unless it is told not to.
fn with_carriage_returns(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| if *byte == b'\n' { vec![b'\r', b'\n'] } else { vec![*byte] }).collect()
}

/// Puts the contents into files, lets a session print them, and gives what the record has of it. Each is put between its name and `|`.
fn recorded(encoding: &str, contents: &[(&str, &[u8])], commands: &[String]) -> (Night, Vec<u8>) {
    let night =
        Night::with(&format!("bytes-{encoding}"), &format!("[plan.terminal]\nencoding = \"{encoding}\"\n"), "", &["takahashi", "ito"]);
    for (name, content) in contents {
        std::fs::write(night.workspace.path(name), content).expect("written");
    }
    let (_a, _b) = (night.watch("takahashi"), night.watch("ito"));
    let mut terminal = night.shell();
    terminal.sees(RELEASED);
    for (number, command) in commands.iter().enumerate() {
        let said = command.replace("DIR", &night.workspace.dir.display().to_string());
        terminal.keys(&format!("{said}; printf 'DO''NE-%s\\n' {number}\n"));
        terminal.sees(&format!("DONE-{number}"));
    }
    terminal.exit();
    let raw = night.exported("raw");
    (night, raw)
}

fn holds(raw: &[u8], name: &str, content: &[u8]) {
    let wanted = [format!("<{name}").as_bytes(), content, b"|"].concat();
    let at = raw.windows(wanted.len()).position(|part| part == wanted);
    assert!(at.is_some(), "{name}: {} bytes are not in the record as they were printed", content.len());
}

fn cat(name: &str, mark: &str) -> String {
    format!("printf '<%s' {mark}; cat DIR/{name}; printf '|'")
}

#[test]
fn japanese_of_other_encodings_is_recorded_as_it_was_printed_and_read_as_text_by_players() {
    for (encoding, content) in [("shift_jis", SHIFT_JIS), ("euc-jp", EUC_JP)] {
        // Byte by byte, so that each character is cut somewhere on the way.
        let slowly: String = content.iter().fold(String::new(), |all, byte| format!("{all}printf '\\x{byte:02x}'; sleep 0.02; "));
        let commands = [cat("text", "whole"), format!("printf '<%s' slow; {slowly}printf '|'")];
        let (night, raw) = recorded(encoding, &[("text", content)], &commands);
        holds(&raw, "whole", &with_carriage_returns(content));
        holds(&raw, "slow", &with_carriage_returns(content));
        for format in ["cast", "cast2"] {
            let cast = String::from_utf8(night.exported(format)).expect("a cast is UTF-8");
            assert!(cast.contains("日本語予約表ソ能 ｱ"), "{encoding}: {format}: {cast}");
        }
    }
}

#[test]
fn joined_emoji_cut_anywhere_and_bytes_that_are_no_text_are_recorded_as_they_were_printed() {
    let emoji = EMOJI.as_bytes();
    let slowly: String = emoji.iter().fold(String::new(), |all, byte| format!("{all}printf '\\x{byte:02x}'; sleep 0.02; "));
    let bytes = binary(200_000);
    let commands = [
        cat("emoji", "whole"),
        format!("printf '<%s' slow; {slowly}printf '|'"),
        cat("binary", "binary"),
        format!("stty -opost; {}; stty opost", cat("binary", "untouched")),
    ];
    let (_night, raw) = recorded("utf-8", &[("emoji", emoji), ("binary", &bytes)], &commands);
    holds(&raw, "whole", &with_carriage_returns(emoji));
    holds(&raw, "slow", &with_carriage_returns(emoji));
    holds(&raw, "binary", &with_carriage_returns(&bytes));
    holds(&raw, "untouched", &bytes);
}
