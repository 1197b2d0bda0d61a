//! SPDX licence expressions, as far as `Cargo.toml` files use them: `OR`, `AND`, `WITH`, parentheses, and the old `/` for `OR`.

/// Whether somebody who accepts only `allowed` may take this.
pub fn accepts(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = tokens.as_slice();
    let verdict = either(&mut rest, allowed);
    // What is left over was not understood, and what is not understood is not accepted.
    verdict && rest.is_empty()
}

fn either(rest: &mut &[&str], allowed: &[&str]) -> bool {
    let mut verdict = both(rest, allowed);
    while let [first, tail @ ..] = *rest
        && *first == "OR"
    {
        *rest = tail;
        let other = both(rest, allowed);
        verdict = verdict || other;
    }
    verdict
}

fn both(rest: &mut &[&str], allowed: &[&str]) -> bool {
    let mut verdict = one(rest, allowed);
    while let [first, tail @ ..] = *rest
        && *first == "AND"
    {
        *rest = tail;
        let other = one(rest, allowed);
        verdict = verdict && other;
    }
    verdict
}

fn one(rest: &mut &[&str], allowed: &[&str]) -> bool {
    match *rest {
        ["(", tail @ ..] => {
            *rest = tail;
            let verdict = either(rest, allowed);
            if let [")", tail @ ..] = *rest {
                *rest = tail;
            }
            verdict
        }
        [licence, "WITH", exception, tail @ ..] => {
            *rest = tail;
            allowed.contains(&format!("{licence} WITH {exception}").as_str())
        }
        [licence, tail @ ..] => {
            *rest = tail;
            allowed.contains(licence)
        }
        [] => false,
    }
}
