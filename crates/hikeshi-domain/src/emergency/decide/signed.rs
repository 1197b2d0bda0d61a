//! Approvals that carry a signature: by SSH key, brought in from anywhere, or by passkey (rule E3).

use super::Case;
use super::agree::{Given, approver_roles, record};
use crate::account::Passkey;
use crate::decide::Decision;
use crate::emergency::{Evidence, Means, PlanDocument, Signed, Signer, signer};
use crate::ids::{Digest, RoleName};
use crate::permit::{self, Permit, roles_for};
use crate::refusal::Refusal;
use crate::signature::SignatureFlaw;
use crate::signature::passkey::{Assertion, AssertionFlaw, PasskeyKey, counter_of};

/// The plan as it would be carried out now, and as it was when it was announced: only when both are one can it be approved.
fn plan(case: &Case<'_>) -> Result<String, Refusal> {
    let bytes = PlanDocument::of(case.state, case.policy.targets.get(&case.state.plan.target)).bytes();
    let current = Digest::of(&bytes);
    if current != case.state.digest {
        return Err(Refusal::DigestDiffers { given: case.state.digest, current });
    }
    // JSON is UTF-8.
    String::from_utf8(bytes).map_err(|_| Refusal::Stale)
}

pub(super) fn by_ssh(permit: &Permit, case: &Case<'_>, armour: &str, judgement: &str) -> Result<Decision, Refusal> {
    let brought_by = permit.person()?.clone();
    if let Some(local) = &case.policy.local {
        local.at(case.now)?;
    }
    let flawed = |flaw| Refusal::SignatureFlawed { flaw };
    let keys = case.policy.people.iter().flat_map(|(id, person)| person.ssh_keys.iter().map(move |key| (id, key)));
    let Signer { by, key, fingerprint, signature } = signer(keys, armour, case.now)?;
    let held: Vec<RoleName> = case.policy.person(by).map(|person| person.roles.clone()).unwrap_or_default();
    let roles = approver_roles(case, by, held, |roles| Refusal::SignerNotEntitled { person: by.clone(), roles })?;
    // Whoever may not approve at a page may not approve by letter.
    if let Some(allowed) = roles_for(case.policy, "emergency.approve").filter(|allowed| !case.policy.has_any_role(by, allowed)) {
        return Err(Refusal::SignerNotEntitled { person: by.clone(), roles: allowed });
    }
    let plan = plan(case)?;
    signature.verify(plan.as_bytes()).map_err(|flaw| match flaw {
        SignatureFlaw::Differs => Refusal::SignatureDiffers { person: by.clone(), current: case.state.digest },
        SignatureFlaw::Malformed | SignatureFlaw::OtherNamespace { .. } | SignatureFlaw::Unsupported { .. } | SignatureFlaw::Untouched => {
            flawed(flaw)
        }
    })?;
    let means = Means::Ssh { key: fingerprint, brought_by };
    let evidence = Evidence { plan, signed: Signed::Ssh { signature: signature.armour(), key: key.clone() } };
    record(case, Given { by: by.clone(), roles, digest: case.state.digest, judgement, means, evidence: Some(Box::new(evidence)) })
}

pub(super) fn by_passkey(
    permit: &Permit,
    case: &Case<'_>,
    digest: Digest,
    judgement: &str,
    assertion: &Assertion,
) -> Result<Decision, Refusal> {
    let by = permit.person()?.clone();
    if case.policy.local.is_some() {
        // Its key was registered at this machine, and nobody else knows it.
        return Err(Refusal::ApprovalUnsigned);
    }
    if let Some(allowed) =
        roles_for(case.policy, "emergency.approve").filter(|allowed| !permit::holds(case.policy, permit.actor(), allowed))
    {
        return Err(Refusal::RoleMissing { command: "emergency.approve".to_owned(), roles: allowed });
    }
    let held = permit::roles_of(case.policy, permit.actor()).into_iter().cloned().collect();
    let roles = approver_roles(case, &by, held, |roles| Refusal::ApproverNotEntitled { roles })?;
    let plan = plan(case)?;
    if digest != case.state.digest {
        return Err(Refusal::DigestDiffers { given: digest, current: case.state.digest });
    }
    let passkeys = case.facts.account(&by).map_or(&[][..], |account| &account.passkeys);
    let passkey = passkeys.iter().find(|passkey| passkey.credential_id == assertion.credential_id).ok_or(Refusal::PasskeyUnknown)?;
    let signed = verified(passkey, digest, assertion).map_err(|flaw| Refusal::AssertionFlawed { flaw })?;
    let means = Means::Passkey { label: passkey.label.clone() };
    record(case, Given { by, roles, digest, judgement, means, evidence: Some(Box::new(Evidence { plan, signed })) })
}

fn verified(passkey: &Passkey, digest: Digest, assertion: &Assertion) -> Result<Signed, AssertionFlaw> {
    let place = passkey.place.clone().ok_or(AssertionFlaw::PlaceUnknown)?;
    let key = PasskeyKey::of_credential(&passkey.credential).ok_or(AssertionFlaw::Unsupported)?;
    let given = assertion.verify(&digest, &key, &place)?;
    // Passkeys that are synchronised do not count; both numbers stay zero.
    let last = passkey.counter.max(counter_of(&passkey.credential));
    if (last > 0 || given > 0) && given <= last {
        return Err(AssertionFlaw::CounterBack { last, given });
    }
    Ok(Signed::Passkey { assertion: assertion.clone(), key, place })
}
