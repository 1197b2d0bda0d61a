//! A second, independent implementation agrees: `ct-merkle` on roots and proofs, `signed_note` on checkpoints. Neither is in the product.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use hikeshi_domain::ids::Digest;
use hikeshi_domain::ledger::{
    Checkpoint, Frontier, LedgerKey, VerifierKey, consistency_proof, inclusion_proof, leaf_hash, root_of, verify_consistency,
    verify_inclusion,
};
use sha2::Sha256;
use signed_note::{Note, StandardSigner, StandardVerifier, VerifierList};

use super::world::{World, opened};
use crate::on_both;
use crate::testing::Scratch;

type Oracle = MemoryBackedTree<Sha256, Vec<u8>>;

fn bytes(number: u64) -> Vec<u8> {
    format!("記録 {number}").into_bytes()
}

fn array(digest: &Digest) -> ct_merkle::digest::Output<Sha256> {
    digest.0.into()
}

fn concatenated(path: &[Digest]) -> Vec<u8> {
    path.iter().flat_map(|digest| digest.0).collect()
}

#[test]
fn roots_and_proofs_are_those_of_another_implementation() {
    let mut oracle = Oracle::new();
    let (mut frontier, mut leaves, mut roots) = (Frontier::new(), Vec::new(), vec![Frontier::new().root()]);
    for number in 0..130_u64 {
        oracle.push(bytes(number));
        leaves.push(leaf_hash(&bytes(number)));
        frontier.append(leaf_hash(&bytes(number)));
        let (size, theirs) = (number + 1, oracle.root());
        assert_eq!(frontier.root().0[..], theirs.as_bytes()[..], "root of {size}");
        assert_eq!(root_of(&mut leaves.as_slice(), size), Ok(frontier.root()));
        roots.push(frontier.root());
        for index in 0..size {
            let ours = inclusion_proof(&mut leaves.as_slice(), index, size).unwrap();
            let path = oracle.prove_inclusion(usize::try_from(index).unwrap());
            assert_eq!(concatenated(&ours), path.as_bytes(), "entry {index} of {size}");
            assert!(verify_inclusion(&leaves[usize::try_from(index).unwrap()], index, size, &ours, &frontier.root()));
        }
        for old in 1..=size {
            let ours = consistency_proof(&mut leaves.as_slice(), old, size).unwrap();
            let proof = oracle.prove_consistency(usize::try_from(size - old).unwrap());
            assert_eq!(concatenated(&ours), proof.as_bytes(), "{old} to {size}");
            let old_root = &roots[usize::try_from(old).unwrap()];
            assert!(verify_consistency(old, old_root, size, &frontier.root(), &ours), "{old} to {size}");
            let theirs_old = RootHash::<Sha256>::new(array(old_root), old);
            oracle.root().verify_consistency(&theirs_old, &ConsistencyProof::try_from_bytes(concatenated(&ours)).unwrap()).unwrap();
        }
    }
}

#[test]
fn a_proof_with_any_other_part_proves_nothing() {
    let leaves: Vec<Digest> = (0..21).map(|number| leaf_hash(&bytes(number))).collect();
    let (root, old_root) = (root_of(&mut leaves.as_slice(), 21).unwrap(), root_of(&mut leaves.as_slice(), 13).unwrap());
    let path = inclusion_proof(&mut leaves.as_slice(), 9, 21).unwrap();
    let consistency = consistency_proof(&mut leaves.as_slice(), 13, 21).unwrap();
    for index in 0..21 {
        assert_eq!(verify_inclusion(&leaves[9], index, 21, &path, &root), index == 9, "index {index}");
    }
    // A root says nothing of the size (the signed checkpoint does), so only sizes whose proofs have another shape can be told apart.
    for size in [0, 5, 12, 13, 14, 16, 33, 40] {
        assert!(!verify_consistency(13, &old_root, size, &root, &consistency), "size {size}");
    }
    assert!(verify_consistency(13, &old_root, 21, &root, &consistency));
    for position in 0..path.len() {
        let mut wrong = path.clone();
        wrong[position].0[7] ^= 1;
        assert!(!verify_inclusion(&leaves[9], 9, 21, &wrong, &root));
        let mut short = path.clone();
        short.remove(position);
        assert!(!verify_inclusion(&leaves[9], 9, 21, &short, &root));
    }
    for position in 0..consistency.len() {
        let mut wrong = consistency.clone();
        wrong[position].0[0] ^= 0x80;
        assert!(!verify_consistency(13, &old_root, 21, &root, &wrong));
    }
    let mut long = path;
    long.push(root);
    assert!(!verify_inclusion(&leaves[9], 9, 21, &long, &root));
}

/// Over the border of the kept subtrees of 256, so that both the kept and the computed hashes are used.
fn proofs_from_the_store_convince_another_implementation(scratch: &Scratch) {
    let mut world = World::open(scratch);
    let mut number = 0;
    while number < 600 {
        let upto = (number + 97).min(600);
        world.commit((number + 1..=upto).map(opened).collect());
        number = upto;
    }
    let entries = world.store.read(|reader| {
        let mut all = Vec::new();
        reader.walk(0, &mut |entry| {
            all.push(entry.bytes);
            std::ops::ControlFlow::Continue(())
        })?;
        Ok(all)
    });
    let entries = entries.unwrap();
    let mut oracle = Oracle::new();
    let mut roots = vec![RootHash::<Sha256>::new(array(&Frontier::new().root()), 0)];
    for entry in &entries {
        oracle.push(entry.clone());
        roots.push(oracle.root());
    }
    assert_eq!(oracle.len(), 600);
    world
        .store
        .read(|reader| {
            for size in [1, 255, 256, 257, 512, 513, 600_u64] {
                let root = &roots[usize::try_from(size).unwrap()];
                assert_eq!(reader.root_at(size)?.0[..], root.as_bytes()[..], "root at {size}");
                for seq in [0, 1, 254, 255, 256, 511, 512, 598, 599].into_iter().filter(|seq| *seq < size) {
                    let path = InclusionProof::<Sha256>::from_bytes(concatenated(&reader.prove_inclusion(seq, size)?));
                    root.verify_inclusion(&entries[usize::try_from(seq).unwrap()], seq, &path).unwrap();
                }
                for old in [1, 200, 256, 400, 512, 599].into_iter().filter(|old| *old <= size) {
                    let proof = ConsistencyProof::try_from_bytes(concatenated(&reader.prove_consistency(old, size)?)).unwrap();
                    root.verify_consistency(&roots[usize::try_from(old).unwrap()], &proof).unwrap();
                }
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_checkpoint_is_a_note_that_another_implementation_verifies() {
    let key = LedgerKey::from_seed("hikeshi.example/予約", &[7; 32]).unwrap();
    let note = Checkpoint::sign(42, Digest::of(b"root"), &key).unwrap();
    let verifier = key.verifier().to_string();
    let theirs = Note::from_bytes(note.as_bytes()).unwrap();
    let known = VerifierList::new(vec![Box::new(StandardVerifier::new(&verifier).unwrap())]);
    let (verified, unverified) = theirs.verify(&known).unwrap();
    assert_eq!((verified.len(), unverified.len()), (1, 0));

    // And the other way round: what they sign with our key is what we sign, and we verify it.
    let signer = StandardSigner::new(&key.secret_text()).unwrap();
    let text = Checkpoint { origin: key.verifier().name().to_owned(), size: 42, root: Digest::of(b"root") }.text();
    let mut signed = Note::new(text.as_bytes(), &[]).unwrap();
    signed.add_sigs(&[&signer]).unwrap();
    assert_eq!(signed.to_bytes(), note.as_bytes());
    let opened = Checkpoint::open(&signed.to_bytes(), &VerifierKey::parse(&verifier).unwrap()).unwrap();
    assert_eq!((opened.size, opened.root), (42, Digest::of(b"root")));
}

on_both!(proofs_from_the_store_convince_another_implementation);
