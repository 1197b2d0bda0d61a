//! Refusals about signed approvals (rule E3): SSH signatures and passkeys.

use hikeshi_domain::ids::{Digest, PersonId, RoleName};
use hikeshi_domain::signature::SignatureFlaw;
use hikeshi_domain::signature::passkey::AssertionFlaw;
use hikeshi_domain::signature::ssh::KeyStanding;

use super::say;
use crate::Lang::{self, En, Ja};
use crate::plain::clipped;
use crate::{Names, Sentence, label, time};

pub(super) fn approval_unsigned(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "署名のない承認は受け付けていません。",
            "このワークスペースでは、パスキーか SSH 鍵で署名した承認だけが有効です。",
            "この画面からパスキーで承認するか、計画に SSH 鍵で署名して、その署名を貼り付けてください。",
        ),
        En => say(
            "An approval must be signed here.",
            "The policy of this workspace takes only approvals that are signed with a passkey or an SSH key.",
            "Approve with a passkey on this page, or sign the plan with an SSH key and paste the signature.",
        ),
    }
}

pub(super) fn flawed(lang: Lang, flaw: &SignatureFlaw) -> Sentence {
    match flaw {
        SignatureFlaw::Malformed | SignatureFlaw::Differs => malformed(lang),
        SignatureFlaw::OtherNamespace { given } => other_namespace(lang, given),
        SignatureFlaw::Unsupported { algorithm } => unsupported(lang, algorithm),
        SignatureFlaw::Untouched => untouched(lang),
    }
}

fn malformed(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "SSH の署名として読めません。",
            "「-----BEGIN SSH SIGNATURE-----」から「-----END SSH SIGNATURE-----」までが、欠けずに必要です。",
            "plan.json.sig の中身を、はじめから終わりまで貼り直してください。",
        ),
        En => say(
            "This cannot be read as an SSH signature.",
            "It takes everything from `-----BEGIN SSH SIGNATURE-----` to `-----END SSH SIGNATURE-----`.",
            "Paste the whole of plan.json.sig again.",
        ),
    }
}

fn other_namespace(lang: Lang, given: &str) -> Sentence {
    let given = clipped(given, 60);
    match lang {
        Ja => say(
            "別の目的の署名です。",
            format!("名前空間が「{given}」です。承認には「hikeshi-approve-v1」を使います。"),
            "-n hikeshi-approve-v1 を付けて、計画に署名し直してください。",
        ),
        En => say(
            "This signature was made for another purpose.",
            format!("Its namespace is `{given}`; an approval takes `hikeshi-approve-v1`."),
            "Sign the plan again with `-n hikeshi-approve-v1`.",
        ),
    }
}

fn unsupported(lang: Lang, algorithm: &str) -> Sentence {
    let algorithm = clipped(algorithm, 60);
    match lang {
        Ja => say(
            format!("この種類の署名（{algorithm}）は使えません。"),
            "使えるのは Ed25519、ECDSA（nistp256）、2048 ビット以上の RSA（SHA-2）と、セキュリティキーの Ed25519・ECDSA です。",
            "ポリシーに登録されている別の鍵で署名してください。",
        ),
        En => say(
            format!("This kind of signature ({algorithm}) is not accepted."),
            "Accepted are Ed25519, ECDSA (nistp256), RSA from 2048 bits with SHA-2, and Ed25519 or ECDSA in a security key.",
            "Sign with another key that the policy lists.",
        ),
    }
}

fn untouched(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "セキュリティキーに触れずに作られた署名です。",
            "触れずに署名できる鍵では、本人がその場にいたことが分かりません。",
            "触れることを求める鍵（no-touch-required ではない鍵）で署名し直してください。",
        ),
        En => say(
            "The security key was not touched when this was signed.",
            "A key that signs without a touch does not show that its owner was there.",
            "Sign again with a key that asks for a touch (without `no-touch-required`).",
        ),
    }
}

pub(super) fn key_unknown(lang: Lang, fingerprint: &str) -> Sentence {
    let key = clipped(fingerprint, 80);
    match lang {
        Ja => say(
            "署名した鍵は、ポリシーの誰のものでもありません。",
            format!("鍵は {key} です。"),
            "登録されている鍵で署名し直してください。新しい鍵の登録には、ほかの 2 人の承認が必要です。",
        ),
        En => say(
            "The key that signed belongs to nobody in the policy.",
            format!("The key is {key}."),
            "Sign with a key that the policy lists. To list a new one, two other people must agree.",
        ),
    }
}

pub(super) fn key_invalid(lang: Lang, person: &PersonId, fingerprint: &str, standing: KeyStanding, names: &Names) -> Sentence {
    let (who, key) = (names.person(lang, person), clipped(fingerprint, 80));
    let stamp = |at| time::stamp(lang, names.zone(), at);
    let what = match (lang, standing) {
        (Ja, KeyStanding::NotYet { from }) => format!("{who}の鍵は、まだ有効ではありません（{} から）。", stamp(from)),
        (Ja, KeyStanding::Expired { until }) => format!("{who}の鍵は、期限が切れています（{} まで）。", stamp(until)),
        (Ja, KeyStanding::Revoked { at }) => format!("{who}の鍵は、失効しています（{}）。", stamp(at)),
        (En, KeyStanding::NotYet { from }) => format!("{who}'s key is not valid yet (from {}).", stamp(from)),
        (En, KeyStanding::Expired { until }) => format!("{who}'s key has expired (until {}).", stamp(until)),
        (En, KeyStanding::Revoked { at }) => format!("{who}'s key was revoked ({}).", stamp(at)),
    };
    match lang {
        Ja => say(
            what,
            format!("鍵は {key} です。署名からは、いつ作られたかが分かりません。"),
            format!("{who}の有効な鍵で署名し直すか、別の責任者に依頼してください。"),
        ),
        En => say(
            what,
            format!("The key is {key}. A signature does not say when it was made."),
            format!("Ask {who} to sign with a valid key, or another responsible person to approve."),
        ),
    }
}

pub(super) fn differs(lang: Lang, person: &PersonId, current: Digest, names: &Names) -> Sentence {
    let (who, current) = (names.person(lang, person), current.short());
    match lang {
        Ja => say(
            format!("{who}の署名は、今の計画に対するものではありません。"),
            format!("署名の後で計画が変わったか、計画か署名が書き換えられています。今の計画は {current} です。"),
            "今の計画を取り出し（hikeshi emergency plan）、読み直したうえで、署名し直してもらってください。",
        ),
        En => say(
            format!("{who}'s signature is not over the plan as it is now."),
            format!("The plan has changed since it was signed, or plan or signature was altered. The plan now is {current}."),
            "Take the plan as it is now (`hikeshi emergency plan`) and have it read and signed again.",
        ),
    }
}

pub(super) fn signer_not_entitled(lang: Lang, person: &PersonId, roles: &[RoleName], names: &Names) -> Sentence {
    let (who, needed, people) = (names.person(lang, person), names.roles(lang, roles), names.who_can(lang, roles, &[]));
    match lang {
        Ja => say(
            format!("署名した{who}には、承認する役割がありません。"),
            format!("承認できるのは次の役割の人です: {needed}。"),
            if people.is_empty() {
                "承認できる責任者の署名をもらってください。".to_owned()
            } else {
                format!("{people}の署名をもらってください。")
            },
        ),
        En => say(
            format!("{who}, who signed, may not approve."),
            format!("It takes one of these roles: {needed}."),
            if people.is_empty() { "Get the signature of somebody who may.".to_owned() } else { format!("Get the signature of {people}.") },
        ),
    }
}

pub(super) fn assertion(lang: Lang, flaw: &AssertionFlaw) -> Sentence {
    let (ja, en) = match flaw {
        AssertionFlaw::Malformed => ("ブラウザの返事を読めませんでした。", "The browser's answer could not be read."),
        AssertionFlaw::OtherCeremony => ("承認のための返事ではありません。", "The answer was not made for an approval."),
        AssertionFlaw::OtherChallenge => ("別の計画に対する返事です。", "The answer is for another plan."),
        AssertionFlaw::OtherOrigin { given, expected } => {
            let (given, expected) = (clipped(given, 80), clipped(expected, 80));
            let why = match lang {
                Ja => format!("返事は {given} で作られました。このパスキーの場所は {expected} です。"),
                En => format!("It was made at {given}; this passkey belongs to {expected}."),
            };
            return passkey(lang, why);
        }
        AssertionFlaw::PlaceUnknown => (
            "このパスキーは古い形で登録されているため、署名に使えません。",
            "This passkey was registered in an older form and cannot sign.",
        ),
        AssertionFlaw::Untouched => ("本人の操作が確認できませんでした。", "Nobody touched the authenticator."),
        AssertionFlaw::Unproven => ("PIN や生体認証による本人確認がありませんでした。", "Neither PIN nor finger or face was asked for."),
        AssertionFlaw::Differs => ("署名がこの計画と合いません。", "The signature does not belong to this plan."),
        AssertionFlaw::CounterBack { last, given } => {
            let why = match lang {
                Ja => format!("認証器の回数が {last} から {given} に戻っています。パスキーが複製されたおそれがあります。"),
                En => format!("The authenticator's counter went from {last} to {given}: the passkey may have been copied."),
            };
            return passkey(lang, why);
        }
        AssertionFlaw::Unsupported => ("この種類のパスキーは署名に使えません。", "This kind of passkey cannot sign."),
    };
    passkey(lang, label::both(lang, (ja, en)).to_owned())
}

fn passkey(lang: Lang, why: String) -> Sentence {
    match lang {
        Ja => say(
            "パスキーによる承認を確かめられませんでした。",
            why,
            "画面を読み込み直して、もう一度承認してください。続くときは、パスキーを登録し直すか、SSH 鍵で署名してください。",
        ),
        En => say(
            "The approval by passkey could not be verified.",
            why,
            "Reload the page and approve again. If it goes on, register the passkey anew, or sign with an SSH key.",
        ),
    }
}
