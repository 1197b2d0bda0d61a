//! Which refusals guard people from themselves: being refused so again and again is a sign of its own. What is made of it is in [`super::find()`].

use crate::refusal::Refusal;

/// Refusals that keep people from agreeing with, watching or clearing themselves: trying again does not make them less of a no.
pub fn guards(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::SelfApproval { .. }
            | Refusal::ExecutorApproves { .. }
            | Refusal::ApproverNotEntitled { .. }
            | Refusal::WitnessIsExecutor { .. }
            | Refusal::WitnessNotEntitled { .. }
            | Refusal::OnlyWitnessResumes
            | Refusal::OnlyApproverAccepts { .. }
            | Refusal::SignatureKeyUnknown { .. }
            | Refusal::SignatureKeyInvalid { .. }
            | Refusal::SignatureDiffers { .. }
            | Refusal::SignerNotEntitled { .. }
            | Refusal::DeviceShared { .. }
            | Refusal::RedactionSelfAgreed { .. }
            | Refusal::JudgeNotEntitled { .. }
            | Refusal::DriftSelfAccepted { .. }
            | Refusal::CorrectionSelfFinished { .. }
            | Refusal::SelfReview { .. }
    )
}
