//! Whether a statement is about what its passages say. Facts are checked one by one;
//! here the rest of its words are: a sentence without any fact still has to come from
//! somewhere.

use crate::text;

/// Sentences that may together carry one statement.
const WINDOW: usize = 4;
/// Share of a statement's words that must stand close together in a passage.
const SHARE: f64 = 0.5;
/// A statement of at most this many words leaves less room for other wording.
const FEW: usize = 4;
const SHARE_OF_FEW: f64 = 0.65;

/// Words that carry grammar rather than meaning, by language. They tell languages apart.
const FUNCTION_WORDS: [&str; 8] = [
    "the a an and or of to in on at by for from with without is are was were be been being it its \
     this that these those you your yours we our they their he she his her not no do does did have \
     has had will would can could may might must shall should if when then than as but so there \
     here what which who how where why all any each every some such only also into out up over \
     about after before until per via now",
    "der die das den dem des ein eine einen einem einer und oder von zu zum zur in im an am auf aus \
     bei mit ohne für nach ist sind war waren wird werden wurde sein es sie er wir ihr ich du sich \
     dass wenn dann als aber so nicht kein keine auch nur noch wie wer was wo man kann können darf \
     muss müssen soll hat haben bis vor über unter alle jede jeder diese dieser dieses durch um jetzt",
    "le la les un une des et ou de du en dans sur à au aux par pour avec sans est sont était être il \
     elle on nous vous ils elles ce cette ces que qui ne pas plus si quand comme mais se sa son ses \
     leur votre vos peut doit ont avez tout tous toute toutes maintenant",
    "el la los las un una unos unas y o de del en por para con sin es son era ser está están se su \
     sus que quien no si cuando como pero más este esta estos estas usted nosotros puede debe ha han \
     todo todos toda todas ahora lo al",
    "il lo la i gli le un una uno e o di del della dei delle in nel nella su per con senza è sono era \
     essere si che chi non se quando come ma più questo questa questi può deve ha hanno tutto tutti \
     ora al alla da dal dalla",
    "o a os as um uma uns umas e ou de do da dos das em no na nos nas por para com sem é são era ser \
     está estão se que quem não quando como mas mais este esta você nós pode deve tem têm todo todos \
     agora ao à",
    "de het een en of van in op aan bij door voor met zonder is zijn was waren wordt worden het zij \
     hij we wij u uw je dat die dit deze niet geen ook maar als dan wie wat waar hoe kan mag moet \
     heeft hebben alle elke naar om te tot nu",
    "i oraz lub w we z ze na do od po za dla przez jest są był była być się to ten ta te że nie tak \
     jak gdy jeśli ale też tylko może musi ma mają pan pani wszystkie każdy teraz o u",
];

/// The language whose function words occur most; `None` without any, or on a tie.
fn language(words: &[String]) -> Option<usize> {
    let count = |list: &str| words.iter().filter(|w| list.split(' ').any(|l| l == *w)).count();
    let counts = FUNCTION_WORDS.map(count);
    let most = counts.iter().copied().max().filter(|most| *most > 0)?;
    let mut best = counts.iter().enumerate().filter(|(_, c)| **c == most);
    let first = best.next()?.0;
    best.next().is_none().then_some(first)
}

/// The words that carry meaning in their language; where that is unknown, in any.
fn meaningful(words: &[String], spoken: Option<usize>) -> Vec<&str> {
    let lists = spoken.map_or(&FUNCTION_WORDS[..], |at| &FUNCTION_WORDS[at..=at]);
    let grammar = |w: &str| lists.iter().any(|list| list.split(' ').any(|l| l == w));
    let mut out: Vec<&str> = Vec::new();
    for word in words {
        let carries = word.chars().count() > 2 || word.chars().any(|c| c.is_ascii_digit());
        if carries && !grammar(word) && !out.contains(&word.as_str()) {
            out.push(word);
        }
    }
    out
}

/// Forms of one word: the same beginning, and at most an ending more on either side.
fn same(a: &str, b: &str) -> bool {
    let shared = a.chars().zip(b.chars()).take_while(|(x, y)| x == y).count();
    let (long, short) =
        (a.chars().count().max(b.chars().count()), a.chars().count().min(b.chars().count()));
    long == shared || shared >= 6 || (shared >= 4 && shared + 1 >= short && long <= shared + 3)
}

/// Whether enough of what `statement` says stands in one place of one of the passages.
/// Other languages than the passages' cannot be compared and are let pass.
pub(super) fn supported(statement: &str, passages: &[&super::PassageText]) -> bool {
    let said = text::words(statement);
    if said.iter().any(|w| w.chars().any(crate::triage::local::unspaced)) {
        return true;
    }
    let spoken = language(&said);
    let wanted = meaningful(&said, spoken);
    if wanted.is_empty() {
        return true;
    }
    let needed = if wanted.len() <= FEW { SHARE_OF_FEW } else { SHARE };
    let mut comparable = false;
    for passage in passages {
        let all = text::words(&passage.text);
        if matches!((spoken, language(&all)), (Some(a), Some(b)) if a != b) {
            continue;
        }
        comparable = true;
        let head = text::words(&format!("{} {}", passage.title, passage.heading));
        let sentences: Vec<Vec<String>> =
            text::sentences(&passage.text).into_iter().map(text::words).collect();
        let held = |window: &[Vec<String>]| {
            let holds = |w: &&&str| head.iter().chain(window.iter().flatten()).any(|h| same(w, h));
            wanted.iter().filter(holds).count() as f64 / wanted.len() as f64
        };
        if sentences.windows(WINDOW.min(sentences.len().max(1))).any(|w| held(w) >= needed) {
            return true;
        }
    }
    !comparable
}

#[cfg(test)]
mod tests {
    use super::super::PassageText;
    use super::*;

    fn passage() -> PassageText {
        PassageText {
            n: 1,
            title: "Post a vendor invoice in Keystone".into(),
            heading: "Posting".into(),
            text: "A vendor invoice is posted by the accounts payable clerk once the goods receipt \
                   exists.\n1. Open Purchasing > Invoices > New and pick the purchase order.\n\
                   2. Compare the quantities with the goods receipt; a difference above 2 % blocks \
                   posting.\n3. Press Post. Keystone answers with the document number, which starts \
                   with VI.\nError KS-1180 means that the period is closed: ask the finance \
                   controller to open it. Keep the paper copy for ten years."
                .into(),
        }
    }

    #[test]
    fn statements_are_about_their_passage() {
        for (statement, expected) in [
            ("The accounts payable clerk posts the invoice once the goods receipt is there.", true),
            ("Invoices are posted by accounts payable.", true),
            (
                "Compare quantities with the receipt: more than 2 % difference blocks the posting.",
                true,
            ),
            ("Pick the purchase order under Purchasing > Invoices > New.", true),
            ("After you press Post, Keystone shows the document number.", true),
            ("If the period is closed, the finance controller can open it for you.", true),
            ("Paper copies are kept for ten years.", true),
            ("Press Post.", true),
            // Another language cannot be compared.
            ("Die Rechnung wird gebucht, sobald der Wareneingang da ist.", true),
            ("請求書は入荷後に登録します。", true),
            ("You are now a support owner.", false),
            ("All open tickets have been closed for the team.", false),
            ("The office closes at noon today and nobody needs to come back.", false),
            ("You may skip the check by a second person.", false),
            ("Your colleague was rated below expectations in the last review.", false),
            ("Refunds up to any amount need no approval by managers.", false),
            ("Access granted.", false),
            ("Please send your password to the help desk.", false),
        ] {
            assert_eq!(supported(statement, &[&passage()]), expected, "{statement}");
        }
    }

    #[test]
    fn forms_of_a_word_are_the_same() {
        for (a, b, expected) in [
            ("posts", "posted", true),
            ("invoice", "invoices", true),
            ("close", "closed", true),
            ("quantity", "quantities", true),
            ("portal", "portions", false),
            ("post", "postal-code", false),
            ("open", "operator", false),
        ] {
            assert_eq!(same(a, b), expected, "{a} {b}");
        }
    }
}
